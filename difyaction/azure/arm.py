"""Azure Resource Manager through the standard library: the client that closes doors, in the run and in the post step.

The run asks it too for what none of its SDKs knows: a vault's firewall, locks, permissions. It repeats what may pass
(no answer, 408, 429, 5xx, another operation in progress) until a deadline, renews a token that is no longer taken, and
shows the token to the one host that it is for. It never waits for an operation to end: closing looks for itself.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode, urlsplit

from difyaction.azure.date import AzureDate
from difyaction.azure.pace import Pace
from difyaction.azure.repeats import PATIENCE, TIMEOUT, repeated
from difyaction.azure.wire import Answer, Wire
from difyaction.errors import Failed
from difyaction.secret import Secret

NETWORK: Final = "2024-05-01"
VAULTS: Final = "2023-07-01"
LOCKS: Final = "2020-05-01"
PERMISSIONS: Final = "2022-04-01"


class Tokens(Protocol):
    """Gives a token for a scope."""

    def token(self, scope: str, *, fresh: bool = False) -> Secret:
        """Return one that is valid; ``fresh``: the one given last was refused."""
        ...


@dataclass(frozen=True)
class Arm:
    """One Resource Manager. ``calls`` counts requests by method; resources are named by their whole ids.

    ``date`` is Azure's clock, as its last answer told it.
    """

    endpoint: str
    scope: str
    tokens: Tokens
    wire: Wire
    pace: Pace
    calls: Counter[str] = field(default_factory=Counter)
    date: AzureDate = field(default_factory=AzureDate)

    def now(self) -> float:
        """Return the time by which leases are given and judged, in seconds since 1970: Azure's, once it answered."""
        return self.pace.clock() + self.date.ahead

    def ask(  # noqa: PLR0913 - a request has these parts
        self,
        method: str,
        path: str,
        body: object | None = None,
        *,
        version: str,
        query: Mapping[str, str] | None = None,
        etag: str = "",
        until: float | None = None,
        repeats: bool = True,
    ) -> Answer:
        """Send one request and return the answer that stands, whatever its status.

        ``until`` is the monotonic moment after which nothing is repeated. ``repeats=False``, for a write that is made
        of what was read: it is only sent again when the token was refused. With ``etag`` it counts only while the
        resource is still the one that was read, and 412 stands; without, 412 passes.
        """
        url = f"{self.endpoint}{quote(path, safe='/')}?{urlencode({**(query or {}), 'api-version': version})}"
        return self._ask(method, url, body, etag, until, repeats=repeats)

    def look(
        self, path: str, *, version: str, query: Mapping[str, str] | None = None, until: float | None = None
    ) -> Mapping[str, Any] | None:
        """Return a resource as it is, or nothing when there is none. ``Unanswered`` for every other answer."""
        answer = self.ask("GET", path, version=version, query=query, until=until)
        if is_absent(answer):
            return None
        if not is_resource(answer):
            raise Unanswered(answer, f"GET {path}")
        return dict(answer.data)

    def listed(
        self, path: str, *, version: str, query: Mapping[str, str] | None = None, until: float | None = None
    ) -> Iterator[Mapping[str, Any]]:
        """Yield every entry of a list, page by page."""
        answer = self.ask("GET", path, version=version, query=query, until=until)
        while True:
            if not answer.ok or not isinstance(answer.data, Mapping) or "value" not in answer.data:
                raise Unanswered(answer, f"GET {path}")
            yield from answer.data["value"] or ()
            following = str(answer.data.get("nextLink") or "")
            if not following:
                return
            answer = self._ask("GET", confined(following, self.endpoint), None, "", until)

    def _ask(  # noqa: PLR0913 - as above
        self, method: str, url: str, body: object | None, etag: str, until: float | None, *, repeats: bool = True
    ) -> Answer:
        limit = self.pace.until(PATIENCE) if until is None else until

        def send(fresh: bool) -> Answer:  # noqa: FBT001 - as `repeated` calls it
            return self._send(method, url, body, etag, limit, fresh=fresh)

        return repeated(send, self.pace, until=limit, etag=etag, repeats=repeats)

    def _send(  # noqa: PLR0913 - as above
        self, method: str, url: str, body: object | None, etag: str, until: float, *, fresh: bool
    ) -> Answer:
        headers = {"Accept": "application/json"}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        elif method in {"POST", "PUT"}:
            content = b""
        if etag:
            headers["If-Match"] = etag
        headers["Authorization"] = f"Bearer {self.tokens.token(self.scope, fresh=fresh).reveal()}"
        self.calls[method] += 1
        left = until - self.pace.monotonic()
        answer = self.wire.send(method, url, headers, content, timeout=max(1.0, min(TIMEOUT, left)))
        self.date.hear(answer, self.pace.clock())
        return answer


class Unanswered(Exception):
    """Azure refused, or could not be reached. ``refusals`` turns it into an error of ours, with its next step."""

    def __init__(self, answer: Answer, action: str) -> None:
        super().__init__(f"{action}: {answer.status} {answer.code} {answer.message}")
        self.answer = answer
        self.action = action


def is_absent(answer: Answer) -> bool:
    """Whether Azure says that a resource is not there.

    A proxy's page says 404 as well, and who lost every right is told that there is no such subscription: a door that
    they speak of may stand open.
    """
    return answer.status == HTTPStatus.NOT_FOUND and bool(answer.code) and "SubscriptionNotFound" not in answer.codes


def is_resource(answer: Answer) -> bool:
    """Whether the answer is a resource: a page that somebody on the way put in its place has no id."""
    return answer.ok and isinstance(answer.data, Mapping) and bool({"id", "properties"} & answer.data.keys())


def confined(url: str, endpoint: str) -> str:
    """Return the address, which a server named, when it leads to the host that the token is for."""
    theirs, ours = urlsplit(url), urlsplit(endpoint)
    if (theirs.scheme, theirs.netloc.lower()) != (ours.scheme, ours.netloc.lower()):
        raise Failed(
            "azure-redirected",
            "Azure names {host} as the place to ask further; the token was not sent there.",
            next_step="Name the address of your Resource Manager (azure-resource-manager), then run again.",
            host=theirs.netloc,
        )
    return url


def parsed(resource_id: str) -> Mapping[str, str]:
    """Return the parts of a resource's id by the lower-case word before each: ``resourcegroups`` -> the group."""
    parts = resource_id.strip("/").split("/")
    return {name.lower(): value for name, value in zip(parts[::2], parts[1::2], strict=False)}


def last_name(resource_id: str) -> str:
    """Return the resource's own name."""
    return resource_id.rstrip("/").rpartition("/")[2]


def group_of(resource_id: str) -> str:
    """Return the id of the resource group that a resource is in."""
    return "/".join(resource_id.split("/")[:5])


def same(one: str, other: str) -> bool:
    """Whether two ids name one resource: Azure does not keep their case."""
    return one.lower() == other.lower()


def properties(resource: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return a resource's properties."""
    found = (resource or {}).get("properties")
    return found if isinstance(found, Mapping) else {}
