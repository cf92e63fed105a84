"""Time and chance, given from outside: what waiting needs. Standard library only, as the post step uses it too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from difyaction.events import QUIET, Events


@dataclass(frozen=True)
class Pace:
    """``clock`` gives seconds since 1970, ``monotonic`` seconds that never jump, ``pause`` waits some seconds.

    ``chance`` gives a number in [0, 1), so that two runs that collided do not collide again. ``events`` is told of the
    requests that the SDKs send.
    """

    clock: Callable[[], float]
    monotonic: Callable[[], float]
    pause: Callable[[float], None]
    chance: Callable[[], float]
    events: Events = QUIET

    def back_off(self, attempt: int, *, until: float, shortest: float = 0.5, longest: float = 10.0) -> bool:
        """Wait 0.5, 1, 2, ... seconds, up to half of it by chance. False, at once, when ``until`` would pass."""
        step = min(longest, shortest * 2 ** min(attempt, 16)) * (0.5 + 0.5 * self.chance())
        return self.wait(step, until=until)

    def wait(self, seconds: float, *, until: float) -> bool:
        """Wait, unless the monotonic moment ``until`` comes first; then return False at once."""
        if self.monotonic() + seconds > until:
            return False
        self.pause(seconds)
        return True

    def until(self, seconds: float) -> float:
        """Return the monotonic moment that lies so many seconds ahead."""
        return self.monotonic() + seconds
