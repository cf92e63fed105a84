"""A YAML file as it was read: its scalars and their places in its text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NoReturn

from difyaction import errors
from difyaction.gitops.editing import inline
from difyaction.gitops.editing.address import Path
from difyaction.gitops.editing.events import YAML_1_2, UnreadableError, events
from difyaction.gitops.editing.leaves import Leaves, Scalar
from difyaction.gitops.editing.walk import TemplateError, Walk

__all__ = ["LARGEST", "Leaves", "Scalar", "Text", "decode", "read", "refuse"]

LARGEST = 5_000_000
"""Bytes of the largest file that is read."""

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_OPENS_TEMPLATE = re.compile(r"""(?:[^'"#{]|'[^']*'|"(?:[^"\\]|\\.)*"|(?<=\S)\#|\{(?!\{))*\{\{""")


@dataclass(frozen=True)
class Text:
    """A file that was read. ``content`` is its text, a BOM and all line breaks as they are.

    ``scalars`` are all leaves, those read through aliases and merge keys and those of YAML text inside literal
    block scalars (behind `INLINE` in the path) among them.
    """

    file: str
    content: str
    scalars: tuple[Scalar, ...]
    documents: int
    collections: Mapping[tuple[int, Path], tuple[str, int]] = field(default_factory=dict, repr=False)
    twice: Mapping[tuple[int, Path], int] = field(default_factory=dict)
    opaque: Mapping[tuple[int, Path], tuple[str, int]] = field(default_factory=dict)

    def get(self, path: Path, document: int | None = None) -> Scalar | None:
        """Return the scalar at a path; None when there is none, or when more than one document has it."""
        found = self.having(path, document)
        return found[0] if len({scalar.document for scalar in found}) == 1 else None

    def having(self, path: Path, document: int | None = None) -> tuple[Scalar, ...]:
        """Return every scalar at a path: of several documents, and of keys that stand twice."""
        found = self._by_path.get(_spelled(path), ())
        return tuple(scalar for scalar in found if document is None or scalar.document == document)

    def duplicates(self, path: Path, document: int | None = None) -> bool:
        """Say whether a key on this path stands twice in its mapping."""
        return self.second_key(path, document) is not None

    def second_key(self, path: Path, document: int | None = None) -> int | None:
        """Return the line where a key on this path stands a second time."""
        if not self.twice:
            return None
        ways = {_spelled(path[: length + 1]) for length in range(len(path))}
        lines = (
            line
            for (number, twice), line in self.twice.items()
            if document in {None, number} and _spelled(twice) in ways
        )
        return next(lines, None)

    def sharing(self, scalar: Scalar) -> tuple[Scalar, ...]:
        """Return every leaf that reads the same written value as ``scalar``: itself, the anchored one, all aliases."""
        return tuple(self._by_origin.get((scalar.document, scalar.origin), ()))

    @cached_property
    def _by_path(self) -> Mapping[tuple[str, ...], list[Scalar]]:
        table: dict[tuple[str, ...], list[Scalar]] = {}
        for scalar in self.scalars:
            table.setdefault(_spelled(scalar.path), []).append(scalar)
        return table

    @cached_property
    def _by_origin(self) -> Mapping[tuple[int, Path], list[Scalar]]:
        table: dict[tuple[int, Path], list[Scalar]] = {}
        for scalar in self.scalars:
            table.setdefault((scalar.document, scalar.origin), []).append(scalar)
        return table


def read(content: bytes, *, file: str) -> Text:
    """Read a file.

    Raises `errors.Invalid` with file, line and reason: yaml-unparsable, yaml-template (a Helm template),
    yaml-not-utf8, yaml-too-large.
    """
    text = decode(content, file=file)

    def inside(scalar: Scalar, leaves: Leaves) -> None:
        inline.enter(text, scalar, leaves)

    try:
        leaves = Walk(inside).take(events(text, YAML_1_2))
    except TemplateError as why:
        refuse("yaml-template", str(why), file=file, line=why.line)
    except UnreadableError as why:
        if line := _template_line(text, why.line):
            refuse("yaml-template", "a template ({{ … }}) stands here, not YAML", file=file, line=line)
        refuse("yaml-unparsable", f"not YAML: {why}", file=file, line=why.line)
    return Text(file, text, tuple(leaves.scalars), leaves.documents, leaves.collections, leaves.twice, leaves.opaque)


def decode(content: bytes, *, file: str) -> str:
    """Decode a file of UTF-8, keeping a BOM. Raises `errors.Invalid` (yaml-not-utf8, yaml-too-large)."""
    if len(content) > LARGEST:
        refuse("yaml-too-large", f"{len(content)} bytes; at most {LARGEST} are read", file=file, line=1)
    if content.startswith(_UTF16) or b"\0" in content[:4]:
        refuse("yaml-not-utf8", "the file is UTF-16 or UTF-32; save it as UTF-8", file=file, line=1)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as why:
        line = content.count(b"\n", 0, why.start) + 1
        refuse("yaml-not-utf8", f"the byte 0x{content[why.start]:02x} is not UTF-8", file=file, line=line)


def refuse(kind: str, why: str, *, file: str, line: int) -> NoReturn:
    """Raise the `errors.Invalid` that says why a file is not edited."""
    raise errors.Invalid([errors.Complaint(id=kind, text=f"{file}, line {line}: {why}", file=file, line=line)])


def _template_line(text: str, line: int) -> int | None:
    """Return the first line, no further than just behind ``line``, where {{ stands outside quotes and comments."""
    lines = text.splitlines()[: line + 1]
    return next((number for number, each in enumerate(lines, 1) if _OPENS_TEMPLATE.match(each)), None)


def _spelled(path: Path) -> tuple[str, ...]:
    """Write every element as text: ``a.0`` may be the item 0 of a list, or the key 0."""
    return tuple(map(str, path))
