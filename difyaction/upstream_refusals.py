"""What it means when upstream's GitHub does not answer what it was asked for, and what to do then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from difyaction import errors
from difyaction.web import Reply

_MAY_NOT_READ = "Give a dify-token that may read it."
_THIS_MAY_NOT_READ = "Give another dify-token: this one may not."
_SHARED_BY_ALL = (
    "Set dify-token to any token of that host: anonymous reading is shared by all who use this runner's address. "
    "It needs no permission, and is sent to that host alone."
)
_USED_BY_OTHERS = "Wait until then, or give a dify-token that is used by nothing else."


def refusal(reply: Reply, *, host: str, repository: str, anonymous: bool) -> errors.Failed:
    """Explain an answer that was not the one that was asked for."""
    facts: dict[str, Any] = {"host": host, "repository": repository, "status": reply.status}
    if _is_rate_limit(reply):
        return _rate_limited(reply, facts, anonymous=anonymous)
    if reply.status in {401, 403}:
        return errors.Failed(
            "upstream-refused",
            "{host} refuses to show {repository} (status {status}).",
            next_step=_MAY_NOT_READ if anonymous else _THIS_MAY_NOT_READ,
            **facts,
        )
    if reply.status == 404:  # noqa: PLR2004 - not found
        return errors.Failed(
            "upstream-not-found",
            "There is no {repository} at {host}.",
            next_step="Check dify-repository and dify-api-url; a private repository needs dify-token.",
            **facts,
        )
    if reply.status == 200:  # noqa: PLR2004 - an answer, of another kind
        return errors.Failed(
            "upstream-unreadable",
            "{host} does not answer as GitHub does.",
            next_step="Check dify-api-url: it must be the address of a GitHub API, such as https://api.github.com.",
            **facts,
        )
    return errors.Failed(
        "upstream-failing",
        "{host} answered with status {status} when it was asked for {repository}.",
        next_step="Run again later; if it goes on, look at the status page of that host.",
        **facts,
    )


def _is_rate_limit(reply: Reply) -> bool:
    if reply.status not in {403, 429}:
        return False
    used_up = reply.headers.get("X-RateLimit-Remaining") == "0" or "Retry-After" in reply.headers
    return used_up or reply.status == 429 or b"rate limit" in reply.body.lower()  # noqa: PLR2004 - too many requests


def _rate_limited(reply: Reply, facts: Mapping[str, Any], *, anonymous: bool) -> errors.Failed:
    reset = reply.headers.get("X-RateLimit-Reset", "")
    until = f"until {datetime.fromtimestamp(int(reset), UTC):%H:%M} UTC" if reset.isdecimal() else "for now"
    return errors.Failed(
        "upstream-rate-limit",
        "{host} takes no more requests from here {until} (rate limit, status {status}).",
        next_step=_SHARED_BY_ALL if anonymous else _USED_BY_OTHERS,
        until=until,
        **facts,
    )
