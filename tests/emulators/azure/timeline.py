"""What is in force when: a change takes a while to reach every front end."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Timeline(Generic[T]):
    """A value that changes at known times; while a change settles, some see the old value and some the new."""

    def __init__(self, value: T) -> None:
        self._entries: list[tuple[float, float, T]] = [(0.0, 0.0, value)]

    def change(self, value: T, *, at: float, settled: float) -> None:
        """Let ``value`` be seen from ``at`` on, and by everybody from ``settled`` on."""
        self._entries.append((at, max(at, settled), value))
        self._entries.sort(key=lambda entry: entry[0])

    def value(self, now: float, turn: int) -> T:
        """Return what is seen now; odd turns see the old value while a change settles."""
        begun = [entry for entry in self._entries if entry[0] <= now]
        _, settled, value = begun[-1]
        if now < settled and turn % 2 and len(begun) > 1:
            return begun[-2][2]
        return value
