"""Where three files fit together, block by block: what stands in a service is merged with that service only.

By its lines alone the end of `api` looks like the end of any other service, and what somebody appended to it would
land in one that upstream put after it. A block is a key of the top level (or what opens a brace, as in nginx's files),
and in those that all three have, each of their own keys; the comment above it belongs to it. A file of no such shape is
one block. Whether it is good YAML is asked of Compose.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from difyaction.compose.hunks import Lines, Region, Span, regions

RENAMED = {"db": "db_postgres"}  # services that go on under another name: before 1.10.1 -> since

_KEY = re.compile(
    rb"""(?P<blank>[ ]*)"""
    rb"""(?:(?P<quote>["']?)(?P<key>[^\s"'#-][^\s"'#]*)(?P=quote)[ ]*:(?:\s.*)?"""  # `api:`
    rb"""|(?P<head>[^\s#-].*?)\s*\{\s*)"""  # `location /v1 {`
)

Three = tuple[Span, Span, Span]
Texts = tuple[Lines, Lines, Lines]
Blocks = Mapping[str, Span]


def block_regions(base: Lines, theirs: Lines, target: Lines) -> list[Region]:
    """Return the regions in the order of the target. ``ValueError``: the lines of one are not known by their blocks.

    Keys of theirs stand after those that they stood after. That both added something at one place is no clash when
    it has two names.
    """
    texts = (base, theirs, target)
    spans = (Span(0, len(base)), Span(0, len(theirs)), Span(0, len(target)))
    return list(_regions(texts, spans, depth=0))


def names_twice(content: bytes) -> bool:
    """Whether two blocks of one name stand side by side, of which a reader would believe one, or none."""
    lines = content.splitlines()
    try:
        block_regions(lines, lines, lines)
    except ValueError:
        return True
    return False


def _regions(texts: Texts, spans: Three, *, depth: int) -> Iterator[Region]:
    old, *both = (_blocks(text, span, depth) for text, span in zip(texts, spans, strict=True))
    mine, new = (_as_before(old, side) for side in both)
    if [name for name in old if name in mine] != [name for name in mine if name in old]:
        raise ValueError("they moved a block")
    ends = tuple(span.start for span in spans)
    for name in _order(new, mine):
        here = [side.get(name, Span(end, end)) for side, end in zip((old, mine, new), ends, strict=True)]
        found = cast("Three", tuple(here))
        ends = tuple(span.end for span in found)
        if name and depth == 0 and name in old and name in mine and name in new:
            yield from _regions(texts, found, depth=1)
        else:
            yield from _within(texts, found)


def _within(texts: Texts, spans: Three) -> Iterator[Region]:
    """Yield the regions of one block by its lines."""
    for region in regions(*(span.of(text) for text, span in zip(texts, spans, strict=True))):
        parts = zip((region.base, region.theirs, region.target), spans, strict=True)
        base, theirs, target = (Span(span.start + part.start, span.start + part.end) for part, span in parts)
        yield Region(base, theirs, target, region.by_theirs, region.by_target)


def _order(new: Iterable[str], mine: Iterable[str]) -> Iterator[str]:
    """Yield upstream's names in upstream's order, each name that only they have after the one before it."""
    known, before = set(new), ""
    own: dict[str, list[str]] = {}
    for name in mine:
        if name in known:
            before = name
        else:
            own.setdefault(before, []).append(name)
    for name in new:
        yield from (name, *own.get(name, ()))


def _as_before(old: Blocks, side: Blocks) -> Blocks:
    """Return the blocks by the names that the base has for them."""
    names = {now: before for before, now in RENAMED.items() if before in old and before not in side and now not in old}
    return {names.get(name, name): span for name, span in side.items()}


def _blocks(lines: Lines, span: Span, depth: int) -> Blocks:
    """Cut lines at the keys of one depth. What stands before the first is called "". ``ValueError``: a name twice."""
    blank = b"" if depth == 0 else _blank(lines, span)
    starts = {"": span.start}
    for number in range(span.start, span.end):
        found = _KEY.fullmatch(lines[number])
        if found is None or found["blank"] != blank or (depth and blank == b""):
            continue
        name = (found["key"] or found["head"]).decode("utf-8", "replace")
        if name in starts:
            raise ValueError(f"{name} is there twice")
        first = depth == 0 and len(starts) == 1  # what stands above it is about the whole file
        starts[name] = number if first else _head(lines, number, len(blank))
    last = list(starts.values())[-1]
    if lines[last : last + 1] and (closed := _closed(lines, Span(last, span.end), blank)) < span.end:
        starts["}"] = closed  # what follows the last brace belongs to nobody's block: others may be put before it
    ends = [*list(starts.values())[1:], span.end]
    return {name: Span(start, end) for (name, start), end in zip(starts.items(), ends, strict=True)}


def _closed(lines: Lines, span: Span, blank: bytes) -> int:
    """Return where a block in braces is over, with the blank lines below it; the end of the span for one without."""
    brace = blank + b"}"
    heads = (number for number in range(span.start, span.end) if lines[number].rstrip().endswith(b"{"))
    start = next(heads, span.end)
    end = next((number + 1 for number in range(start, span.end) if lines[number].rstrip() == brace), span.end)
    return next((number for number in range(end, span.end) if lines[number].strip()), span.end)


def _blank(lines: Lines, span: Span) -> bytes:
    """Return how far the keys below a key are indented; empty when there are none."""
    for line in span.of(lines):
        text = line.lstrip(b" ")
        if text and len(text) < len(line) and not text.startswith(b"#"):
            return line[: len(line) - len(text)]
    return b""


def _head(lines: Lines, number: int, indent: int) -> int:
    """Return the first line of the comment above a key, with the blank lines around it."""
    while number and _is_head(lines[number - 1], indent):
        number -= 1
    return number


def _is_head(line: bytes, indent: int) -> bool:
    text = line.lstrip(b" ")
    return not text.strip() or (text.startswith(b"#") and len(line) - len(text) <= indent)
