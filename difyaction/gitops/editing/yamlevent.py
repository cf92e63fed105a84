"""What reading YAML yields: events with the places of their own text."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["document", "mapping", "sequence", "scalar", "alias", "end", "document-end"]


class Event(NamedTuple):
    """One event. ``start`` to ``end`` is a scalar's own text, without anchor and tag; ``line`` counts from 1."""

    kind: Kind
    start: int
    end: int
    line: int
    value: str = ""
    style: str = ""
    anchor: str | None = None
    tag: str | None = None
    flow: bool = False

    @property
    def meaning(self) -> tuple[object, ...]:
        """All of it but its place."""
        return self.kind, self.value, self.style, self.anchor, self.tag, self.flow


class UnreadableError(Exception):
    """The text is not YAML. ``line`` counts from 1."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.line = line
