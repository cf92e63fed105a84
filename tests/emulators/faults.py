"""Trouble on request: what goes wrong, when, and how often."""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.request import Request

Match = str | Callable[[Request], bool]


@dataclass
class Fault:
    """One kind of trouble. ``match`` is ``"METHOD /path/glob"``, ``"GRAPHQL rootField"``, ``"*"`` or a function.

    ``status``, ``graphql`` and ``reset`` end the exchange instead of an answer; with ``lost`` the request is carried
    out first and only its answer is lost. ``delay`` (seconds) and ``before`` (a race: called with the request) let it
    go on. ``times`` is how often it strikes (None: always), ``after`` how many matches it lets pass first.
    """

    match: Match
    status: int | None = None
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    graphql: Mapping[str, Any] | None = None
    reset: bool = False
    lost: bool = False
    delay: float = 0.0
    before: Callable[[Request], object] | None = None
    times: int | None = 1
    after: int = 0

    @property
    def ends_exchange(self) -> bool:
        return self.reset or self.status is not None or self.graphql is not None

    def fits(self, request: Request) -> bool:
        if callable(self.match):
            return self.match(request)
        return self.match == "*" or any(fnmatch.fnmatchcase(label, self.match) for label in request.labels)

    def answer(self) -> tuple[int, Any]:
        """Return status and body that are answered instead."""
        if self.graphql is not None:
            return 200, {"data": None, "errors": [self.graphql]}
        return self.status or 500, self.body if self.body is not None else {"message": self.message}


class Faults:
    """The faults that wait for their request."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, match: Match, **fault: Any) -> Fault:  # noqa: ANN401 - the fields of Fault
        """Let requests that match run into this; see ``Fault`` for the words."""
        added = Fault(match, **fault)
        with self._lock:
            self._waiting.append(added)
        return added

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def strike(self, request: Request) -> list[Fault]:
        """Return what this request runs into; at most the last of them ends the exchange."""
        struck = []
        with self._lock:
            for fault in list(self._waiting):
                if not fault.fits(request):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._waiting.remove(fault)
                struck.append(fault)
                if fault.ends_exchange:
                    break
        return struck


PRIMARY_LIMIT = {
    "status": 403,
    "message": "API rate limit exceeded for installation ID 88001.",
    "headers": {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"},
}
SECONDARY_LIMIT = {
    "status": 403,
    "message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    "headers": {"Retry-After": "1"},
}
TOO_MANY = {"status": 429, "message": "Too many requests", "headers": {"Retry-After": "1"}}
NOT_FOUND = {"status": 404, "message": "Not Found"}
UNAVAILABLE = {"status": 503, "message": "Service Unavailable"}
BAD_GATEWAY = {"status": 502, "message": "Server Error"}
