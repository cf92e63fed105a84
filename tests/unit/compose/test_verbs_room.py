"""What is saved ends before the disk is full and before users have waited too long; what is left half goes."""

from __future__ import annotations

import time
from importlib import resources
from pathlib import Path

import pytest

from difyaction.compose.steps import Step
from tests.unit.compose.runbooks import SHELLS, Bench, change, shell_words, verbs

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
    assert ended(bench, saved(), Step("migrate", "false", undo="false"))[0] == "stranded"
    assert held(bench) == ["dify.dump"]


def test_what_was_saved_stays_once_service_was_stopped(bench: Bench) -> None:
    assert ended(bench, saved(), Step("stop", ': >"$RUN/stopped"; false', undo=":"))[0] == "rolled-back"
    assert held(bench) == ["dify.dump"]


SERVER = """\
DB_CONTROL=postgres
sql() {
  asked=$(cat) && echo "$1: $asked" >>asked
  [ "$(wc -l <asked)" -gt "$AWAY" ] || return 2
  if [ "$(wc -l <asked)" -gt "$BUSY" ]; then echo 0; else echo 1; fi
}
until_deadline() { shift 2; for try in 1 2 3 4 5; do "$@" && return 0; done; return 1; }
say() { echo "$*"; }
fact() { echo "$*"; }
fail() { echo "failed: $*"; exit 70; }
RUN=.
"""


@pytest.mark.parametrize("shell", sorted(SHELLS))
@pytest.mark.parametrize(("away", "busy", "looks"), [(0, 0, 1), (0, 2, 3), (2, 0, 3), (2, 3, 4)])
def test_a_server_that_copies_on_is_stopped_until_it_does_no_more(
    tmp_path: Path, shell: str, away: int, busy: int, looks: int
) -> None:
    done = verbs(tmp_path, shell, ("room",), f"AWAY={away} BUSY={busy}", SERVER, "end_cloning _before")
    asked = (tmp_path / "asked").read_text().splitlines()
    assert (done.stdout, len(asked)) == ("", looks)
    assert """query LIKE 'CREATE DATABASE "%_before" TEMPLATE %'""" in asked[0]


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_server_that_cannot_be_stopped_is_no_reason_to_stop_going_back(tmp_path: Path, shell: str) -> None:
    done = verbs(tmp_path, shell, ("room",), "AWAY=0 BUSY=99", SERVER, "end_cloning _before && echo next")
    assert done.stdout.splitlines() == ["the server is still copying its databases", "next"]


@pytest.mark.parametrize("shell", sorted(SHELLS))
@pytest.mark.parametrize(
    ("how", "statement"),
    [("", 'TEMPLATE "dify"'), (" FILE_COPY", 'TEMPLATE "dify" STRATEGY FILE_COPY')],
)
def test_databases_are_copied_as_the_plan_says(tmp_path: Path, shell: str, how: str, statement: str) -> None:
    verbs(tmp_path, shell, ("restore",), "AWAY=0 BUSY=0 DB_NAMES=dify", SERVER, f"clone_databases _before{how}")
    assert (tmp_path / "asked").read_text().endswith(f'CREATE DATABASE "dify_before" {statement}\n')


@pytest.mark.parametrize("shell", sorted(SHELLS))
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("180 600", "estimated-seconds-without-service 780"),
        ("180 600 6 200", "estimated-seconds-without-service 280"),
        ("180 600 6 10", "estimated-seconds-without-service 480"),
    ],
    ids=["another dump", "a copy", "a copy at best"],
)
def test_the_first_dump_tells_how_long_users_will_wait(tmp_path: Path, shell: str, words: str, told: str) -> None:
    (tmp_path / "dump-seconds").write_text("590\n10\n")
    size = "databases_size() { echo 3000; }"
    done = verbs(tmp_path, shell, ("steps", "stop", "change"), SERVER, size, f"hold_estimate {words}")
    assert done.stdout.splitlines()[0] == told
    assert (done.returncode == 70) == (int(told.split()[1]) > 600)


def test_what_a_sealed_backup_has_no_room_for_leaves_nothing_torn_in_it(bench: Bench) -> None:
    torn = "with_room sh -c \"echo torn >'$BACKUP/dify.final.part'; sleep 15\""
    sealed = 'mkdir -p "$BACKUP" && : >"$BACKUP/complete"\necho 9 >free'
    assert ended(bench, Step("tidy", f"{sealed}\n{torn}"))[1] == "backup-failed"
    assert held(bench) == ["complete"]


def test_who_is_given_up_writes_no_more_while_the_step_goes_on(bench: Bench) -> None:
    writes = "while :; do echo torn >>'$BACKUP/dify.final.part'; sleep 0.1; done"
    goes_on = f'(with_room sh -c "{writes}" | cat) || :\nsleep 1\nls "$BACKUP" >>world'
    sealed = 'mkdir -p "$BACKUP" && : >"$BACKUP/complete"\necho 9 >free'
    assert ended(bench, Step("tidy", f"{sealed}\n{goes_on}"))[0] == "done"
    assert bench.changed() == ["complete"]
