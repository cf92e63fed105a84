"""YAML text inside a literal block scalar (Argo CD's ``helm.values: |``): its leaves, placed in the outer text."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace

from difyaction.gitops.editing.address import INLINE
from difyaction.gitops.editing.events import YAML_1_2, UnreadableError, events
from difyaction.gitops.editing.leaves import Leaves, Scalar
from difyaction.gitops.editing.walk import Walk

_DEEPEST = 3
_LOOKS_LIKE_MAPPING = re.compile(
    r"""(?:[ \t]*(?:\#.*)?\n|---[^\n]*\n)*[ ]*(?:-[ ]+)?(?:[\w./-]+|"[^"\n]*"|'[^'\n]*')[ ]*:(?:\s|\Z)"""
)
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n|\Z)")


@dataclass(frozen=True)
class _Lines:
    """Where the lines of a block scalar's value stand: ``inner`` in the value, ``outer`` in the text around it."""

    inner: tuple[int, ...]
    outer: tuple[int, ...]
    end: int

    def place(self, offset: int) -> int:
        line = bisect_right(self.inner, offset) - 1
        return self.outer[line] + offset - self.inner[line] if line < len(self.outer) else self.end


def enter(text: str, scalar: Scalar, leaves: Leaves) -> None:
    """Add the leaves of the YAML mapping that ``scalar`` holds, if it does, or why it cannot be read."""
    if scalar.style != "literal" or not _LOOKS_LIKE_MAPPING.match(scalar.value):
        return
    if scalar.path.count(INLINE) >= _DEEPEST:
        return
    lines = _lines(text, scalar)
    here = (scalar.document, scalar.path)
    try:
        inner = read_inner(scalar)
    except UnreadableError as why:
        leaves.opaque[here] = (str(why), scalar.line + why.line)
        return
    if lines is None or inner.documents != 1:
        leaves.opaque[here] = ("it is not one YAML document in plain lines", scalar.line)
        return
    _add(inner, leaves, lines, scalar.line)


def read_inner(scalar: Scalar) -> Leaves:
    """Read the value of a block scalar as YAML; places are those in the value. Raises `UnreadableError`."""

    def deeper(found: Scalar, leaves: Leaves) -> None:
        enter(scalar.value, found, leaves)

    walk = Walk(deeper, prefix=(*scalar.path, INLINE), document=scalar.document)
    return walk.take(events(scalar.value, YAML_1_2))


def _add(inner: Leaves, leaves: Leaves, lines: _Lines, above: int) -> None:
    for leaf in inner.scalars:
        placed = replace(leaf, start=lines.place(leaf.start), end=lines.place(leaf.end), line=above + leaf.line)
        leaves.scalars.append(placed)
    leaves.collections |= {key: (kind, above + line) for key, (kind, line) in inner.collections.items()}
    leaves.twice |= {key: above + line for key, line in inner.twice.items()}
    leaves.opaque |= {key: (why, above + line) for key, (why, line) in inner.opaque.items()}


def _lines(text: str, scalar: Scalar) -> _Lines | None:
    """Pair the value's lines with the lines of the text; None when they are not the same but for indentation."""
    inner, outer = [], []
    at = _line_end(text, scalar.start)
    offset = 0
    for line in scalar.value.split("\n"):
        end = _line_end(text, at)
        written = text[at:end].rstrip("\r\n")
        if line.strip() and (end > scalar.end or not written.endswith(line)):
            return None
        inner.append(offset)
        outer.append(end - len(text[at:end]) + len(written) - len(line))
        offset += len(line) + 1
        at = end
    return _Lines(tuple(inner), tuple(outer), scalar.end)


def _line_end(text: str, at: int) -> int:
    match = _LINE.match(text, at)
    return match.end() if match else len(text)
