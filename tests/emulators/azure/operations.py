"""Long-running operations: they take their time, succeed, fail, or are superseded."""

from __future__ import annotations

import fnmatch
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.azure.clock import Clock, stamp

Finish = Callable[[float], Any]


def nothing(_ended: float) -> None:
    """Finish without a result."""


@dataclass
class Operation:
    """One operation. ``due`` is None while somebody else has to end it (a script that runs)."""

    label: str
    name: str
    target: str
    started: float
    due: float | None
    finish: Finish = nothing
    undo: Finish = nothing
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "InProgress"
    ended: float = 0.0
    output: Any = None
    error: Mapping[str, Any] | None = None
    planned_error: Mapping[str, Any] | None = None

    @property
    def is_running(self) -> bool:
        return self.status == "InProgress"

    def end(self, when: float) -> None:
        """Succeed, or fail if that was planned."""
        self.ended = when
        if self.planned_error is not None:
            self.fail(self.planned_error, when)
            return
        self.status = "Succeeded"
        self.output = self.finish(when)

    def fail(self, error: Mapping[str, Any], when: float) -> None:
        """Fail (or be canceled, when the error says so) and take back what was begun."""
        self.status = "Canceled" if error["code"] == "Canceled" else "Failed"
        self.ended, self.error = when, error
        self.undo(when)

    def show_times(self) -> dict[str, Any]:
        """Return the status as the compute provider words it."""
        ended = {} if self.is_running else {"endTime": stamp(self.ended)}
        output = {"properties": {"output": self.output}} if self.output is not None else {}
        error = {"error": self.error} if self.error else {}
        return {"startTime": stamp(self.started), **ended, "status": self.status, **output, **error, "name": self.id}

    def show(self) -> dict[str, Any]:
        """Return the status as the network provider words it."""
        return {"status": self.status} | ({"error": self.error} if self.error else {})


@dataclass
class Upset:
    """What will happen to an operation that a matching request starts."""

    match: str
    error: Mapping[str, Any] | None
    seconds: float | None
    times: int


class Operations:
    """All operations, by id."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, Operation] = {}
        self._upsets: list[Upset] = []

    def upset(
        self, match: str, error: Mapping[str, Any] | None = None, *, seconds: float | None = None, times: int = 1
    ) -> None:
        """Let the operation that a request like ``"PUT */securityRules/*"`` starts fail, or take ``seconds``."""
        self._upsets.append(Upset(match, error, seconds, times))

    def start(self, operation: Operation) -> Operation:
        """Begin; what takes no time is done at once."""
        for upset in self._upsets:
            if upset.times > 0 and fnmatch.fnmatchcase(operation.label, upset.match):
                upset.times -= 1
                operation.planned_error = upset.error
                if upset.seconds is not None and operation.due is not None:
                    operation.due = operation.started + upset.seconds
                break
        self._known[operation.id] = operation
        self.settle()
        return operation

    def find(self, number: str) -> Operation | None:
        return self._known.get(number)

    def running_on(self, target: str) -> list[Operation]:
        wanted = target.lower()
        return [one for one in self._known.values() if one.is_running and one.target.lower() == wanted]

    def settle(self) -> None:
        """End what is due, in its order."""
        now = self._clock()
        due = [one for one in self._known.values() if one.is_running and one.due is not None and one.due <= now]
        for operation in sorted(due, key=lambda one: one.due or 0.0):
            operation.end(operation.due or now)
