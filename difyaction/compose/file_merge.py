"""The three-way merge of tracked files that people edit: the compose file, nginx and squid templates.

Own code over difflib: the kept library for it, merge3, is under the GPL, which this project is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from difyaction.compose.astray import astray
from difyaction.compose.blocks import block_regions, names_twice
from difyaction.compose.hunks import Edit, Region, edits, regions
from difyaction.target import Objection, Severity

RULE = "edited-file-conflict"


@dataclass(frozen=True)
class Conflict:
    """Lines that both sides changed, each in its own way. Lines count from 1; texts are decoded.

    ``edited`` are first and last line of each edit of theirs, in their file; where they removed lines, the last
    is the line before the first. ``base_line`` and ``target_line`` are where upstream's texts begin.
    """

    edited: tuple[tuple[int, int], ...]
    base_line: int
    target_line: int
    base: tuple[str, ...] = field(repr=False)
    theirs: tuple[str, ...] = field(repr=False)
    target: tuple[str, ...] = field(repr=False)

    @property
    def where(self) -> str:
        """Their edits as a reader counts lines: ``12-14, 20, before 31``."""
        return ", ".join(_range(first, last) for first, last in self.edited)

    def __str__(self) -> str:
        parts = (("theirs", self.theirs), ("upstream, before", self.base), ("upstream, after", self.target))
        return "\n".join(f"{name}:\n" + "\n".join(f"    {line}" for line in lines) for name, lines in parts)


@dataclass(frozen=True)
class FileMerge:
    """How one file merged. ``content`` is None when there are conflicts: half a merge is no file."""

    file: str
    content: bytes | None = field(repr=False)
    conflicts: tuple[Conflict, ...] = ()

    def objection(self, version: str) -> Objection | None:
        """Return what stands in the way of ``version``, if anything. Nobody can consent to a file that is not there."""
        if not self.conflicts:
            return None
        text = (
            "{file} was edited on this host where upstream changes it too, in line {lines}. Bring these lines"
            " in accord with {version}, or move the edit to docker-compose.override.yaml or .env, then run again."
        )
        facts = {
            "file": self.file,
            "lines": ", ".join(conflict.where for conflict in self.conflicts),
            "version": version,
            "conflicts": self.conflicts,
        }
        return Objection(RULE, version, Severity.NEVER, text, facts)


@dataclass(frozen=True)
class _Lines:
    """A file's lines without their ends, and the ends. ``ended``: whether its last line has one."""

    texts: tuple[bytes, ...]
    ends: tuple[bytes, ...]
    ended: bool

    @classmethod
    def split(cls, content: bytes) -> _Lines:
        *pieces, rest = content.split(b"\n")
        texts = [piece.removesuffix(b"\r") for piece in pieces]
        ends = [b"\r\n" if piece.endswith(b"\r") else b"\n" for piece in pieces]
        return cls((*texts, rest), (*ends, b""), ended=False) if rest else cls(tuple(texts), tuple(ends), ended=True)

    @property
    def end(self) -> bytes:
        """The end that most lines have."""
        return b"\r\n" if self.ends.count(b"\r\n") > self.ends.count(b"\n") else b"\n"


def merge_file(file: str, base: bytes, theirs: bytes, target: bytes) -> FileMerge:
    """Carry what they changed since ``base`` over to ``target``.

    Their lines keep their ends, and upstream's lines take the end that most of theirs have: a file that was
    checked out with CRLF merges with upstream's LF and stays CRLF.
    """
    if theirs in {base, target}:
        return FileMerge(file, target)
    old, mine, new = _Lines.split(base), _Lines.split(theirs), _Lines.split(target)
    try:
        blocks = block_regions(old.texts, mine.texts, new.texts)
    except ValueError:
        return _along(list(regions(old.texts, mine.texts, new.texts)), file, old, mine, new)
    merged = _along(blocks, file, old, mine, new)
    if merged.content is not None:
        return merged
    by_lines = _along(list(regions(old.texts, mine.texts, new.texts)), file, old, mine, new)
    return merged if by_lines.content is None or names_twice(by_lines.content) else by_lines


def _along(found: Sequence[Region], file: str, old: _Lines, mine: _Lines, new: _Lines) -> FileMerge:
    """Merge along regions, and see that every edit of theirs arrived where it was."""
    conflicts = tuple(_conflict(region, old, mine, new) for region in found if _clashes(region, mine, new))
    if conflicts:
        return FileMerge(file, None, conflicts)
    lines = [line for region in found for line in _merged(region, mine, new)]
    merged = [text for text, _ in lines]
    conflicts = tuple(_stray(edit, old, mine) for edit in astray(old.texts, mine.texts, new.texts, merged))
    if conflicts:
        return FileMerge(file, None, conflicts)
    content = b"".join(text + end for text, end in lines)
    ended = mine.ended if mine.ended != old.ended else new.ended
    return FileMerge(file, content if ended or not lines else content.removesuffix(lines[-1][1]))


def _clashes(region: Region, mine: _Lines, new: _Lines) -> bool:
    both = region.by_theirs and region.by_target
    return both and region.theirs.of(mine.texts) != region.target.of(new.texts)


def _merged(region: Region, mine: _Lines, new: _Lines) -> Sequence[tuple[bytes, bytes]]:
    """Return the lines of a region that merges, each with its end."""
    if region.by_target and not region.by_theirs:
        return [(text, mine.end) for text in region.target.of(new.texts)]
    ends = (end or mine.end for end in region.theirs.of(mine.ends))
    return list(zip(region.theirs.of(mine.texts), ends, strict=True))


def _conflict(region: Region, old: _Lines, mine: _Lines, new: _Lines) -> Conflict:
    base, theirs = region.base.of(old.texts), region.theirs.of(mine.texts)
    first = region.theirs.start
    return Conflict(
        edited=tuple((first + edit.side.start + 1, first + edit.side.end) for edit in edits(base, theirs)),
        base_line=region.base.start + 1,
        target_line=region.target.start + 1,
        base=_decoded(base),
        theirs=_decoded(theirs),
        target=_decoded(region.target.of(new.texts)),
    )


def _stray(edit: Edit, old: _Lines, mine: _Lines) -> Conflict:
    """Return an edit whose place cannot be told among upstream's lines of the wanted release."""
    return Conflict(
        edited=((edit.side.start + 1, edit.side.end),),
        base_line=edit.base.start + 1,
        target_line=0,
        base=_decoded(edit.base.of(old.texts)),
        theirs=_decoded(edit.side.of(mine.texts)),
        target=(),
    )


def _decoded(lines: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(line.decode("utf-8", "replace") for line in lines)


def _range(first: int, last: int) -> str:
    if last < first:
        return f"before {first}"
    return str(first) if last == first else f"{first}-{last}"
