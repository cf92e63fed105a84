"""The harness itself: its table, its page, and some of its cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.reliability import azure_page, azure_run, page, record
from tests.reliability.azure_cells import CANCELLED, KIND, LOCKED, LOST, PHASES, azure_cells, is_azure
from tests.reliability.cell_run import Result, carry_out
from tests.reliability.cells import AT_STEPS, UNDONE, WHILE_UNDOING, Cell, cells, chosen, runs
from tests.reliability.steps import steps_of
from tests.reliability.verdict import lost_rows
from tests.reliability.ways import FURTHER, USUAL, line_cells, way_of
from tests.rig.install import Rows
from tests.rig.session import rig_or_skip
from tests.rig.stack import Rig
from tests.shared import upstream_source
from tests.stage.server import ServerStage, server_stage

STEPS = {"zip": ["check", "stop", "open", "tidy"], "git": ["check", "fetch-tag", "stop", "open", "tidy"]}


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    yield from rig_or_skip()


def result(cell: Cell, **more: object) -> Result:
    usual: Mapping[str, object] = {
        "status": "upgraded",
        "error": "",
        "serves": "new",
        "lost": 0,
        "doors": 0,
        "left": (),
        "outage": 3.0,
        "seconds": 20.0,
        "struck": True,
    }
    return Result(cell=cell.id, **{**usual, **more})  # type: ignore[arg-type]


def test_every_fault_meets_every_step_once_and_both_kinds_of_install() -> None:
    table = [cell for cell in cells(STEPS) if cell.kind == "step"]
    assert Counter((cell.fault, cell.step) for cell in table) == Counter(
        (fault, step) for fault in AT_STEPS for step in STEPS["git"]
    )
    assert {cell.layout for cell in table if cell.step == "fetch-tag"} == {"git"}
    for fault in AT_STEPS:
        assert {cell.layout for cell in table if cell.fault == fault} == {"zip", "git"}


def test_only_what_leaves_the_host_alone_shares_a_run_and_never_with_another_kind_of_install() -> None:
    table = list(cells(STEPS))
    for some in runs(table):
        assert len({(cell.fault, cell.layout) for cell in some}) == 1
    alone = [some for some in runs(table) if len(some) == 1]
    assert {"script-killed", "host-rebooted", "disk-full"} <= {some[0].fault for some in alone}


def test_what_can_end_a_run_meets_every_undo_that_users_would_notice() -> None:
    steps = {layout: [*names, *UNDONE] for layout, names in STEPS.items()}
    table = [cell for cell in cells(steps) if cell.kind == "undo"]
    assert {(cell.fault, cell.strikes_at) for cell in table} == {
        (fault, f"undo {step}") for fault in WHILE_UNDOING for step in UNDONE
    }
    assert all(len(some) == 1 for some in runs(table))


def test_cells_are_chosen_by_patterns() -> None:
    table = list(cells(STEPS))
    assert {cell.fault for cell in chosen(table, ["step/disk-full/*", "around/lock-*"])} == {"disk-full", "lock-held"}
    assert chosen(table, []) == table


def test_the_page_counts_what_is_not_well_and_names_where(tmp_path: Path) -> None:
    table = list(cells(STEPS))
    for cell in table:
        record.add(tmp_path / "results", result(cell))
    spoiled = table[7]
    record.add(tmp_path / "results", result(spoiled, lost=2, status="rolled-back", error="worker-silent", serves="old"))

    text = page.written(table, record.read(tmp_path / "results"), page.Setting("2026-11-21", "a machine"))

    assert f"| cells | {len(table)} in {len(runs(table))} runs, of which 1 did not end well |" in text
    assert "| rows lost | 2 |" in text
    row = f"| {spoiled.fault} | {spoiled.step} | {spoiled.layout} | rolled-back `worker-silent` | old | 2 | 0 | - |"
    assert text.count(row) == 1


def test_a_cell_is_well_only_where_it_ends_as_it_may_with_a_release_that_serves_and_nothing_lost_open_or_left() -> None:
    cell = next(cells(STEPS))
    assert result(cell).is_well
    assert result(cell, left=("nginx, restarted by hand",)).is_well  # by the fault
    wrongs: list[Mapping[str, object]] = [
        {"status": "killed"},
        {"status": "endless"},
        {"serves": "neither"},
        {"lost": 1},
        {"doors": 1},
        {"struck": False},
        {"status": "stranded"},
        {"left": ("dify-upgrade-scratch-docker",)},
        {"left": ("nginx, restarted by hand", "the lock")},
    ]
    for wrong in wrongs:
        assert not result(cell, **wrong).is_well


def test_steps_that_only_other_upgrades_have_are_struck_there_and_end_as_is_said_of_each() -> None:
    table = list(line_cells())
    assert {cell.step for cell in table} == set(FURTHER)
    assert len({cell.id for cell in table}) == len(runs(table)) == len(table)
    assert not {cell.id for cell in table} & {cell.id for cell in [*cells(STEPS), *azure_cells(STEPS)]}
    for cell in table:
        assert way_of(cell) != USUAL
        for status in ("failed", "rolled-back", "upgraded", "restored", "degraded", "stranded"):
            assert result(cell, status=status).is_well == (status in FURTHER[cell.step][2]), status


def test_rows_are_lost_when_they_are_gone_or_in_the_old_schema_not_what_they_were() -> None:
    before = {"dify.apps": Rows(3, "a"), "dify.messages": Rows(5, "b")}
    assert lost_rows(before, {"dify.apps": Rows(3, "a"), "dify.messages": Rows(9, "c")}, same_schema=True) == 0
    assert lost_rows(before, {"dify.apps": Rows(3, "x"), "dify.messages": Rows(5, "b")}, same_schema=True) == 1
    assert lost_rows(before, {"dify.apps": Rows(3, "x"), "dify.messages": Rows(5, "b")}, same_schema=False) == 0
    assert lost_rows(before, {"dify.messages": Rows(4, "b")}, same_schema=False) == 4


def test_a_job_in_azure_is_cancelled_at_every_request_that_matters_and_at_every_step_of_the_host() -> None:
    table = list(azure_cells(STEPS))
    assert all(is_azure(cell.id) for cell in table)
    assert not any(is_azure(cell.id) for cell in cells(STEPS))
    assert {*PHASES, *STEPS["git"]} <= {cell.step for cell in table if cell.fault == CANCELLED}
    assert len({cell.id for cell in table}) == len(table)
    shared = [some for some in runs(table) if len(some) > 1]
    assert {(some[0].fault, some[0].layout) for some in shared} == {(CANCELLED, "zip"), (CANCELLED, "git")}


def test_in_azure_a_cell_is_well_only_with_the_ending_that_it_is_about() -> None:
    def ended(fault: str, step: str, status: str, **more: object) -> bool:
        serves = "new" if status == "upgraded" else "old"
        return result(Cell(KIND, fault, step, "zip", ""), status=status, serves=serves, **more).is_well

    assert ended("key-wrong", "", "failed")
    assert not ended("key-without-newlines", "", "failed")
    assert ended(CANCELLED, "opens-vault", "cancelled")
    assert not ended(CANCELLED, "migrate", "cancelled")
    assert ended(LOST, "reads-key", "swept")
    assert not ended(LOST, "reads-key", "swept", doors=1)
    assert ended(LOCKED, "", "upgraded", left=("a rule that denies",))
    assert not ended(LOCKED, "", "upgraded", left=("a rule that denies", "the lock"))
    assert not ended("nothing", "", "upgraded", left=("a rule that denies",))


def test_the_page_is_the_record_of_what_was_measured_in_azure(tmp_path: Path) -> None:
    table = [*cells(STEPS), *line_cells(), *azure_cells(STEPS)]
    results = {cell.id: result(cell) for cell in table if not is_azure(cell.id)}
    for cell in azure_cells(STEPS):
        status = "upgraded" if cell.fault not in {"key-wrong", "nsg-full"} else "refused"
        left = ("a rule that denies",) if cell.fault == LOCKED else ()
        results[cell.id] = result(cell, status=status, error="some-error", left=left, open="0 / 0 / 0")
    spoiled = "azure/two-environments/zip"
    results[spoiled] = result(
        Cell(KIND, "two-environments", "", "zip", ""), serves="old", lost=3, doors=3, open="2 / 0 / 1"
    )
    setting, written = page.Setting("2026-11-21", "a machine"), tmp_path / "page.md"
    written.write_text(page.written(table, results, setting), encoding="utf-8")

    again = azure_page.read(written)

    assert set(again) == {cell.id for cell in table if is_azure(cell.id)}
    assert (again[spoiled].doors, again[spoiled].is_well) == (3, False)
    assert {name for name, each in again.items() if each.is_well} == {
        name for name, each in results.items() if is_azure(name) and each.is_well
    }
    text = written.read_text(encoding="utf-8")
    assert text.count("| zip, 1.0.0 -> 1.11.4, and back |") == 3
    first_table = {name: each for name, each in results.items() if not is_azure(name)}
    assert page.written(table, first_table | again, setting) == written.read_text(encoding="utf-8")
    assert azure_page.read(tmp_path / "no page") == {}


@pytest.fixture(scope="module")
def stage(rig: Rig) -> Iterator[ServerStage]:
    with server_stage(rig, upstream_source()) as made:
        yield made


def test_steps_are_those_of_the_planned_script(rig: Rig, stage: ServerStage) -> None:
    steps = steps_of(rig, stage, "zip")
    assert steps[0] == "check"
    assert {"pull", "dump", "stop", "final-backup", "switch", "migrate", "open", "tidy"} <= set(steps)


@pytest.mark.parametrize(
    ("cell", "ends"),
    [
        (Cell("step", "disk-full", "pull", "zip", ""), ("failed", "old")),
        (Cell("step", "engine-restarted", "migrate", "zip", ""), ("rolled-back", "old")),
        (Cell("step", "script-killed", "open", "zip", ""), ("degraded", "new")),
    ],
    ids=lambda value: value.fault if isinstance(value, Cell) else "",
)
def test_some_cells_of_the_table_end_as_they_should(
    rig: Rig, stage: ServerStage, cell: Cell, ends: tuple[str, str]
) -> None:
    [found] = carry_out(rig, stage, [cell])
    assert found.is_well, page.told(found) + found.log[-3000:]
    assert (found.status, found.serves) == ends, page.told(found)
    assert found.left == ()


@pytest.mark.parametrize(
    "cell",
    [Cell(KIND, CANCELLED, "opens-interface", "zip", ""), Cell(KIND, LOST, "closes-rules", "zip", "")],
    ids=lambda cell: cell.fault,
)
def test_some_cells_in_azure_end_with_every_door_shut(rig: Rig, stage: ServerStage, cell: Cell) -> None:
    [found] = azure_run.carry_out(rig, stage, [cell])
    assert found.is_well, page.told(found) + found.log[-3000:]
    assert (found.serves, found.open, found.left) == ("old", "0 / 0 / 0", ())
