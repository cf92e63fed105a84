"""REST routes: templates, the request that a route answers, and the reply."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

from tests.emulators.github.credentials import Credential
from tests.emulators.github.hub import Hub
from tests.emulators.github.problems import Problem, not_found
from tests.emulators.github.repository import Repository

Json = Any  # whatever json.dumps takes
LARGEST_PAGE = 100
DEFAULT_PAGE = 30


@dataclass(frozen=True)
class Reply:
    """An answer. ``raw`` takes the place of ``body`` for files."""

    status: int = 200
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None


@dataclass(frozen=True)
class Call:
    """One REST request, its path already taken apart. ``given`` is the JSON body."""

    hub: Hub
    credential: Credential
    path: str
    arguments: Mapping[str, str]
    query: Mapping[str, str]
    given: Mapping[str, Json]
    accept: str
    repository: Repository | None = None

    @property
    def repo(self) -> Repository:
        if self.repository is None:
            raise not_found()
        return self.repository

    @property
    def number(self) -> int:
        return int(self.arguments["number"])

    def paged(self, items: Sequence[Json], show: Callable[[Any], Json]) -> Reply:
        """Answer one page, with the Link header that leads to the next."""
        size = min(int(self.query.get("per_page", DEFAULT_PAGE)), LARGEST_PAGE)
        page = max(int(self.query.get("page", "1")), 1)
        last = max(-(-len(items) // size), 1)
        links = [
            f'<{self.hub.api}{self.path}?{urlencode({**self.query, "page": str(number)})}>; rel="{name}"'
            for name, number, there in (("next", page + 1, page < last), ("last", last, page < last))
            if there
        ]
        shown = [show(item) for item in items[(page - 1) * size : page * size]]
        return Reply(200, shown, {"Link": ", ".join(links)} if links else {})


Answer = Callable[[Call], Reply]
F = TypeVar("F", bound=Answer)


@dataclass(frozen=True)
class Route:
    """``needs`` are permissions; a route that needs the App itself says ``app``."""

    method: str
    pattern: re.Pattern[str]
    needs: tuple[str, ...]
    answer: Answer


ROUTES: list[Route] = []


def route(method: str, template: str, *needs: str) -> Callable[[F], F]:
    """Register an answer. ``{name}`` is one path component, ``{name...}`` all that follow."""
    pattern = re.sub(r"\{(\w+)\.\.\.\}", r"(?P<\1>.+)", template)
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)

    def register(answer: F) -> F:
        ROUTES.append(Route(method, re.compile(pattern), needs, answer))
        return answer

    return register


def is_known(method: str, path: str) -> bool:
    return any(known.method == method and known.pattern.fullmatch(path) for known in ROUTES)


def answer(hub: Hub, method: str, call: Call) -> Reply:
    """Find the route, check who asks, and answer."""
    for found in ROUTES:
        match = found.pattern.fullmatch(call.path)
        if match is None or found.method != method:
            continue
        arguments = match.groupdict()
        repository = None
        if "app" in found.needs and call.credential.kind != "jwt":
            raise Problem(401, "A JSON web token could not be decoded")
        if "repo" in arguments and "app" not in found.needs:
            hub.redirect(f"{arguments['owner']}/{arguments['repo']}", call.path)
            repository = hub.visible(f"{arguments['owner']}/{arguments['repo']}", call.credential)
            hub.require(repository, call.credential, *found.needs)
        return found.answer(
            Call(hub, call.credential, call.path, arguments, call.query, call.given, call.accept, repository=repository)
        )
    raise not_found()
