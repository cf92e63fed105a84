"""A door that stays open beats every other end of a run; the error still says how the run would have ended."""

from __future__ import annotations

from difyaction.azure.doors import DoorOpen
from difyaction.cancelled import Cancelled
from difyaction.errors import ActionError
from difyaction.language import N_
from difyaction.target import Outcome

BROKE = N_("Besides that, the run ended as {status}: {besides}")
ENDED = N_("Besides that, the run ended as {status}.")


def add_what_it_beats(error: DoorOpen, outcome: Outcome | None) -> None:
    """Add the end that is beaten: the exception that was on its way, or the outcome of ``apply``."""
    beaten = _beaten(error)
    if isinstance(beaten, ActionError):
        error.state = BROKE
        error.facts |= {"status": beaten.status, "besides": str(beaten)}
        error.left |= beaten.left
    elif beaten is not None or outcome is not None:
        error.state = ENDED
        error.facts |= {"status": outcome.status if outcome else "cancelled"}
        error.left |= outcome.outputs if outcome else beaten.left if beaten else {}


def _beaten(error: BaseException) -> ActionError | Cancelled | None:
    """Return what was on its way when the door was found open."""
    before = error.__context__
    while before is not None:
        if isinstance(before, Cancelled) or (isinstance(before, ActionError) and not isinstance(before, DoorOpen)):
            return before
        before = before.__context__
    return None
