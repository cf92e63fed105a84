"""Where two texts left their common ancestor, and how the three fit together. Lines are bytes without their ends."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

Lines = Sequence[bytes]
Item = TypeVar("Item")


@dataclass(frozen=True)
class Span:
    """Lines ``start`` to ``end`` of a text, the first being 0 and ``end`` excluded."""

    start: int
    end: int

    def of(self, lines: Sequence[Item]) -> tuple[Item, ...]:
        """Return these lines of a text, or what is known of each."""
        return tuple(lines[self.start : self.end])


@dataclass(frozen=True)
class Region:
    """Three spans that stand for each other. ``by_theirs``, ``by_target``: who changed the ancestor's lines there."""

    base: Span
    theirs: Span
    target: Span
    by_theirs: bool
    by_target: bool


@dataclass(frozen=True)
class Edit:
    """Lines of the ancestor, and those that stand for them on one side."""

    base: Span
    side: Span


def regions(base: Lines, theirs: Lines, target: Lines) -> Iterator[Region]:
    """Yield the regions in order, from the first line to the last. Edits that touch each other are one region."""
    mine, new = edits(base, theirs), edits(base, target)
    place = _Place()
    for start, end in _groups([edit.base for edit in (*mine, *new)]):
        yield from place.unchanged(start)
        left = [edit for edit in mine if start <= edit.base.start and edit.base.end <= end]
        right = [edit for edit in new if start <= edit.base.start and edit.base.end <= end]
        yield place.edited(end, left, right)
    yield from place.unchanged(len(base))


class _Place:
    """How far the three texts have been walked through."""

    def __init__(self) -> None:
        self.base = self.theirs = self.target = 0

    def unchanged(self, end: int) -> Iterator[Region]:
        if end > self.base:
            yield self._walk(end, 0, 0, by=(False, False))

    def edited(self, end: int, left: Sequence[Edit], right: Sequence[Edit]) -> Region:
        return self._walk(end, _growth(left), _growth(right), by=(bool(left), bool(right)))

    def _walk(self, end: int, grown: int, target_grown: int, *, by: tuple[bool, bool]) -> Region:
        length = end - self.base
        region = Region(
            Span(self.base, end),
            Span(self.theirs, self.theirs + length + grown),
            Span(self.target, self.target + length + target_grown),
            *by,
        )
        self.base, self.theirs, self.target = end, region.theirs.end, region.target.end
        return region


def edits(base: Lines, side: Lines) -> list[Edit]:
    """Return where a side differs from its ancestor, in order."""
    if base == side:
        return []
    # autojunk would take the many `required: false` of a compose file for noise and find no common line any more
    matcher = difflib.SequenceMatcher(None, base, side, autojunk=False)
    return [
        Edit(Span(start, end), Span(side_start, side_end))
        for tag, start, end, side_start, side_end in matcher.get_opcodes()
        if tag != "equal"
    ]


def _growth(edits: Sequence[Edit]) -> int:
    return sum((edit.side.end - edit.side.start) - (edit.base.end - edit.base.start) for edit in edits)


def _groups(spans: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """Join spans that overlap or touch, in order."""
    ordered = sorted(spans, key=lambda span: (span.start, span.end))
    while ordered:
        start, end = ordered[0].start, ordered[0].end
        taken = 1
        for span in ordered[1:]:
            if span.start > end:
                break
            end = max(end, span.end)
            taken += 1
        ordered = ordered[taken:]
        yield start, end
