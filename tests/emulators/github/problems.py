"""How GitHub says no: one exception, read by REST as a status and by GraphQL as an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class Problem(Exception):
    """``status``, ``message`` and ``errors`` are what REST answers; ``kind`` and ``text`` what GraphQL does."""

    status: int
    message: str
    kind: str = "UNPROCESSABLE"
    errors: Sequence[Mapping[str, object] | str] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""

    def __str__(self) -> str:
        return self.message


def not_found() -> Problem:
    return Problem(404, "Not Found", "NOT_FOUND")


def invalid(message: str) -> Problem:
    """A request that is well formed and cannot be done."""
    return Problem(422, message)


def validation_failed(text: str, **error: str) -> Problem:
    """Return the 422 whose reason stands in ``errors``; GraphQL says ``text``."""
    reason = {"resource": "PullRequest", "code": "custom", **error}
    if reason["code"] == "custom":
        reason.setdefault("message", text)
    return Problem(422, "Validation Failed", errors=[reason], text=text)


def unresolved(kind: str, what: str) -> Problem:
    """GraphQL's words for a thing that is not there, or that this token may not know of."""
    return Problem(404, f"Could not resolve to {kind} with {what}.", "NOT_FOUND")
