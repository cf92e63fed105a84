"""The proof of a merge: what they edited stands where it stood, below the same keys or in the same braces.

Lines that look alike (the end of a service, of a `location`) can make an edit land in another part of the file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from difyaction.compose.blocks import RENAMED
from difyaction.compose.hunks import Edit, Lines, edits

_KEY = re.compile(rb"""(?P<quote>["']?)(?P<name>[^\s"']+)(?P=quote)\s*:(?:\s+[&|>#!].*)?""")
_BEFORE = {now.encode(): before.encode() for before, now in RENAMED.items()}

Placed = tuple[tuple[bytes, ...], bytes]  # the lines that one stands in, from outside to inside, and itself


def astray(base: Lines, theirs: Lines, target: Lines, merged: Lines) -> list[Edit]:
    """Return the edits of theirs that are not in the merged text, or not where they were."""
    found = edits(base, theirs)
    old, mine, new, now = (list(_placed(lines)) for lines in (base, theirs, target, merged))
    changes: Counter[Placed] = Counter()
    for edit in found:
        changes.update(line for line in edit.side.of(mine) if line)
        changes.subtract(line for line in edit.base.of(old) if line)
    lost = _lost(changes, *(Counter(line for line in lines if line) for lines in (mine, new, now)))
    return [edit for edit in found if lost & {*edit.side.of(mine), *edit.base.of(old)}]


def _lost(changes: Counter[Placed], mine: Counter[Placed], new: Counter[Placed], now: Counter[Placed]) -> set[Placed]:
    """Return the lines of which there are too few or too many at their place, and the other way round elsewhere.

    Upstream may have done the same edit. Where a line stands among those beside it is not looked at.
    """
    come, gone = now - new, new - now
    lost = set()
    for line, change in changes.items():
        few = change > 0 and now[line] < min(mine[line], new[line] + change)
        many = change < 0 and now[line] > max(mine[line], new[line] + change)
        if (few or many) and any(text == line[1] and place != line[0] for place, text in (come if few else gone)):
            lost.add(line)
    return lost


def _placed(lines: Lines) -> Iterator[Placed | None]:
    """Yield each line with those that it stands in, by how far they are indented; nothing for a blank one."""
    inside: list[tuple[int, tuple[bytes, ...]]] = [(-1, ())]
    depth, last = -1, b""
    for line in lines:
        text = line.strip()
        if not text:
            yield None
            continue
        here = len(line) - len(line.lstrip())
        if here > depth >= 0 and inside[-1][0] < depth:
            inside.append((depth, (*inside[-1][1], _name(last))))
        if text.startswith(b"#"):
            yield next(path for outer, path in reversed(inside) if outer < here), text
            continue
        while inside[-1][0] >= here:
            inside.pop()
        depth, last = here, text
        yield inside[-1][1], text


def _name(text: bytes) -> bytes:
    """Return a key without its anchor, a renamed service as it was before, any other line as it is."""
    found = _KEY.fullmatch(text)
    return _BEFORE.get(found["name"], found["name"]) if found else text
