"""Azure Resource Manager through the standard library: one client for looking, opening and closing, in all steps.

It repeats what may pass (no answer, 408, 429, 5xx, another operation in progress) until a deadline, renews a token
that is no longer taken, and shows the token to the one host that it is for.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode, urlsplit

from difyaction.azure.pace import Pace
from difyaction.azure.wire import NO_ANSWER, PASSING_STATUS, Answer, Wire
from difyaction.errors import Failed
from difyaction.secret import Secret

NETWORK: Final = "2024-05-01"
COMPUTE: Final = "2024-07-01"
DISKS: Final = "2024-03-02"
VAULTS: Final = "2023-07-01"
LOCKS: Final = "2020-05-01"
PERMISSIONS: Final = "2022-04-01"

PATIENCE: Final = 120.0  # seconds for one question, repeats included
TIMEOUT: Final = 30.0  # seconds for one answer
LONGEST_WAIT: Final = 15.0  # seconds between two looks at an operation, whatever Azure asks for

BUSY: Final = frozenset(
    {
        "AnotherOperationInProgress",
        "Canceled",
        "CanceledAndSupersededDueToAnotherOperation",
        "Conflict",
        "InUseBySomeoneElse",
        "OperationPreempted",
        "ReferencedResourceNotProvisioned",
        "RetryableError",
        "RetryableErrorDueToAnotherOperation",
    }
)
TERMINAL: Final = frozenset({"succeeded", "failed", "canceled"})


class Tokens(Protocol):
    """Gives a token for a scope."""

    def token(self, scope: str, *, fresh: bool = False) -> Secret:
        """Return one that is valid; ``fresh``: the one given last was refused."""
        ...


@dataclass(frozen=True)
class Arm:
    """One Resource Manager. ``calls`` counts requests by method; resources are named by their whole ids."""

    endpoint: str
    scope: str
    tokens: Tokens
    wire: Wire
    pace: Pace
    calls: Counter[str] = field(default_factory=Counter)

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
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if not answer.ok or not isinstance(answer.data, Mapping):
            raise Unanswered(answer, f"GET {path}")
        return answer.data

    def listed(
        self, path: str, *, version: str, query: Mapping[str, str] | None = None, until: float | None = None
    ) -> Iterator[Mapping[str, Any]]:
        """Yield every entry of a list, page by page."""
        answer = self.ask("GET", path, version=version, query=query, until=until)
        while True:
            if not answer.ok or not isinstance(answer.data, Mapping):
                raise Unanswered(answer, f"GET {path}")
            yield from answer.data.get("value") or ()
            following = str(answer.data.get("nextLink") or "")
            if not following:
                return
            answer = self._ask("GET", self._ours(following), None, "", until)

    def finished(self, answer: Answer, *, until: float, interval: float = 2.0) -> Answer:
        """Wait for the operation that an answer began, and return how it ended.

        The last answer to ``Azure-AsyncOperation`` where there is one, with status, error and ``properties.output``;
        else the answer of ``Location``. An answer that began nothing is returned as it is.
        """
        looks, async_url = 0, answer.headers.get("azure-asyncoperation", "")
        url = async_url or (answer.headers.get("location", "") if answer.status == HTTPStatus.ACCEPTED else "")
        while url and answer.ok:
            waited = self.pace.wait(_interval(answer, min(interval, 0.25 * 2**looks)), until=until)
            looks = min(looks + 1, 10)
            answer = self._ask("GET", self._ours(url), None, "", until) if waited else Answer(NO_ANSWER, {}, _OVERDUE)
            if not async_url:
                url = answer.headers.get("location", url) if answer.status == HTTPStatus.ACCEPTED else ""
            elif answer.ok and _status(answer) in TERMINAL:
                return answer if _status(answer) == "succeeded" else replace(answer, status=HTTPStatus.CONFLICT)
        return answer

    def _ask(  # noqa: PLR0913 - as above
        self, method: str, url: str, body: object | None, etag: str, until: float | None, *, repeats: bool = True
    ) -> Answer:
        until = self.pace.until(PATIENCE) if until is None else until
        attempt, fresh = 0, False
        while True:
            answer = self._send(method, url, body, etag, until, fresh=fresh)
            if answer.status == HTTPStatus.UNAUTHORIZED and not fresh:
                fresh = True
                continue
            fresh = False
            if not repeats or not _passes(answer, etag):
                return answer
            asked = _interval(answer, 0)
            # Where the wait that is asked for does not fit in any more, sooner is better than never: doors close so.
            waited = bool(asked) and self.pace.wait(asked, until=until)
            if not waited and not self.pace.back_off(attempt, until=until):
                return answer
            attempt += 1

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
        return self.wire.send(method, url, headers, content, timeout=max(1.0, min(TIMEOUT, left)))

    def _ours(self, url: str) -> str:
        """Return the address, which a server named, when it leads to the host that the token is for."""
        theirs, ours = urlsplit(url), urlsplit(self.endpoint)
        if (theirs.scheme, theirs.netloc.lower()) != (ours.scheme, ours.netloc.lower()):
            raise Failed(
                "azure-redirected",
                "Azure names {host} as the place to ask further; the token was not sent there.",
                next_step="Name the address of your Resource Manager (azure-resource-manager), then run again.",
                host=theirs.netloc,
            )
        return url


class Unanswered(Exception):
    """Azure refused, or could not be reached. ``refusals`` turns it into an error of ours, with its next step."""

    def __init__(self, answer: Answer, action: str) -> None:
        super().__init__(f"{action}: {answer.status} {answer.code} {answer.message}")
        self.answer = answer
        self.action = action


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


_OVERDUE: Final = {"code": "OperationOverdue", "message": "the operation did not end in time"}


def _passes(answer: Answer, etag: str) -> bool:
    if answer.status in PASSING_STATUS:
        return True
    if answer.status == HTTPStatus.PRECONDITION_FAILED:
        return not etag
    return answer.status == HTTPStatus.CONFLICT and bool(answer.codes & BUSY)


def _interval(answer: Answer, usual: float) -> float:
    precise = answer.headers.get("retry-after-ms", "").strip()
    if precise.isdigit():
        return min(LONGEST_WAIT, int(precise) / 1000)
    asked = answer.retry_after
    return usual if asked is None else min(LONGEST_WAIT, max(asked, 0.1))


def _status(answer: Answer) -> str:
    data = answer.data if isinstance(answer.data, Mapping) else {}
    return str(data.get("status") or properties(data).get("provisioningState") or "").lower()
