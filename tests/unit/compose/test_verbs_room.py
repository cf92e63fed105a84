"""What is saved while users are served ends before their disk is full, and what is left half goes; under each shell."""

from __future__ import annotations

import time
from importlib import resources
from pathlib import Path

import pytest

from difyaction.compose.steps import Step
from tests.unit.compose.runbooks import SHELLS, Bench, change, shell_words

VERBS = resources.files("difyaction.compose").joinpath("verbs_room.sh").read_text("utf-8")
DF = 'df() { echo "Filesystem 1024-blocks Used Available Capacity Mounted"; echo "/dev/sda1 9 9 $(cat free) 9% /"; }'
PLENTY, LITTLE = 600 * 1024, 500 * 1024
SAVE = 'mkdir -p "$BACKUP" && echo half >"$BACKUP/dify.dump"'


@pytest.fixture(params=sorted(SHELLS))
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
    return Bench(tmp_path, shell_words(request.param))


def saved(then: str = "") -> Step:
    return Step("dump", f"{SAVE}\n{then}", "discard_backup", touches=False)


def ended(bench: Bench, *steps: Step, free: object = PLENTY) -> tuple[str, str]:
    (bench.root / "free").write_text(f"{free}\n", encoding="utf-8")
    record = bench.run(steps, verbs=f"{VERBS}\n{DF}")
    return record.state, record.failure.id if record.failure else ""


def held(bench: Bench) -> list[str]:
    folder = bench.root / "backup"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_where_there_is_room_a_command_is_let_alone(bench: Bench) -> None:
    steps = (Step("dump", "with_room sh -c 'sleep 0.5; echo saved >>world'"), Step("pack", "with_room sh -c 'exit 3'"))
    assert ended(bench, *steps)[0] == "failed"
    assert bench.changed() == ["saved"]
    assert [row.exit_code for row in bench.rows() if (row.step, row.state) == ("pack", "failed")] == [3]


def test_what_fails_by_itself_says_why(bench: Bench) -> None:
    assert ended(bench, Step("dump", "with_room fail backup-failed 'no such table'")) == ("failed", "backup-failed")


def test_what_fills_the_disk_is_ended_before_it_is_full(bench: Bench) -> None:
    began = time.monotonic()
    assert ended(bench, saved("with_room sh -c 'sleep 15; echo late >>world'"), free=LITTLE) == (
        "failed",
        "backup-failed",
    )
    assert time.monotonic() - began < 12
    assert bench.changed() == []


@pytest.mark.parametrize("free", ["", "-", "plenty"])
def test_where_nobody_can_measure_nobody_stops(bench: Bench, free: str) -> None:
    assert ended(bench, Step("dump", "with_room sh -c 'echo saved >>world'"), free=free)[0] == "done"
    assert bench.changed() == ["saved"]


def test_a_backup_that_was_left_half_is_gone_when_the_run_is_over(bench: Bench) -> None:
    assert ended(bench, saved(), Step("test", "false"))[0] == "failed"
    assert held(bench) == []


def test_a_backup_that_was_left_half_by_a_run_that_died_goes_with_its_recovery(bench: Bench) -> None:
    (bench.root / "free").write_text(f"{PLENTY}\n", encoding="utf-8")
    bench.deliver([saved("kill -9 $PPID")], verbs=f"{VERBS}\n{DF}")
    bench.over(bench.start())
    assert held(bench) == ["dify.dump"]
    assert bench.recover().state == "failed"
    assert held(bench) == []


def test_a_sealed_backup_stays_whatever_comes_after_it(bench: Bench) -> None:
    steps = (saved(), Step("seal", ': >"$BACKUP/complete"'), change("stop", "false"))
    assert ended(bench, *steps)[0] == "rolled-back"
    assert held(bench) == ["complete", "dify.dump"]


def test_what_a_person_needs_for_going_back_stays(bench: Bench) -> None:
    stuck = Step("migrate", "false", undo="false")
    copies = Step("final-backup", "echo copy >>world", undo="nothing_is_stuck || exit 1\n: >world")
    assert ended(bench, saved(), copies, stuck)[0] == "stranded"
    assert (held(bench), bench.changed()) == (["dify.dump"], ["copy"])


def test_copies_go_when_all_that_came_later_was_undone(bench: Bench) -> None:
    copies = Step("final-backup", "echo copy >>world", undo="nothing_is_stuck || exit 1\n: >world")
    assert ended(bench, copies, Step("migrate", "false", undo=":"))[0] == "rolled-back"
    assert bench.changed() == []


def test_what_was_saved_stays_once_service_was_stopped(bench: Bench) -> None:
    assert ended(bench, saved(), Step("stop", ': >"$RUN/stopped"; false', undo=":"))[0] == "rolled-back"
    assert held(bench) == ["dify.dump"]
