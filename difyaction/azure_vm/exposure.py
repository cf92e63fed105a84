"""How long doors were open, told for people and for later steps. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable

from difyaction.azure.doors import Exposure


def sentences(exposures: Iterable[Exposure]) -> tuple[str, ...]:
    """Return a sentence for each door."""
    return tuple(f"Open for {each.seconds:.1f} s, and seen closed: {each.door.where}." for each in exposures)


def output(exposures: Iterable[Exposure]) -> str:
    """Return the doors as JSON: what was open, and for how many seconds."""
    return json.dumps([{"door": each.door.where, "seconds": round(each.seconds, 1)} for each in exposures])
