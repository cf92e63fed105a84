"""Azure's own clock, by the Date that each of its answers carries. Standard library only.

Leases are given and judged by it: the clocks of two runners need not agree, nor be right.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

from difyaction.azure.wire import Answer

NOTICED: Final = 5.0  # seconds: a Date has no fractions, and an answer takes a moment
WORTH_TELLING: Final = 60.0  # seconds


@dataclass
class AzureDate:
    """How many seconds Azure's clock is ahead of this machine's, as far as an answer told; negative: behind it."""

    ahead: float = 0.0

    def hear(self, answer: Answer, now: float) -> None:
        """Learn from an answer that came at ``now``, in seconds since 1970 of this machine's clock."""
        try:
            told = parsedate_to_datetime(answer.headers["date"]).timestamp()
        except (KeyError, ValueError, TypeError, OverflowError):
            return
        self.ahead = told - now if abs(told - now) > NOTICED else 0.0

    @property
    def warning(self) -> str:
        """What is to be said of a clock that is far from Azure's; empty for one that is not."""
        if abs(self.ahead) <= WORTH_TELLING:
            return ""
        side = "behind" if self.ahead > 0 else "ahead of"
        return f"The clock of this machine is {abs(self.ahead):.0f} s {side} Azure's; leases go by Azure's."
