"""Azure's time, and how long things take there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal


class Clock:
    """Real time, plus what a test lets pass."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += seconds


@dataclass
class Timing:
    """Seconds. ``propagation`` and ``vault_propagation`` begin when Azure calls the change done.

    ``flapping`` follows them: old and new are seen in turn. ``retry_after``: None sends no header, ``"recorded"`` what
    Azure was seen to send, a number that number with every operation (below one as ``retry-after-ms``).
    """

    network: float = 0.02
    compute: float = 0.02
    run_command: float = 0.0
    propagation: float = 0.0
    vault_propagation: float = 0.0
    flapping: float = 0.0
    background_copy: float = 0.0
    retry_after: Literal["recorded"] | float | None = None
    token_life: int = 3599

    def retry(self, recorded: int | None) -> Mapping[str, str]:
        """Return the header that tells when to look again; ``recorded`` is what Azure sent in this place."""
        if self.retry_after == "recorded":
            return {} if recorded is None else {"Retry-After": str(recorded)}
        if self.retry_after is None:
            return {}
        if self.retry_after < 1:
            return {"retry-after-ms": str(int(self.retry_after * 1000))}
        return {"Retry-After": str(int(self.retry_after))}


def stamp(when: float, zone: str = "+00:00", digits: str = "microseconds") -> str:
    return datetime.fromtimestamp(when, UTC).replace(tzinfo=None).isoformat(timespec=digits) + zone
