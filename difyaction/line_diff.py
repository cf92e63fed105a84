"""Unified diffs that show what changed and no more.

`difflib.unified_diff` takes lines that come often for noise in texts of 200 lines and more: of a dozen alike manifests
in one file it shows lines as changed that are not.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Literal

_CONTEXT = 3  # lines around a change, as Git shows them
_Opcode = tuple[Literal["replace", "delete", "insert", "equal"], int, int, int, int]


def unified(  # noqa: PLR0913 - two texts, and how they are shown
    before: Sequence[str],
    after: Sequence[str],
    names: tuple[str, str],
    *,
    end: str = "\n",
    context: int = _CONTEXT,
    in_place: bool = False,
) -> Iterator[str]:
    """Yield the lines of a unified diff, nothing when both are alike. ``end`` closes the lines that are not given.

    ``in_place``: every line kept its place, as after an edit of values; both have as many then.
    """
    for number, group in enumerate(_Comparison(before, after, in_place=in_place).get_grouped_opcodes(context)):
        if not number:
            yield from (f"--- {names[0]}{end}", f"+++ {names[1]}{end}")
        (_, start, _, other, _), (_, _, stop, _, other_stop) = group[0], group[-1]
        yield f"@@ -{_span(start, stop)} +{_span(other, other_stop)} @@{end}"
        for tag, begin, close, new, new_close in group:
            if tag == "equal":
                yield from (f" {line}" for line in before[begin:close])
                continue
            yield from (f"-{line}" for line in before[begin:close])
            yield from (f"+{line}" for line in after[new:new_close])


class _Comparison(difflib.SequenceMatcher[str]):
    """Looks at what lies between the first and the last line that differ: texts of megabytes are compared at once."""

    def __init__(self, before: Sequence[str], after: Sequence[str], *, in_place: bool) -> None:
        self._before, self._after, self._in_place = before, after, in_place
        self._head = head = _alike(before, after)
        self._tail = tail = _alike(before[head:][::-1], after[head:][::-1])
        super().__init__(None, before[head : len(before) - tail], after[head : len(after) - tail], autojunk=False)

    def get_opcodes(self) -> list[_Opcode]:
        """Return what makes one of the other, in lines of the whole texts."""
        head, stop, other_stop = self._head, len(self._before) - self._tail, len(self._after) - self._tail
        codes: list[_Opcode] = [("equal", 0, head, 0, head)] if head else []
        if self._in_place:
            codes += self._line_by_line(head, stop)
        else:
            codes += [(tag, a + head, b + head, c + head, d + head) for tag, a, b, c, d in super().get_opcodes()]
        if self._tail:
            codes.append(("equal", stop, len(self._before), other_stop, len(self._after)))
        return codes

    def _line_by_line(self, start: int, stop: int) -> Iterator[_Opcode]:
        begin = start
        for at in range(start, stop):
            alike = self._before[at] == self._after[at]
            if at + 1 == stop or (self._before[at + 1] == self._after[at + 1]) != alike:
                yield ("equal" if alike else "replace", begin, at + 1, begin, at + 1)
                begin = at + 1


def _alike(some: Sequence[str], others: Sequence[str]) -> int:
    """Return how many lines both have in common from the first on."""
    pairs = zip(some, others, strict=False)
    return next((number for number, (one, other) in enumerate(pairs) if one != other), min(len(some), len(others)))


def _span(start: int, stop: int) -> str:
    """Return lines as the head of a hunk names them: the first, from 1, and how many unless it is one."""
    if stop - start == 1:
        return str(start + 1)
    return f"{start + 1 if stop > start else start},{stop - start}"
