"""In which state closing left a door. Standard library only, as `closing` itself."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from difyaction.azure.door import Door


class How(enum.StrEnum):
    """In which state a door was left."""

    GONE = "gone"
    DENIED = "denied"  # the rule is still there and lets nobody in
    TAGGED = "tagged"  # no address of it is let in; the tag that is its lease could not be taken out
    ASKED = "asked"  # Azure took the request; nobody saw the end of it
    OPEN = "open"
    UNSEEN = "unseen"  # it was seen closed before, and nobody could look once more
    HELD = "held"  # our lease is gone, and another run's living one keeps the address
    AWAITED = "awaited"  # seen closed; an opening that is not answered may come yet, and there was no time to wait
    DOUBTFUL = "doubtful"  # seen closed for as long as was worth waiting; nobody knows what comes of that opening


@dataclass(frozen=True)
class Closed:
    """How closing one door ended. ``why`` says what each rung of the ladder was told; ``stood``: it was there.

    ``at``: the monotonic moment of the look that saw it so first, as long as it stayed so; None where it was looked at
    only once more. ``failed``: see `Doubt`; of the opening that may come yet.
    """

    door: Door
    how: How
    why: tuple[str, ...] = ()
    stood: bool = False
    at: float | None = None
    failed: int = 0

    @property
    def shut(self) -> bool:
        """Whether it was seen closed, and nothing since tells otherwise."""
        return self.how in {How.GONE, How.DENIED, How.TAGGED, How.UNSEEN, How.DOUBTFUL}

    @property
    def is_done(self) -> bool:
        """Whether nothing of it is left for us to close: shut, or another run's."""
        return self.shut or self.how is How.HELD
