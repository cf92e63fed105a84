"""What a target may use of the world besides its own connections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime

from difyaction.runner import Runner


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The environment without our inputs, the log, and time. ``now`` is aware, in UTC; seconds elsewhere.

    Inside ``hold_signals()`` a cancellation waits: for the moment between making something and writing it down.
    """

    environ: Mapping[str, str]
    runner: Runner
    now: Callable[[], datetime]
    pause: Callable[[float], None]
    monotonic: Callable[[], float]
    hold_signals: Callable[[], AbstractContextManager[None]] = nullcontext

    def say(self, text: str) -> None:
        """Print a line of the log."""
        self.runner.say(text)
