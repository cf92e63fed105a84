"""Time and chance, given from outside: what a retry needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """``clock`` gives seconds since 1970, ``pause`` waits some seconds, ``chance`` gives a number in [0, 1).

    ``say`` is told of a wait that the server asked for.
    """

    clock: Callable[[], float]
    pause: Callable[[float], None]
    chance: Callable[[], float]
    say: Callable[[str], None] = lambda _: None

    def back_off(self, attempt: int, *, longest: float = 20.0) -> None:
        """Wait 0.5, 1, 2, ... seconds, up to half of it by chance, so that racing runs part."""
        step = min(longest, 0.5 * 2**attempt)
        self.pause(step * (0.5 + 0.5 * self.chance()))

    def token(self) -> str:
        """Return eight characters for the name of something short-lived."""
        return f"{int(self.chance() * 16**8):08x}"
