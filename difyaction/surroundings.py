"""What a target may use of the world besides its own connections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from difyaction.runner import Runner


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The environment without our inputs, the log, and time. ``now`` is aware, in UTC; seconds elsewhere."""

    environ: Mapping[str, str]
    runner: Runner
    now: Callable[[], datetime]
    pause: Callable[[float], None]
    monotonic: Callable[[], float]

    def say(self, text: str) -> None:
        """Print a line of the log."""
        self.runner.say(text)
