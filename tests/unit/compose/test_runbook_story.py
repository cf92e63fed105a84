"""How a runbook ends, under each shell: done, failed, rolled-back, stranded, degraded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from difyaction.compose.run_journal import LONGEST_TEXT
from difyaction.compose.steps import Step
from tests.unit.compose.runbooks import SHELLS, Bench, change, shell_words


@pytest.fixture(params=sorted(SHELLS))
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
    return Bench(tmp_path, shell_words(request.param))


def test_a_good_run_does_its_steps_in_order_and_leaves_no_secret(bench: Bench) -> None:
    steps = [change("pull", 'say "pulled $RUN"'), change("switch", "fact head 4f6e1a"), Step("verify", "test -s world")]
    ended = bench.run(steps)
    assert ended.state == bench.state() == "done"
    assert bench.changed() == ["pull", "switch"]
    assert bench.told("began", "done") == [
        "run began",
        "pull began",
        "pull done",
        "switch began",
        "switch done",
        "verify began",
        "verify done",
        "end done",
    ]
    assert ended.facts == {"head": "4f6e1a"}
    assert (ended.failure, ended.failed_undos) == (None, ())
    assert not (bench.folder / "files").exists()
    assert not (bench.root / "lock").exists()


def test_rows_are_numbered_and_the_host_keeps_an_audit_line(bench: Bench) -> None:
    bench.run([change("pull", "say a\nsay b")])
    assert [row.seq for row in bench.rows()] == list(range(1, len(bench.rows()) + 1))
    begins, ends = (bench.root / "audit.log").read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(r"[0-9T:Z-]{20} run one of acme/dify#7: begins: 1\.13\.3 -> 1\.14\.1", begins)
    assert ends.endswith("run one of acme/dify#7: done")


def test_a_failing_step_is_undone_backwards_and_says_why(bench: Bench) -> None:
    steps = [
        change("pull"),
        change("stop"),
        change("migrate", 'echo words\nfail migration-failed "it stopped at 4f6e"'),
    ]
    ended = bench.run([*steps, change("never")])
    assert ended.state == bench.state() == "rolled-back"
    assert bench.undone()
    assert bench.told("undone") == ["migrate undone", "stop undone", "pull undone"]
    assert ended.failure is not None
    assert (ended.failure.step, ended.failure.id) == ("migrate", "migration-failed")
    assert (ended.failure.text, ended.failure.output) == ("it stopped at 4f6e", "words")
    assert not (bench.folder / "files").exists()


def test_a_command_that_fails_ends_its_step(bench: Bench) -> None:
    ended = bench.run([change("pull", "ls /nowhere\necho later >>world")])
    assert ended.state == "rolled-back"
    assert ended.failure is not None
    assert ended.failure.id == "step-failed"
    assert "/nowhere" in ended.failure.output


def test_a_failing_undo_strands_but_does_not_stop_the_next(bench: Bench) -> None:
    stuck = Step("stuck", "echo x >>world", undo="echo cannot; false")
    ended = bench.run([change("first"), stuck, change("last", "false")])
    assert ended.state == bench.state() == "stranded"
    assert bench.changed() == ["x"]
    assert bench.told("undo-failed") == ["stuck undo-failed"] * 2, "it is tried once more"
    assert [(undo.step, undo.output) for undo in ended.failed_undos] == [("stuck", "cannot")]


def test_an_undo_that_fails_at_first_is_done_again(bench: Bench) -> None:
    undo = "[ -e engine ] || { : >engine; fail engine-away 'It does not answer.'; }\nsed -i '$d' world"
    ended = bench.run(
        [change("first"), Step("start", "echo x >>world", undo=undo), change("last", "fail unwell 'it is'")]
    )
    assert (ended.state, ended.failed_undos) == ("rolled-back", ())
    assert bench.undone()
    assert bench.told("undoing") == ["last undoing", "start undoing", "start undoing", "first undoing"]
    assert ended.failure is not None
    assert ended.failure.id == "unwell"


def test_an_undo_that_fails_late_has_tried_enough(bench: Bench) -> None:
    ended = bench.run([Step("slow", "false", undo="sleep 1.1; false")], again_within=0)
    assert ended.state == "stranded"
    assert bench.told("undoing") == ["slow undoing"]


def test_what_failed_before_anything_was_touched_is_failed(bench: Bench) -> None:
    scratch = Step("scratch", "mkdir scratch", undo="rmdir scratch", touches=False)
    ended = bench.run([scratch, Step("check", "fail too-small 'no room'")])
    assert ended.state == "failed"
    assert not (bench.root / "scratch").exists()
    assert ended.failure is not None
    assert ended.failure.id == "too-small"


def test_tidying_up_that_fails_strands_nobody(bench: Bench) -> None:
    scratch = Step("scratch", ":", undo="false", touches=False)
    ended = bench.run([scratch, Step("check", "false")])
    assert ended.state == "failed"
    assert [undo.step for undo in ended.failed_undos] == ["scratch"]


def test_past_the_point_of_no_return_only_later_steps_are_undone(bench: Bench) -> None:
    open_door = Step("open", "echo open >>world", undo="echo serve >>world", no_return=True)
    ended = bench.run([change("restore-data"), open_door, change("later"), Step("check", "fail unwell 'it is'")])
    assert ended.state == bench.state() == "degraded"
    assert bench.changed() == ["restore-data", "open", "serve"]


def test_a_failure_at_the_point_of_no_return_does_not_restore_either(bench: Bench) -> None:
    ended = bench.run([change("restore-data"), Step("open", "false", undo="echo serve >>world", no_return=True)])
    assert ended.state == "degraded"
    assert bench.changed() == ["restore-data", "serve"]


def test_a_step_that_takes_too_long_is_ended_with_all_its_processes(bench: Bench) -> None:
    ended = bench.run([change("slow", "sleep 300 & sleep 301", timeout=1)])
    assert ended.state == "rolled-back"
    assert ended.failure is not None
    assert (ended.failure.id, ended.failure.exit_code) == ("step-timeout", 143)
    assert bench.undone()


def test_a_step_that_ignores_term_is_killed(bench: Bench) -> None:
    ended = bench.run([change("stubborn", "trap '' TERM\nwhile :; do sleep 1; done", timeout=1)])
    assert ended.state == "rolled-back"
    assert ended.failure is not None
    assert ended.failure.id == "step-timeout"


def test_an_undo_that_takes_too_long_is_stuck(bench: Bench) -> None:
    ended = bench.run([change("first"), Step("slow", "false", undo="sleep 300", undo_timeout=1)])
    assert ended.state == "stranded"
    assert [undo.id for undo in ended.failed_undos] == ["step-timeout"]
    assert bench.undone()


def test_a_long_step_tells_how_far_it_is_when_that_changes(bench: Bench) -> None:
    bench.run([Step("dump", "echo 1 >far; sleep 2.5; echo 2 >far; sleep 1.5", live='echo "$(cat far) MB"')])
    assert [row.text for row in bench.rows() if row.state == "live"] == ["1 MB", "2 MB"]


def test_huge_and_binary_output_stays_bounded_and_readable(bench: Bench) -> None:
    noise = "head -c 300000 /dev/urandom; yes | head -c 300000\nprintf 'the \\033[31mend\\n'\nfalse"
    ended = bench.run([Step("loud", noise)])
    assert ended.failure is not None
    assert ended.failure.output.endswith("y\nthe [31mend")
    assert len(ended.failure.output) <= 10800
    assert (bench.folder / "journal").stat().st_size < 20_000
    assert all(len(line) < 4096 for line in (bench.folder / "journal").read_bytes().splitlines())


def test_a_fact_may_be_long_and_in_any_language(bench: Bench) -> None:
    ended = bench.run([Step("count", "fact rows \"$(yes 'アップ' | head -n 2000)\"")])
    assert ended.facts["rows"].startswith("アップ\nアップ")
    assert 10_000 < len(ended.facts["rows"].encode()) <= LONGEST_TEXT


def test_what_a_step_leaves_running_ends_with_it(bench: Bench) -> None:
    ended = bench.run([Step("leaves", "sleep 300 & echo $! >pid"), Step("looks", '! kill -0 "$(cat pid)"')])
    assert ended.state == "done"


def test_waiting_is_by_looking(bench: Bench) -> None:
    looks = "look() { echo x >>looks; [ $(wc -l <looks) -ge 3 ]; }\nuntil_deadline 9 0.1 look\n"
    ended = bench.run([Step("wait", looks), Step("in-vain", "until_deadline 1 0.2 false || fail late 'it never came'")])
    assert ended.state == "failed"
    assert (bench.root / "looks").read_text(encoding="utf-8") == "x\n" * 3
    assert ended.failure is not None
    assert ended.failure.id == "late"


def test_steps_see_the_engine_and_the_folders_that_the_plan_names(bench: Bench) -> None:
    see = Step("see", 'dk ps; dc up -d "a b"; fact seen "$DOCKER_HOST $FILES $BACKUP $(greet)"')
    ended = bench.run(
        [see],
        docker_env={"DOCKER_HOST": "unix:///x y.sock"},
        docker=("echo", "docker"),
        compose=("echo", "compose", "-p", "dify's"),
        verbs="greet() { echo 'hello'; }",
    )
    assert ended.facts["seen"] == f"unix:///x y.sock {bench.folder}/files {bench.root}/backup hello"
    assert "compose -p dify's up -d a b" in (bench.folder / "log").read_text(encoding="utf-8")
