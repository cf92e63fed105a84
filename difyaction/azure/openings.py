"""The requests that open doors, and what Azure answered to them. Standard library only: signals and the end read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from difyaction.azure.door import Doubt


@dataclass
class Openings:
    """What was asked for, by door. ``clock`` gives seconds since 1970, ``monotonic`` seconds that never jump."""

    clock: Callable[[], float]
    monotonic: Callable[[], float]
    _asked: dict[str, Doubt] = field(default_factory=dict)  # the request that is on its way
    _lost: dict[str, Doubt] = field(default_factory=dict)  # an earlier one, which was not answered
    _made: set[str] = field(default_factory=set)  # what a request that was answered has opened

    def doubt(self, key: str) -> Doubt | None:
        """Return the opening of a door that Azure has not answered, or nothing when all were."""
        return self._asked.get(key) or self._lost.get(key)

    def ask(self, key: str) -> None:
        """Note that a door is about to be asked for."""
        before = self._asked.get(key)
        if before:
            self._lost[key] = before
        only = before is None and key not in self._lost and key not in self._made
        self._asked[key] = Doubt(self.clock(), only=only, ticked=self.monotonic())

    def failed(self, key: str, status: int) -> bool:
        """Note by which status Azure says that it failed itself; return whether that tells of a request."""
        if not status or key not in self._asked:
            return False
        self._asked[key] = replace(self._asked[key], failed=status)
        return True

    def carried_out(self, key: str) -> None:
        """Note that the request on its way has opened the door."""
        self._asked.pop(key, None)
        self._made.add(key)
        if key in self._lost:
            self._lost[key] = replace(self._lost[key], only=False)

    def refused(self, key: str) -> bool:
        """Note that the request on its way was refused; return whether another one can have opened the door."""
        self._asked.pop(key, None)
        return key in self._made or key in self._lost

    def is_only(self, key: str) -> bool:
        """Say whether the request on its way is the only one that can have opened the door."""
        found = self._asked.get(key)
        return found is not None and found.only

    def settle(self, key: str) -> None:
        """Note that nothing comes of any request any more."""
        self._asked.pop(key, None)
        self._lost.pop(key, None)
