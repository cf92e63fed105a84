"""docs/reliability.md, written from the results of a run. Pure, but for what it says of this machine."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.reliability import azure_page
from tests.reliability.azure_cells import is_azure
from tests.reliability.cell_run import Result
from tests.reliability.cells import AT_STEPS, LAYOUTS, Cell
from tests.reliability.tally import tally
from tests.reliability.ways import FURTHER, KIND, way_of
from tests.stage.server import NEW, OLD

HEAD = """\
# What was broken on purpose, and what came of it

`make reliability` wrote this page. Every cell below is a run of the real `entrypoint.py` against a machine with a real
Docker Engine, Compose, PostgreSQL, Redis and sshd ([tests/rig](../tests/rig/README.md)), with a Dify in it that is made
of small images and upstream's own files (or, where those are not there, the rig's miniature of them). Something goes
wrong at a step of the runbook or while one is undone, or a release or its surroundings are wrong from the beginning,
while somebody uses Dify. Then every row is counted, and what serves is looked at.

What leaves the host alone (connection, network, sshd, controller) strikes at every second step of one run; the cells
of one run show the same ending. Everything else has a run of its own.

How a cell may end is defined: `upgraded`, `failed` (before anything was touched), `rolled-back` (the old release serves
again), `degraded` (the new release serves, and a later check or step did not succeed). It did not end well when a
person has to look (`stranded`), and when anything was left behind.
"""
LEGEND = """\
Columns: what the controller said in the end, with the error's id; the release that served users afterwards; rows that
were lost, messages included that a user was told are kept; connections still open; what was left lying about; the
longest time in which users had no answer; how long it all took, with everything that was waited for.

"nginx, restarted by hand" was left by the fault, not by the run: the engine started every container anew, which may
give the api another address, and upstream's nginx goes on asking for the old one until it starts again. The run had
ended before it touched anything, and left the proxy alone, too.
"""


@dataclass(frozen=True)
class Setting:
    """When and where it ran. ``day`` is ISO."""

    day: str
    machine: str

    @classmethod
    def here(cls) -> Setting:
        """Describe this machine, without its name."""
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
        kernel = platform.release().partition("-")[0]
        text = f"{os.cpu_count()} cores, {memory:.0f} GiB, {system}, Linux {kernel}"
        return cls(datetime.now(UTC).date().isoformat(), text)


def told(result: Result) -> str:
    """Return one result as a line of the log."""
    error = f" ({result.error})" if result.error else ""
    left = f", left: {', '.join(result.left)}" if result.left else ""
    struck = "" if result.struck else ", the step never came"
    return (
        f"{result.status}{error}, {result.serves} serves, {result.lost} rows lost, {result.doors} doors open{left},"
        f" away {result.outage:.0f} s, {result.seconds:.0f} s{struck}"
    )


def written(everything: Sequence[Cell], results: Mapping[str, Result], setting: Setting) -> str:
    """Return the page. Cells without a result are counted, and left out of the tables."""
    first, second = ([cell for cell in everything if is_azure(cell.id) == azure] for azure in (False, True))
    found = [results[cell.id] for cell in first if cell.id in results]
    parts = [
        HEAD,
        *_summary(first, results, setting),
        *_not_well(found),
        "\n## Every fault at every step\n\n",
        *_matrix(first, results),
        "\n## Faults, one by one\n\n",
        *(f"- **{fault}**: {meaning}.\n" for fault, meaning in AT_STEPS.items()),
        "\n",
        LEGEND,
        *_tables(first, results),
        *azure_page.section(second, results),
    ]
    return "".join(parts)


def _summary(first: Sequence[Cell], results: Mapping[str, Result], setting: Setting) -> Iterator[str]:
    found = [results[cell.id] for cell in first if cell.id in results]
    states = [result.status for result in found]
    counts = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
    upgraded = [result.outage for result in found if result.status == "upgraded"]
    yield "\n"
    yield from tally(first, results)
    yield f"| ended | {counts} |\n"
    if upgraded:
        yield f"| seconds without service, where it was upgraded | {statistics.median(upgraded):.0f} (median) |\n"
    others = dict.fromkeys(f"{way.old} -> {way.new}" for way, _, _ in FURTHER.values())
    yield f"| releases | {OLD} -> {NEW}, installs: {', '.join(LAYOUTS)}; for some steps {', '.join(others)} |\n"
    yield f"| when, on what | {setting.day}; {setting.machine} |\n"


def _not_well(found: Sequence[Result]) -> Iterator[str]:
    wrong = [result for result in found if not result.is_well]
    if wrong:
        yield "\n## What did not end well\n\n"
        yield from (f"- `{result.cell}`: {told(result)}\n" for result in wrong)


def _matrix(everything: Sequence[Cell], results: Mapping[str, Result]) -> Iterator[str]:
    cells = [cell for cell in everything if cell.kind == "step"]
    steps = list(dict.fromkeys(cell.step for cell in cells))
    yield f"| step | {' | '.join(AT_STEPS)} |\n|---{'|---' * len(AT_STEPS)}|\n"
    for step in steps:
        ends = {cell.fault: results[cell.id].status for cell in cells if cell.step == step and cell.id in results}
        yield f"| `{step}` | {' | '.join(ends.get(fault, '') for fault in AT_STEPS)} |\n"


def _tables(everything: Sequence[Cell], results: Mapping[str, Result]) -> Iterator[str]:
    titles = {
        "step": "At a step of the runbook",
        "undo": "While a release that crashes is undone",
        "release": "A release that fails",
        "around": "What surrounds a run",
        KIND: "At steps that only other upgrades have",
    }
    there = {cell.kind for cell in everything}
    for kind, title in titles.items():
        if kind not in there:
            continue
        yield f"\n### {title}\n\n"
        yield "| fault | step | install | ended | serves | rows lost | open | left | away (s) | in all (s) |\n"
        yield "|---|---|---|---|---|---|---|---|---|---|\n"
        for cell in everything:
            if cell.kind == kind and cell.id in results:
                yield _row(cell, results[cell.id])


def _row(cell: Cell, result: Result) -> str:
    ended = f"{result.status} `{result.error}`" if result.error else result.status
    left = ", ".join(result.left) or "-"
    install = f"{cell.layout}, {way_of(cell).name}" if cell.kind == KIND else cell.layout
    words = (cell.fault, cell.step or "-", install, ended, result.serves, result.lost, result.doors, left)
    return f"| {' | '.join(str(word) for word in words)} | {result.outage:.0f} | {result.seconds:.0f} |\n"
