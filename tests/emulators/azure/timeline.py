"""What is in force when: a change takes a while to reach every front end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Timeline(Generic[T]):
    """A value that changes at known times; while a change settles, some see the old value and some the new."""

    def __init__(self, value: T, *, since: float = 0.0) -> None:
        self._entries: list[tuple[float, float, T]] = [(since, since, value)]

    def change(self, value: T, *, at: float, settled: float) -> None:
        """Let ``value`` be seen from ``at`` on, and by everybody from ``settled`` on."""
        self._entries.append((at, max(at, settled), value))
        self._entries.sort(key=lambda entry: entry[0])

    def seconds_while(self, holds: Callable[[T], bool], now: float) -> float:
        """Add up for how long values were in force that ``holds`` is true of."""
        ends = [entry[0] for entry in self._entries[1:]] + [now]
        spans = zip(self._entries, ends, strict=True)
        return sum(max(0.0, min(end, now) - entry[0]) for entry, end in spans if holds(entry[2]))

    def value(self, now: float, turn: int) -> T:
        """Return what is seen now; odd turns see the old value while a change settles."""
        begun = [entry for entry in self._entries if entry[0] <= now]
        _, settled, value = begun[-1]
        if now < settled and turn % 2 and len(begun) > 1:
            return begun[-2][2]
        return value
