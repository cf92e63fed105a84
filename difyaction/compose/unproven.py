"""What is too large to be proven by counting, told before anything is done. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from difyaction.compose.estimates import sized
from difyaction.compose.facts import Database
from difyaction.compose.machine_plan import Note
from difyaction.compose.shift import Shift
from difyaction.compose.tables import counted_beside, read_back_whole, uncounted_tables

_WITHOUT_ROWS = (
    "Of these databases the dump is read back without its rows, and no rows are counted into the backup, for they are"
    " larger than `restore-test-max` ({most}), or of unknown size: {databases}."
)
_UNCOUNTED = (
    "These rows are not counted while Dify stands still, for that would take long; whether some of them were lost is"
    " not seen: {tables}."
)


def unproven(shift: Shift) -> Iterator[Note]:
    """Yield what no counting will prove: whole databases, and tables."""
    database, most = shift.database, shift.wishes.restore_test_max
    whole = read_back_whole(database, most)
    if large := [f"{name} ({_size(database, name)})" for name in database.names if name not in whole]:
        yield Note(_WITHOUT_ROWS, {"databases": ", ".join(large), "most": sized(most)})
    tables = [f"{name} (about {rows} rows)" for name, rows in uncounted_tables(database).items()]
    beside = {database.main, *counted_beside(database)}
    tables += [f"all of {name} ({_size(database, name)})" for name in database.names if name not in beside]
    if tables:
        yield Note(_UNCOUNTED, {"tables": ", ".join(tables)})


def _size(database: Database, name: str) -> str:
    return sized(database.sizes[name]) if name in database.sizes else "size unknown"
