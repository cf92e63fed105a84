"""Routes of Resource Manager: templates, the right that each needs, and the request taken apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from tests.emulators.azure.cloud import Cloud
from tests.emulators.azure.directory import Application
from tests.emulators.azure.operations import Operation
from tests.emulators.azure.problems import Json, child_not_found, resource_not_found
from tests.emulators.azure.resources import R

GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
NETWORK = GROUP + "/providers/Microsoft.Network"
COMPUTE = GROUP + "/providers/Microsoft.Compute"


@dataclass(frozen=True)
class Reply:
    """An answer; ``body`` None is no content."""

    status: int = 200
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One request of somebody who may make it."""

    cloud: Cloud
    application: Application
    method: str
    path: str
    arguments: Mapping[str, str]
    query: Mapping[str, str]
    given: Mapping[str, Json]
    if_match: str | None

    @property
    def label(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def api_version(self) -> str:
        return self.query["api-version"]

    @property
    def scope(self) -> str:
        return f"{self.cloud.root}/resourceGroups/{self.arguments['group']}"

    def resource(self, kind: type[R], suffix: str, name: str) -> R:
        """Return the top-level resource ``Microsoft.Network/publicIPAddresses`` of that name, or the gateway's 404."""
        found = self.cloud.store.find(f"{self.scope}/providers/{suffix}/{name}", kind)
        if found is None:
            raise resource_not_found(suffix, name, self.arguments["group"])
        return found

    def child(self, kind: type[R], path: str) -> R:
        """Return a nested resource by its id, or the provider's 404."""
        found = self.cloud.store.find(path, kind)
        if found is None:
            raise child_not_found(path)
        return found

    def start(self, operation: Operation) -> Operation:
        return self.cloud.operations.start(operation)


Answer = Callable[[Call], Reply]
F = TypeVar("F", bound=Answer)


@dataclass(frozen=True)
class Route:
    """``action`` is the right that it needs; empty: whoever has a token may ask."""

    method: str
    pattern: re.Pattern[str]
    action: str
    answer: Answer


ROUTES: list[Route] = []


def route(method: str, template: str, action: str = "") -> Callable[[F], F]:
    """Register an answer. ``{name}`` is one path component, ``{name...}`` all that there is."""
    pattern = re.sub(r"\{(\w+)\.\.\.\}", r"(?P<\1>.+)", template)
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)

    def register(answer: F) -> F:
        ROUTES.append(Route(method, re.compile(pattern, re.IGNORECASE), action, answer))
        return answer

    return register


def find_route(method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
    for found in ROUTES:
        match = found.pattern.fullmatch(path)
        if match is not None and found.method == method:
            return found, match.groupdict()
    return None


def scope_of(path: str) -> str:
    """Return the id whose rights and locks count for a path: without a trailing type or action."""
    above, found, below = path.rpartition("/providers/")
    if not found:
        return path
    if below.lower().startswith("microsoft.authorization/"):
        return above
    namespace, *rest = below.split("/")
    kept = rest[: len(rest) - len(rest) % 2]
    return "/".join([f"{above}/providers/{namespace}", *kept]) if kept else above
