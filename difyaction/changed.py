"""Changes as a reader takes them in: a row for each value that moves, and where it does. Text only.

The same four images move in every environment, so that a row a place would bury the one thing that a reviewer looks
for: from which version to which.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from difyaction.language import N_
from difyaction.markdown import code, table
from difyaction.target import Change

Say = Callable[..., str]

_NONE = "—"
_PLACE = re.compile(r'("(?:[^"\\]|\\.)*"|[^#]*)#(.*)', re.DOTALL)
_NAMED = 6  # units, or places of one value, that a row names; the rest is counted


@dataclass(frozen=True)
class Row:
    """One value that moves in the same way, in these units and at these places."""

    what: str
    before: str
    after: str
    units: tuple[str, ...]
    places: tuple[str, ...]


def rows(changes: Sequence[Change]) -> tuple[Row, ...]:
    """Return a row for each different move, in the order in which they come."""
    found: dict[tuple[str, str, str], list[Change]] = {}
    for change in changes:
        found.setdefault((change.what, change.before, change.after), []).append(change)
    return tuple(
        Row(*move, units=_each(change.unit for change in same), places=_each(change.where for change in same))
        for move, same in found.items()
    )


def opening(changes: Sequence[Change], say: Say) -> str:
    """Say where everything is, when it is in one file or folder; else nothing."""
    place = _shared(changes)
    return say(N_("In {place}:"), place=code(place)) if place else ""


def table_of(changes: Sequence[Change], say: Say) -> list[str]:
    """Return the table's lines. Its last column tells units apart, or places where there is one unit; or it is not."""
    several = len({change.unit for change in changes}) > 1
    before = f"{_shared(changes)}#"
    cells = [_where(row.units if several else _within(row.places, before), say) for row in rows(changes)]
    last = (say(N_("Unit")) if several else say(N_("Where")),) if any(cells) else ()
    heads = (say(N_("What")), say(N_("Old")), say(N_("New")), *last)
    written = [
        (code(row.what), code(row.before) or _NONE, code(row.after) or _NONE, *((cell,) if last else ()))
        for row, cell in zip(rows(changes), cells, strict=True)
    ]
    return table(heads, written).split("\n")


def by_file(changes: Sequence[Change]) -> list[str]:
    """Return a line of a list for each file, with the addresses in it."""
    found: dict[str, list[str]] = {}
    for change in changes:
        file, address = _parted(change.where)
        found.setdefault(file, []).append(address)
    return [f"- {code(file)}: {', '.join(map(code, _each(addresses)))}" for file, addresses in found.items()]


def _parted(where: str) -> tuple[str, str]:
    """Return file and address; a file whose path holds the sign between them stands in quotes."""
    found = _PLACE.fullmatch(where)
    return (found[1], found[2]) if found else (where, "")


def _shared(changes: Sequence[Change]) -> str:
    files = {_parted(change.where)[0] for change in changes}
    return files.pop() if len(files) == 1 else ""


def _within(places: Sequence[str], before: str) -> tuple[str, ...]:
    """Return places without the file that all of them are in; a place that is that file is not said again."""
    return tuple(place.removeprefix(before) for place in places if f"{place}#" != before)


def _where(names: Sequence[str], say: Say) -> str:
    shown = ", ".join(code(name) for name in names[:_NAMED] if name)
    more = len(names) - _NAMED
    return f"{shown} {say(N_('and {count} more'), count=more)}" if more > 0 else shown


def _each(names: Iterator[str] | Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
