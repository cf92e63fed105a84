"""How long doors were open, told for people and for later steps. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable

from difyaction.azure.doors import Exposure
from difyaction.language import N_, Language

OPEN = N_("Open for {seconds} s, and seen closed: {where}.")
STANDS = N_("Open for {seconds} s until now, and not seen closed: {where}.")
HELD = N_("Open for {seconds} s until now; this run's lease is gone, and another run's keeps it open: {where}.")
LEFT_CLOSED = N_("Left open by run {run}, and seen closed: {where}.")
LEFT_OPEN = N_("Left open by run {run}, and not seen closed: {where}.")
DOUBTFUL = N_(
    "Seen closed {seconds} s after it was asked for, but Azure never answered a request that opens it: {where}. Should "
    "Azure carry that out yet, mode sweep closes it."
)
FAILED = N_(
    "Seen closed {seconds} s after it was asked for, but Azure answered a request that opens it with a failure of its "
    "own ({status}): {where}. Should Azure carry that out yet, mode sweep closes it."
)


def sentences(exposures: Iterable[Exposure], language: Language | None = None) -> tuple[str, ...]:
    """Return a sentence for each door, for a reader of ``language``; left out: for the log, in English."""
    say = (language or Language.of("en")).say
    return tuple(
        say(
            _template(each),
            seconds=f"{each.seconds:.1f}",
            where=each.door.where,
            status=each.failed,
            run=each.door.lease.run.text,
        )
        for each in exposures
    )


def _template(each: Exposure) -> str:
    if each.held:
        return HELD
    if each.theirs:
        return LEFT_OPEN if each.stands else LEFT_CLOSED
    if each.stands:
        return STANDS
    if each.doubtful:
        return FAILED if each.failed else DOUBTFUL
    return OPEN


def output(exposures: Iterable[Exposure]) -> str:
    """Return the doors as JSON: what was open, for how many seconds, and whether it was not seen closed until now.

    Without the seconds where a dead run left it open: nobody knows since when.
    """
    return json.dumps([_record(each) for each in exposures])


def _record(each: Exposure) -> dict[str, object]:
    seconds = {} if each.theirs else {"seconds": round(each.seconds, 1)}
    return {"door": each.door.where, **seconds, "open": each.stands}
