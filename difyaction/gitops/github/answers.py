"""What a GitHub server answered, and whether it is worth asking again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

LONGEST_TEXT: Final = 300  # characters of a foreign text that an error of ours repeats
PASSING_FAULT: Final = "something went wrong while executing your query"
SECONDARY_WAIT: Final = 60.0  # seconds; GitHub's advice where it names none


def bounded(text: object) -> str:
    """Return a foreign text as one line of at most 300 characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1] + "…"


@dataclass(frozen=True)
class Reply:
    """One REST answer. Status 0 means that none came. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    data: Any

    @property
    def ok(self) -> bool:
        """Whether it is a success."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def message(self) -> str:
        """GitHub's sentence, with the reasons that stand in ``errors``; bounded."""
        if not isinstance(self.data, Mapping):
            return bounded(self.data or self.status)
        reasons = self.data.get("errors") or ()
        parts = [self.data.get("message", "")]
        if isinstance(reasons, list):
            parts += [_reason(reason) for reason in reasons]
        return bounded("; ".join(str(part).rstrip(".") for part in parts if part))

    def says(self, *words: str) -> bool:
        """Whether any of these lower-case words stands in the message."""
        return any(word in self.message.lower() for word in words)


def _reason(reason: object) -> str:
    if not isinstance(reason, Mapping):
        return str(reason)
    return str(reason.get("message") or f"{reason.get('field', '')} {reason.get('code', '')}".strip())


@dataclass(frozen=True)
class GraphError:
    """One entry of GraphQL's ``errors``: its type, its bounded message, the field that it is about."""

    kind: str
    message: str
    field: str

    def says(self, *words: str) -> bool:
        """Whether any of these lower-case words stands in the message."""
        return any(word in self.message.lower() for word in words)


@dataclass(frozen=True)
class Answer:
    """One GraphQL answer: what was given, and what was not."""

    data: Mapping[str, Any]
    errors: tuple[GraphError, ...] = ()

    @property
    def message(self) -> str:
        """All errors in one bounded line."""
        return bounded("; ".join(error.message for error in self.errors))

    def says(self, *words: str) -> bool:
        """Whether any error has any of these lower-case words."""
        return any(error.says(*words) for error in self.errors)


def graph_errors(reply: Reply) -> tuple[GraphError, ...]:
    """Return the errors of a GraphQL reply."""
    found = reply.data.get("errors") if isinstance(reply.data, Mapping) else None
    return tuple(
        GraphError(
            str(error.get("type", "")),
            bounded(error.get("message", "")),
            str((error.get("path") or [""])[0]),
        )
        for error in found or ()
        if isinstance(error, Mapping)
    )


def wait_before_repeating(reply: Reply, attempt: int) -> float | None:
    """Return the seconds to wait before the same request is sent again, or nothing when the answer stands."""
    if _limited(reply):
        return _limit_wait(reply)
    if reply.status == 0 or reply.status in (500, 502, 503, 504) or _passing_fault(reply):
        named = reply.headers.get("retry-after", "")
        return float(named) if named.isdigit() else min(30.0, 2.0**attempt)
    return None


def _limited(reply: Reply) -> bool:
    if reply.status == HTTPStatus.OK:
        return any(error.kind == "RATE_LIMITED" for error in graph_errors(reply))
    if reply.status not in (403, 429):
        return False
    named = "retry-after" in reply.headers or reply.headers.get("x-ratelimit-remaining") == "0"
    return reply.status == HTTPStatus.TOO_MANY_REQUESTS or named or reply.says("rate limit")


def _limit_wait(reply: Reply) -> float:
    named = reply.headers.get("retry-after", "")
    if named.isdigit():
        return float(named)
    reset = reply.headers.get("x-ratelimit-reset", "")
    if reply.headers.get("x-ratelimit-remaining") == "0" and reset.isdigit() and (now := server_time(reply)):
        return max(0.0, float(reset) - now) + 1.0  # a second more: which part of it the reset meant is not said
    return SECONDARY_WAIT


def _passing_fault(reply: Reply) -> bool:
    return reply.status == HTTPStatus.OK and any(error.says(PASSING_FAULT) for error in graph_errors(reply))


def server_time(reply: Reply) -> float | None:
    """Return the server's own clock in seconds since 1970, from its ``Date`` header."""
    try:
        return parsedate_to_datetime(reply.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return None
