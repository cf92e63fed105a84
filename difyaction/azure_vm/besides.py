"""How a run ends whose door was open: it beats every other end, as long as it is open; the error says what it beats."""

from __future__ import annotations

from difyaction.azure.doors import DoorOpen
from difyaction.cancelled import Cancelled
from difyaction.errors import ActionError, Failed
from difyaction.language import N_
from difyaction.target import Outcome

ENDED = N_("Besides that, the run ended as {ended_as}.")


def add_what_it_beats(error: DoorOpen, outcome: Outcome | None) -> None:
    """Add the end that is beaten: the exception that was on its way, or the outcome of ``apply``."""
    beaten = _beaten(error)
    if isinstance(beaten, ActionError):
        # Template by template, so that it is told in the reader's language; where names meet, the door's win.
        error.state = " ".join(text for text in (ENDED, beaten.what, beaten.state, beaten.next_step) if text)
        error.facts = {**beaten.facts, **error.facts, "ended_as": beaten.status}
        error.left |= beaten.left
    elif beaten is not None or outcome is not None:
        error.state = ENDED
        error.facts |= {"ended_as": outcome.status if outcome else "cancelled"}
        error.left |= outcome.outputs if outcome else beaten.left if beaten else {}


def without_the_door(error: DoorOpen) -> ActionError | Cancelled:
    """Return how a run ends whose door was not seen closed at first, and is now: as if it had been, or as failed.

    A run only ends by such a door before anybody was let in by it, so that nothing was touched.
    """
    return _beaten(error) or Failed(
        "azure-door-late",
        "An opening was only seen closed at the second attempt: {doors}. At the first, Azure said: {door_says}.",
        next_step="Run again; nothing is open.",
        doors="; ".join(door.where for door in error.doors),
        door_says=error.facts.get("door_says", "-"),
    )


def _beaten(error: BaseException) -> ActionError | Cancelled | None:
    """Return what was on its way when the door was found open."""
    before = error.__context__
    while before is not None:
        if isinstance(before, Cancelled) or (isinstance(before, ActionError) and not isinstance(before, DoorOpen)):
            return before
        before = before.__context__
    return None
