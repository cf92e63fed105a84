"""The second table of docs/reliability.md: written from results, and read again where there are no newer ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tests.reliability.azure_cells import FAULTS, KIND, SLOW
from tests.reliability.cell_run import Result
from tests.reliability.cells import Cell
from tests.reliability.tally import tally

TITLE = "## A machine in Azure"
HEAD = f"""
{TITLE}

The same machine stands behind an Azure that is emulated ([tests/emulators/azure](../tests/emulators/azure/README.md)):
two security groups whose rules really gate its sshd's port, and a Key Vault whose firewall really refuses. Main step
and post step run as processes of their own, with what GitHub's runner gives them, and are cancelled as it does it. What
stands open is counted after each job's post step, or after the sweep: **rules** that let somebody in (or connections
that are still there), **addresses** on the vault's firewall, **locks** (leases in the vault's tags). The worst of all
jobs of a cell is shown; everything is counted again in the end. Cells at steps of the host's share two runs, one for
each kind of install. `{SLOW}` is `opens-interface` where each change of a rule takes Azure longer than
the runner waits.

How a cell may end: `upgraded`; `cancelled`, or `killed` by the runner, before the host was at work; `door-open` where
Azure is slower than the runner waits, and the post step closes what the main step named; `swept`, by the run that
came after a lost one; `failed` and `refused` where the cell is about that. Any other ending is not as it should be.

"""
COLUMNS = (
    *("what", "when", "install", "ended", "serves", "rows lost", "doors open afterwards: rules / addresses / locks"),
    *("left", "away (s)", "in all (s)"),
)
_ROW = re.compile(r"\| ([^|]+)" * len(COLUMNS) + r"\|")
_WRONG = "Not as it should be: "


def section(everything: Sequence[Cell], results: Mapping[str, Result]) -> Iterator[str]:
    """Return the section; cells without a result are counted, and left out of the table."""
    there = [cell for cell in everything if cell.id in results]
    found = [results[cell.id] for cell in there]
    wrong = [result for result in found if not result.is_well]
    yield HEAD
    yield from tally(everything, results)
    yield "\n"
    yield from (f"- **{fault}**: {meaning}.\n" for fault, meaning in FAULTS.items())
    yield f"\n| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|\n"
    yield from (_row(cell, results[cell.id]) for cell in there)
    if wrong:
        yield f"\n{_WRONG}" + ", ".join(f"`{result.cell}`" for result in wrong) + ".\n"


def read(path: Path) -> dict[str, Result]:
    """Return the results that the page tells of, by cell: what was measured elsewhere need not be measured again."""
    text = path.read_text(encoding="utf-8").partition(TITLE)[2] if path.exists() else ""
    wrong = text.partition(_WRONG)[2]
    rows = (match.groups() for match in _ROW.finditer(text))
    found = [_result([word.strip() for word in row]) for row in rows if row[-1].strip().isdigit()]
    return {each.cell: replace(each, struck=f"`{each.cell}`" not in wrong) for each in found}


def _row(cell: Cell, result: Result) -> str:
    ended = f"{result.status} `{result.error}`" if result.error else result.status
    left = ", ".join(result.left) or "-"
    words = (cell.fault, cell.step or "-", cell.layout, ended, result.serves, result.lost, result.open, left)
    return f"| {' | '.join(str(word) for word in words)} | {result.outage:.0f} | {result.seconds:.0f} |\n"


def _result(words: Sequence[str]) -> Result:
    fault, step, layout, ended, serves, lost, opened, left, outage, seconds = words
    status, _, error = ended.partition(" ")
    return Result(
        cell="/".join(part for part in (KIND, fault, step, layout) if part != "-"),
        status=status,
        error=error.strip("`"),
        serves=serves,
        lost=int(lost),
        doors=sum(int(each) for each in opened.split("/")),
        left=() if left == "-" else tuple(left.split(", ")),
        outage=float(outage),
        seconds=float(seconds),
        struck=True,
        open=opened,
    )
