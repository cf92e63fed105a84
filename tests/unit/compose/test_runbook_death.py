"""A runbook that is stopped, killed, or loses its host, in every step: it ends in a defined state."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from difyaction.compose.steps import Step
from tests.unit.compose.runbooks import SHELLS, Bench, change, shell_words, until

STEPS = ("pull", "stop", "migrate")


@pytest.fixture(params=sorted(SHELLS))
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
    return Bench(tmp_path, shell_words(request.param))


def waits(name: str) -> Step:
    """Return a change that is half done until `go` is there."""
    return change(name, f"touch half-{name}; until [ -e go ]; do sleep 0.1; done; echo {name}-on >>world")


def story(waiting: str) -> list[Step]:
    return [waits(name) if name == waiting else change(name) for name in STEPS]


def started(bench: Bench, waiting: str) -> subprocess.Popen[bytes]:
    bench.deliver(story(waiting))
    process = bench.start()
    until((bench.root / f"half-{waiting}").exists, f"the middle of {waiting}")
    return process


def at_work(bench: Bench) -> list[str]:
    """Return what still runs of a bench's runs: command lines that name its folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if str(bench.folder) in line:
                found.append(line)
    return found


@pytest.mark.parametrize("waiting", STEPS)
def test_term_in_any_step_undoes_everything(bench: Bench, waiting: str) -> None:
    process = started(bench, waiting)
    process.send_signal(signal.SIGTERM)
    ended = bench.over(process)
    assert ended.state == bench.state() == "rolled-back"
    assert ended.failure is not None
    assert (ended.failure.step, ended.failure.id) == (waiting, "interrupted")
    assert bench.undone()
    assert not (bench.root / "lock").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_other_signals_do_the_same(tmp_path: Path, number: signal.Signals) -> None:
    bench = Bench(tmp_path, shell_words("dash"))
    process = started(bench, "stop")
    process.send_signal(number)
    assert bench.over(process).state == "rolled-back"
    assert bench.undone()


def test_signals_while_it_undoes_change_nothing(bench: Bench) -> None:
    slow = Step("slow", "echo x >>world; false", undo="touch undoing; sleep 1.5; : >world")
    bench.deliver([change("first"), slow])
    process = bench.start()
    until((bench.root / "undoing").exists, "the undo")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        process.send_signal(number)
    assert bench.over(process).state == "rolled-back"
    assert bench.undone()


@pytest.mark.parametrize("waiting", STEPS)
def test_a_run_killed_in_any_step_is_finished_by_recover(bench: Bench, waiting: str) -> None:
    process = started(bench, waiting)
    bench.kill(process)
    assert bench.state() == "going"
    ended = bench.recover()
    (bench.root / "go").touch()
    assert ended.state == bench.state() == "rolled-back"
    assert ended.failure is not None
    assert (ended.failure.step, ended.failure.id) == (waiting, "interrupted")
    assert bench.undone()
    assert not at_work(bench)
    assert not (bench.folder / "files").exists()
    assert not (bench.root / "lock").exists()


def test_a_run_killed_while_it_undoes_is_finished_by_recover(bench: Bench) -> None:
    slow = Step("slow", "echo slow >>world; false", undo="touch undoing; until [ -e go ]; do sleep 0.1; done; : >world")
    bench.deliver([change("first"), slow])
    process = bench.start()
    until((bench.root / "undoing").exists, "the undo")
    bench.kill(process)
    (bench.root / "go").touch()
    assert bench.recover().state == "rolled-back"
    assert bench.undone()


def test_a_run_killed_past_the_point_of_no_return_ends_degraded(bench: Bench) -> None:
    held = Step("open", "touch half; sleep 300", undo="echo serves >>world", no_return=True)
    bench.deliver([change("restore-data"), held])
    process = bench.start()
    until((bench.root / "half").exists, "the point of no return")
    bench.kill(process)
    assert bench.recover().state == "degraded"
    assert bench.changed() == ["restore-data", "serves"]


def test_a_host_that_was_started_anew_has_no_living_run(bench: Bench) -> None:
    process = started(bench, "stop")
    bench.kill(process)
    # The process id may belong to anybody after a boot: here, to this very test.
    (bench.folder / "boot").write_text("another\n", encoding="utf-8")
    (bench.folder / "pid").write_text(f"{os.getpid()}\n", encoding="utf-8")
    assert bench.recover().state == "rolled-back"
    assert bench.undone()


def test_recover_leaves_a_living_run_alone(bench: Bench) -> None:
    process = started(bench, "stop")
    bench.recover()
    assert process.poll() is None
    (bench.root / "go").touch()
    assert bench.over(process).state == "done"
    assert bench.changed() == ["pull", "stop", "stop-on", "migrate"]


def test_recover_leaves_a_finished_run_alone(bench: Bench) -> None:
    bench.run(story(""))
    rows = bench.rows()
    assert bench.recover().state == "done"
    assert bench.changed() == list(STEPS)
    assert bench.rows() == rows


def test_recover_twice_at_once_undoes_once(bench: Bench) -> None:
    bench.kill(started(bench, "stop"))
    two = [bench.start("recover"), bench.start("recover")]
    assert [bench.over(each).state for each in two].count("rolled-back") >= 1
    until(lambda: bench.state() != "going", "an end")
    assert bench.undone()
    assert bench.told("undone") == ["stop undone", "pull undone"]


def test_a_run_is_not_begun_twice(bench: Bench) -> None:
    process = started(bench, "stop")
    bench.over(bench.start())
    (bench.root / "go").touch()
    assert bench.over(process).state == "done"
    bench.over(bench.start())
    assert bench.changed() == ["pull", "stop", "stop-on", "migrate"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 400 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("a small disk cannot be mounted here")
        pytest.skip("a small disk cannot be mounted here")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=17m", "tmpfs", str(folder)], check=True)  # the reserve takes 16
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_full_disk_is_survived_and_told(small_disk: Path, shell: str) -> None:
    bench = Bench(small_disk, shell_words(shell))
    fill = "head -c 40M /dev/zero >dump"
    ended = bench.run([change("pull"), Step("dump", fill, undo="rm dump"), change("never")])
    assert ended.state == bench.state() == "rolled-back"
    assert ended.failure is not None
    assert ended.failure.step == "dump"
    assert "No space left" in ended.failure.output
    assert bench.undone()


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_disk_that_stays_full_still_ends_in_a_true_state(small_disk: Path, shell: str) -> None:
    bench = Bench(small_disk, shell_words(shell))
    # Every byte that is given back is taken at once, as by a log that somebody else writes.
    fill = "for size in 64k 1k; do while head -c $size /dev/zero >>dump; do :; done; done 2>/dev/null\n"
    greedy = Step("dump", fill + fill + "false", undo=f"{fill}:", live=f"{fill}:")
    bench.run([greedy, change("never")])
    assert bench.state() == "rolled-back"
    assert not (bench.folder / "files").exists()
    assert not (bench.root / "lock").exists()


def test_a_disk_that_is_full_from_the_start_touches_nothing(small_disk: Path) -> None:
    bench = Bench(small_disk, shell_words("dash"))
    bench.deliver([change("never")])
    with contextlib.suppress(OSError):
        (small_disk / "ballast").write_bytes(b"0" * 40_000_000)
    bench.over(bench.start())
    assert bench.undone()
    assert not (bench.folder / "state").exists() or bench.state() in {"failed", ""}
