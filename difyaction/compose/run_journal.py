"""A run's journal, as the host wrote it: rows read from bytes that may be torn, huge or hostile. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

FINAL = ("done", "failed", "rolled-back", "stranded", "degraded")
LONGEST_LINE = 8192
LONGEST_TEXT = 64 * 1024
MOST_ROWS = 100_000
_STATES = frozenset({"began", "say", "fact", "live", "reason", "done", "failed", "undoing", "undone", "undo-failed"})
_RUN_STATES = frozenset({"began", "recovering", "reason", "say"})
_ROW = re.compile(
    rb"([0-9]{1,9}) ([0-9]{1,12}) ([a-z][a-z0-9-]{0,39}) ([a-z][a-z-]{0,15})(\+?) ([0-9]{1,4}) (-|[A-Za-z0-9+/]+={0,2})"
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ID = re.compile(r"[a-z][a-z0-9-]{0,59}")


@dataclass(frozen=True)
class JournalRow:
    """One row. ``when``: seconds since 1970 by the host's clock; ``text``: the host's words, cleaned of controls.

    A step goes ``began`` -> (``say`` | ``fact`` | ``live`` | ``reason``)* -> ``done`` | ``failed``, and when it is
    undone ``undoing`` -> ... -> ``undone`` | ``undo-failed``, and from the latter perhaps once more. The text of a
    ``failed`` row is the end of its output, of a ``fact`` row ``KEY VALUE``, of a ``reason`` row ``ID TEXT``. The step
    ``run`` speaks for the whole run (``began``, ``recovering``, ``reason``). The last row's step is ``end``, its state
    one of FINAL, its text ``ID TEXT`` where no step began.
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

    @property
    def is_live(self) -> bool:
        """Whether it only tells how far its step is."""
        return self.state == "live"

    @property
    def awaits_snapshot(self) -> bool:
        """Whether the host stands still from here on, until it is told that its disks are kept."""
        return (self.state, self.text) == ("fact", "awaiting snapshot")


class Reader:
    """Takes the journal's bytes as they come, in pieces of any size, and gives whole rows; drops what is none."""

    def __init__(self) -> None:
        self.dropped = 0
        self._rows = 0
        self._rest = b""
        self._begun: JournalRow | None = None  # a row whose text goes on in the next one
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[JournalRow]:
        """Yield the rows that are whole by now. The memory that it takes is bounded, whatever the host sends."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            self._rest, self.dropped = b"", self.dropped + 1
        for line in lines:
            if line:
                yield from self._line(line)

    def _line(self, line: bytes) -> Iterator[JournalRow]:
        found = _ROW.fullmatch(line) if len(line) <= LONGEST_LINE else None
        text = _decoded(found[7]) if found else None
        if found is None or text is None or self._rows >= MOST_ROWS:
            self.dropped += 1
            return
        step, state = found[3].decode(), found[4].decode()
        if state not in {"end": FINAL, "run": _RUN_STATES}.get(step, _STATES):
            self.dropped += 1
            return
        self._rows += 1
        row = JournalRow(int(found[1]), int(found[2]), step, state, int(found[6]), "")
        if self._begun and (self._begun.step, self._begun.state) != (step, state):
            yield self._whole(self._begun)
        self._pieces.append(text)
        if found[5] and sum(map(len, self._pieces)) < LONGEST_TEXT:
            self._begun = self._begun or row
        else:
            yield self._whole(self._begun or row)

    def _whole(self, row: JournalRow) -> JournalRow:
        text = b"".join(self._pieces)[:LONGEST_TEXT]
        self._begun, self._pieces = None, []
        return replace(row, text=clean(text.decode("utf-8", "replace")))


def clean(text: str) -> str:
    """Return somebody else's words without what a terminal or a log might obey."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).rstrip("\n")


def _decoded(coded: bytes) -> bytes | None:
    if coded == b"-":
        return b""
    try:
        return base64.b64decode(coded, validate=True)
    except binascii.Error:
        return None


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
    """What a run's rows say together. ``state`` is empty while it goes on; ``seconds`` are by step."""

    state: str = ""
    failure: Reason | None = None
    failed_undos: tuple[Reason, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, int] = field(default_factory=dict)


def record(rows: Iterable[JournalRow]) -> RunRecord:
    """Put a run's rows together."""
    facts: dict[str, str] = {}
    began: dict[str, int] = {}
    seconds: dict[str, int] = {}
    reasons: dict[str, Reason] = {}
    failures: list[Reason] = []
    undos: list[Reason] = []
    last, state = "run", ""
    for row in rows:
        if row.state == "fact":
            key, _, value = row.text.partition(" ")
            facts[key] = value
        elif row.state in {"began", "undoing"}:
            last, began[row.step] = row.step, row.when
            reasons.pop(row.step, None)
            undos = [undo for undo in undos if undo.step != row.step]
        elif row.state in {"reason", "recovering"}:
            reasons[row.step] = reason = _reason(row, row.step if row.step != "run" else last)
            failures += [reason] if not failures and row.state == "recovering" else []
        elif row.is_final:
            state = row.state
            failures += [_reason(row, last)] if row.text and not failures else []
        elif row.state in {"done", "failed"}:
            seconds[row.step] = max(0, row.when - began.get(row.step, row.when))
            failures += [_blamed(row, reasons)] if row.state == "failed" else []
        elif row.state == "undo-failed":
            undos.append(_blamed(row, reasons))
    failures += list(reasons.values()) if state not in {"", "done"} else []
    return RunRecord(state, failures[0] if failures else None, tuple(undos), facts, seconds)


def _reason(row: JournalRow, step: str) -> Reason:
    word, _, text = row.text.partition(" ")
    if not _ID.fullmatch(word):
        word, text = "step-failed", row.text
    return Reason(step, word, text, exit_code=row.exit_code)


def _blamed(row: JournalRow, reasons: Mapping[str, Reason]) -> Reason:
    told = reasons.get(row.step, Reason(row.step, "step-failed", f"It ended with exit code {row.exit_code}."))
    return replace(told, output=row.text, exit_code=row.exit_code)
