"""One run at a time: the lock, who holds it, and when it counts no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from difyaction.compose.steps import Step
from tests.unit.compose.runbooks import SHELLS, Bench, change, shell_words, until

LATER = "9999999999"
WAITS = Step("wait", "touch waiting; until [ -e go ]; do sleep 0.1; done", undo=":")


@pytest.fixture(params=sorted(SHELLS))
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
    return Bench(tmp_path, shell_words(request.param))


def boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def a_lock(bench: Bench, **files: str) -> None:
    lock = bench.root / "lock"
    lock.mkdir()
    for name, text in {"owner": "ops", "run": "by-hand", "boot": boot(), **files}.items():
        (lock / name).write_text(f"{text}\n", encoding="utf-8")


def test_of_two_runs_at_once_one_works_and_one_is_told(bench: Bench) -> None:
    bench.deliver([WAITS, change("mine")])
    first = bench.start()
    until((bench.root / "waiting").exists, "the first run")
    second = bench.other("two").run([change("theirs")])
    (bench.root / "go").touch()
    assert bench.over(first).state == "done"
    assert second.state == "failed"
    assert second.failure is not None
    assert second.failure.id == "lock-held"
    assert "acme/dify#7, run one" in second.failure.text
    assert bench.changed() == ["mine"]


def test_a_run_of_another_user_whose_lock_lies_elsewhere_is_refused_until_the_first_is_over(bench: Bench) -> None:
    bench.deliver([WAITS, change("mine")])
    first = bench.start()
    until((bench.root / "waiting").exists, "the first run")
    second = Bench(bench.root, bench.shell, "two", "lock-of-another").run([change("theirs")])
    (bench.root / "go").touch()
    assert bench.over(first).state == "done"
    assert second.state == "failed"
    assert second.failure is not None
    assert second.failure.id == "lock-held"
    assert not (bench.root / "lock-of-another").exists()
    third = Bench(bench.root, bench.shell, "three", "lock-of-another").run([change("later")])
    assert third.state == "done"
    assert bench.changed() == ["mine", "later"]


def test_many_that_start_together_get_the_lock_one_at_a_time(bench: Bench) -> None:
    alone = Step("alone", "mkdir inside; sleep 0.3; rmdir inside")
    benches = [bench.other(f"run-{number}") for number in range(6)]
    for each in benches:
        each.deliver([alone])
    processes = [each.start() for each in benches]
    states = [each.over(process).state for each, process in zip(benches, processes, strict=True)]
    assert "done" in states
    assert set(states) <= {"done", "failed"}
    told = [each.record().failure for each in benches]
    assert {failure.id for failure in told if failure} <= {"lock-held"}


def test_a_dead_run_that_was_not_finished_is_named_and_nothing_is_touched(bench: Bench) -> None:
    bench.deliver([change("half"), WAITS])
    process = bench.start()
    until((bench.root / "waiting").exists, "the first run")
    bench.kill(process)
    two = bench.other("two")
    ended = two.run([change("theirs")])
    assert ended.state == "failed"
    assert ended.failure is not None
    assert ended.failure.id == "run-unfinished"
    assert str(bench.folder) in ended.failure.text
    assert bench.changed() == ["half"]
    assert bench.recover().state == "rolled-back"
    assert bench.other("three").run([change("theirs")]).state == "done"


@pytest.mark.parametrize(
    ("files", "ends"),
    [
        ({"expiry": LATER}, "failed"),
        ({"expiry": "1"}, "done"),
        ({"expiry": LATER, "boot": "another"}, "done"),
        ({"expiry": LATER, "pid": "4194305", "start": "5"}, "done"),
        ({}, "done"),
    ],
    ids=["held by hand", "expired", "from another boot", "of a process that is gone", "unreadable"],
)
def test_a_lock_counts_as_long_as_its_owner_may_live(bench: Bench, files: dict[str, str], ends: str) -> None:
    a_lock(bench, **files)
    ended = bench.run([change("mine")])
    assert ended.state == ends
    assert (bench.root / "lock").exists() == (ends == "failed")


def test_a_living_run_renews_its_lock(bench: Bench) -> None:
    look = (
        'cat lock/expiry >first\nlater() { [ "$(cat lock/expiry)" -gt "$(cat first)" ]; }\nuntil_deadline 8 0.2 later'
    )
    assert bench.run([Step("long", look)]).state == "done"


def test_a_lock_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = Bench(tmp_path, shell_words("dash"), lock="file/lock").run([change("never")])
    assert ended.failure is not None
    assert (ended.state, ended.failure.id) == ("failed", "lock-unusable")
