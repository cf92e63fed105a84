"""What the head of each table counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tests.reliability.cell_run import Result
from tests.reliability.cells import Cell, runs


def tally(everything: Sequence[Cell], results: Mapping[str, Result]) -> Iterator[str]:
    """Yield the first rows; cells without a result are counted as not run yet."""
    there = [cell for cell in everything if cell.id in results]
    found = [results[cell.id] for cell in there]
    wrong = sum(not result.is_well for result in found)
    yield "| | |\n|---|---|\n"
    yield f"| cells | {len(found)} in {len(runs(there))} runs, of which {wrong} did not end well |\n"
    if len(there) < len(everything):
        yield f"| not run yet | {len(everything) - len(there)}; `make reliability ARGS=--resume` runs them |\n"
    yield f"| rows lost | {sum(result.lost for result in found)} |\n"
    yield f"| doors open afterwards | {sum(result.doors for result in found)} |\n"
    yield f"| neither release serves | {sum(result.serves == 'neither' for result in found)} |\n"
