"""What is asked again, when, and until when: one rule for the SDKs' requests and for the small client's.

Standard library only, as doors are closed by it.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from difyaction.azure.pace import Pace
from difyaction.azure.wire import PASSING_STATUS, Answer

PATIENCE: Final = 120.0  # seconds for one question, repeats included
TIMEOUT: Final = 30.0  # seconds for one answer
LONGEST_WAIT: Final = 15.0  # seconds between two requests, whatever Azure asks for

_BUSY: Final = frozenset(
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


def repeated(
    send: Callable[[bool], Answer], pace: Pace, *, until: float, etag: str = "", repeats: bool = True
) -> Answer:
    """Send until an answer stands, and return it, whatever its status.

    ``send`` gets whether it has to log in afresh: once after each 401. ``until`` is the monotonic moment after which
    nothing is repeated. With ``etag``, 412 stands; ``repeats=False``: only a refused token is a reason to send again.
    """
    attempt, fresh = 0, False
    while True:
        answer = send(fresh)
        if answer.status == HTTPStatus.UNAUTHORIZED and not fresh:
            fresh = True
            continue
        fresh = False
        if not repeats or not _passes(answer, etag):
            return answer
        asked = _asked(answer)
        # Where the wait that is asked for does not fit in any more, sooner is better than never: doors close so.
        waited = bool(asked) and pace.wait(asked, until=until)
        if not waited and not pace.back_off(attempt, until=until):
            return answer
        attempt += 1


def _passes(answer: Answer, etag: str) -> bool:
    if answer.status in PASSING_STATUS:
        return True
    if answer.status == HTTPStatus.PRECONDITION_FAILED:
        return not etag
    return answer.status == HTTPStatus.CONFLICT and bool(answer.codes & _BUSY)


def _asked(answer: Answer) -> float:
    """Return the seconds that the server asks to wait, within reason; 0 when it does not ask."""
    precise = answer.headers.get("retry-after-ms", "").strip()
    if precise.isdigit():
        return min(LONGEST_WAIT, int(precise) / 1000)
    asked = answer.retry_after
    return 0.0 if asked is None else min(LONGEST_WAIT, max(asked, 0.1))
