"""`make reliability`: runs both tables on the rig, and writes docs/reliability.md. It takes an hour or more.

ARGS: --only PATTERN (of cells, may be repeated), --resume (leave out what build/reliability.jsonl says ended well; for
the second table, which is the shorter one, what the page says, too), --list, --rigs N (machines side by side), --page
(write the page from what is there).
"""

from __future__ import annotations

import argparse
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator, Sequence

from tests.reliability import azure_page, azure_run, page, record
from tests.reliability.azure_cells import azure_cells, is_azure
from tests.reliability.cell_run import Result, carry_out
from tests.reliability.cells import LAYOUTS, Cell, cells, chosen, runs
from tests.reliability.steps import steps_of
from tests.reliability.ways import line_cells
from tests.rig.stack import Rig, lacking
from tests.shared import upstream_source
from tests.stage.run import ROOT
from tests.stage.server import ServerStage, server_stage

RESULTS = ROOT / "build" / "reliability.jsonl"
PAGE = ROOT / "docs" / "reliability.md"
Waiting = queue.SimpleQueue[Sequence[Cell]]
TRIES = 2  # of the rig, not of the product: a machine that does not come up says nothing about an upgrade


def main(arguments: Sequence[str]) -> int:
    """Return 0 when every cell ended well."""
    asked = _asked(arguments)
    if reason := lacking(os.environ):
        sys.stderr.write(f"no rig can stand here: {reason}\n")
        return 2
    first = Rig.up()
    try:
        with server_stage(first, upstream_source()) as stage:
            further = line_cells() if upstream_source() == "shared" else ()  # the miniature has no such releases
            steps = {layout: steps_of(first, stage, layout) for layout in LAYOUTS}
            everything = [*cells(steps), *further, *azure_cells(steps)]
            if asked.list:
                print("\n".join(cell.id for cell in everything))  # noqa: T201 -- asked for
                return 0
            if not asked.resume and not asked.page:
                record.start(RESULTS)
            on_page = azure_page.read(PAGE) if asked.resume or asked.page else {}
            there = on_page | record.read(RESULTS)
            well = {name for name, result in there.items() if result.is_well}
            todo = [cell for cell in chosen(everything, asked.only) if cell.id not in well]
            if not asked.page:
                _work(first, stage, todo, asked.rigs)
    finally:
        first.down()
    found = on_page | record.read(RESULTS)
    complete = [found[cell.id] for cell in everything if cell.id in found]
    if asked.page or len(complete) == len(everything):
        PAGE.write_text(page.written(everything, found, page.Setting.here()), encoding="utf-8")
        print(f"{PAGE.relative_to(ROOT)} is written")  # noqa: T201
    wrong = [result for result in complete if not result.is_well]
    for result in wrong:
        print(f"NOT WELL {result.cell}: {page.told(result)}")  # noqa: T201
    print(f"{len(complete)} of {len(everything)} cells, {len(wrong)} not well")  # noqa: T201
    return 1 if wrong else 0


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make reliability")
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--rigs", type=int, default=1)
    return parser.parse_args(arguments)


def _work(first: Rig, stage: ServerStage, todo: Sequence[Cell], rigs: int) -> None:
    """Let every rig take cells until none is left. A machine lives as long as the thread that switched it on."""
    waiting: Waiting = queue.SimpleQueue()
    for cells_of_one in runs(todo):
        waiting.put(cells_of_one)
    others = [threading.Thread(target=_beside, args=(number, stage, waiting)) for number in range(1, rigs)]
    for each in others:
        each.start()
    _take(first, stage, waiting)
    for each in others:
        each.join()


def _beside(number: int, stage: ServerStage, waiting: Waiting) -> None:
    rig = Rig.up(number=number)
    try:
        _take(rig, stage, waiting)
    finally:
        rig.down()


def _take(rig: Rig, stage: ServerStage, waiting: Waiting) -> None:
    for some in _each(waiting):
        for result in _tried(rig, stage, some):
            record.add(RESULTS, result)
            mark = "ok  " if result.is_well else "FAIL"
            clock = time.strftime("%H:%M:%S")
            print(f"{clock} {mark} {result.cell}: {page.told(result)}", flush=True)  # noqa: T201 -- it takes long


def _each(waiting: Waiting) -> Iterator[Sequence[Cell]]:
    while True:
        try:
            yield waiting.get_nowait()
        except queue.Empty:
            return


def _tried(rig: Rig, stage: ServerStage, some: Sequence[Cell]) -> list[Result]:
    trouble = ""
    for tried in range(TRIES):
        try:
            carry = azure_run.carry_out if is_azure(some[0].id) else carry_out
            return carry(rig, stage, some)
        except Exception as why:  # noqa: BLE001 -- an hour's work does not end with one cell
            trouble = f"{type(why).__name__}: {why}"
            print(f"the rig failed in {some[0].id} ({tried + 1}): {trouble[:2000]}", flush=True)  # noqa: T201
            rig.machine.reboot()
    return [
        Result(cell.id, "rig-failed", "", "neither", 0, 0, (), 0.0, 0.0, struck=False, log=trouble) for cell in some
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
