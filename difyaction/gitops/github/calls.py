"""How many requests went to GitHub, and what for."""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass, field

from difyaction.events import QUIET, Events


class Purpose(enum.StrEnum):
    """What a request was made for. Only ``PROPOSAL`` counts against the promise of eight."""

    PROPOSAL = "proposal"
    MINTING = "minting"
    POLLING = "polling"
    SUPERSEDING = "superseding"


@dataclass
class Calls:
    """A counter by purpose. Repeated requests count each time. ``events`` is told of each of them."""

    events: Events = QUIET
    _by_purpose: Counter[Purpose] = field(default_factory=Counter)

    def count(self, purpose: Purpose) -> None:
        """Note one request."""
        self._by_purpose[purpose] += 1

    def of(self, purpose: Purpose) -> int:
        """Return how many requests were made for one purpose."""
        return self._by_purpose[purpose]

    @property
    def total(self) -> int:
        """All requests together."""
        return self._by_purpose.total()

    def __str__(self) -> str:
        """Read as ``7 proposal, 2 polling``: the purposes that occurred, in a fixed order."""
        return ", ".join(f"{self._by_purpose[purpose]} {purpose}" for purpose in Purpose if self._by_purpose[purpose])
