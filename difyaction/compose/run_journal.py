"""A run's journal, as the host wrote it: rows read from bytes that may be torn, huge or hostile. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FINAL = ("done", "failed", "rolled-back", "stranded", "degraded")


@dataclass(frozen=True)
class JournalRow:
    """One row. ``when`` is in seconds since 1970 by the host's clock; ``text`` is the host's words, cleaned of controls.

    A step goes ``began`` -> (``say`` | ``fact`` | ``live`` | ``reason``)* -> ``done`` | ``failed``, and when it is
    undone ``undoing`` -> ... -> ``undone`` | ``undo-failed``. The text of a ``failed`` row is the end of its output,
    of a ``fact`` row ``KEY VALUE``, of a ``reason`` row ``ID TEXT``. The last row's step is ``end``, its state one of FINAL.
    """

    seq: int
    when: int
    step: str
    state: str
    exit_code: int
    text: str

    @property
    def is_final(self) -> bool:
        """Whether the run is over."""
        return self.step == "end"


@dataclass(frozen=True)
class Reason:
    """Why a step failed: the error id and text that `fail` was given, or the prelude's own, and the output's end."""

    step: str
    id: str
    text: str
    output: str = ""
    exit_code: int = 0


@dataclass(frozen=True)
class RunRecord:
    """What a run's rows say together. ``state`` is empty while it goes on; ``seconds`` by step name."""

    state: str = ""
    failure: Reason | None = None
    failed_undos: tuple[Reason, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, int] = field(default_factory=dict)
