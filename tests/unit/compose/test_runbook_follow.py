"""Following a run: through a connection that is cut at every exchange, a controller that dies, a run that dies."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from difyaction.compose import follow
from difyaction.compose.run_journal import JournalRow, record
from difyaction.compose.runbook import render
from difyaction.compose.steps import Step
from difyaction.connections import Connection, Lost, Ran
from difyaction.connections.local import Local
from difyaction.errors import Failed, Running, Stranded
from difyaction.secret import Secret
from tests.unit.compose.runbooks import Bench, change, shell_words, until

STAGED = {"secret.env": Secret("DB_PASSWORD=hunter2\n")}


def lost() -> Lost:
    return Lost("connection-lost", "cut", next_step="")


@dataclass
class Cutting:
    """A connection that is lost before each exchange, then after it (the answer is lost), and then lets it through."""

    inner: Connection
    calls: int = 0

    def run(self, script: str, *, stdin: bytes = b"", timeout: float) -> Ran:
        self.calls += 1
        if self.calls % 3 == 1:
            raise lost()
        ran = self.inner.run(script, stdin=stdin, timeout=timeout)
        if self.calls % 3 == 2:
            raise lost()
        return ran

    def put(self, folder: str, files: Mapping[str, bytes | Secret]) -> None:
        self.calls += 1
        if self.calls % 3 == 1:
            raise lost()
        self.inner.put(folder, files)
        if self.calls % 3 == 2:
            raise lost()

    def close(self) -> None:
        self.inner.close()


@dataclass
class Watcher:
    """A clock that runs by itself and by pauses."""

    said: list[str] = field(default_factory=list)
    paused: float = 0.0

    def watch(self, shell: tuple[str, ...], **more: float) -> follow.Watch:
        return follow.Watch(
            clock=lambda: time.monotonic() + self.paused,
            pause=self.pause,
            say=self.said.append,
            poll=1,
            shell=shell,
            **more,  # type: ignore[arg-type]
        )

    def pause(self, seconds: float) -> None:
        self.paused += seconds
        time.sleep(0.02)


@pytest.fixture(params=["dash", "busybox"])
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    bench = Bench(tmp_path, shell_words(request.param))
    bench.world.touch()
    yield bench
    (tmp_path / "go").touch()


class Refusing:
    """A host that lets us in no more."""

    def run(self, script: str, *, stdin: bytes = b"", timeout: float) -> Ran:
        del script, stdin, timeout
        raise Failed("ssh-auth-refused", "No entry.", next_step="")

    def put(self, folder: str, files: Mapping[str, bytes | Secret]) -> None:
        raise AssertionError(f"nothing is delivered: {folder}, {sorted(files)}")

    def close(self) -> None:
        """Hold nothing."""


@dataclass
class LostAtLaunch:
    """A connection that is gone from the moment on in which a run would begin."""

    inner: Connection

    def run(self, script: str, *, stdin: bytes = b"", timeout: float) -> Ran:
        if "\nlaunch " in script:
            raise lost()
        return self.inner.run(script, stdin=stdin, timeout=timeout)

    def put(self, folder: str, files: Mapping[str, bytes | Secret]) -> None:
        self.inner.put(folder, files)

    def close(self) -> None:
        self.inner.close()


def here() -> Local:
    return Local(os.environ)


def begin(bench: Bench, steps: list[Step], connection: Connection, watcher: Watcher) -> follow.Watch:
    watch = watcher.watch(bench.shell)
    follow.start(connection, str(bench.folder), render(steps, bench.settings()), STAGED, watch)
    return watch


def followed(bench: Bench, connection: Connection, watch: follow.Watch) -> list[JournalRow]:
    return list(follow.follow(connection, str(bench.folder), watch))


def waits() -> Step:
    return change("wait", "touch half; until [ -e go ]; do sleep 0.1; done")


def test_a_run_is_started_and_followed_to_its_end(bench: Bench) -> None:
    see = Step("see", 'fact secret "$(wc -c <"$FILES/secret.env")"')
    rows = followed(bench, here(), begin(bench, [see, change("switch")], here(), Watcher()))
    assert rows == bench.rows()
    assert record(rows).facts == {"secret": "20"}
    assert rows[-1].is_final
    assert record(rows).state == "done"
    assert (bench.folder / "read").exists()
    assert bench.folder.stat().st_mode & 0o777 == 0o700


def test_a_connection_that_is_cut_at_every_exchange_loses_nothing(bench: Bench) -> None:
    connection, watcher = Cutting(here()), Watcher()
    talks = Step("talk", "for n in 1 2 3 4 5 6; do say $n; sleep 0.3; done")
    rows = followed(bench, connection, begin(bench, [change("pull"), talks, change("switch")], connection, watcher))
    assert rows == bench.rows()
    assert record(rows).state == "done"
    assert bench.changed() == ["pull", "switch"]
    assert connection.calls >= 12
    assert "no contact (connection-lost); trying again" in watcher.said


def test_a_controller_that_dies_changes_nothing_and_the_next_one_reads_it_all(bench: Bench) -> None:
    watch = begin(bench, [change("pull"), waits()], here(), Watcher())
    first = follow.follow(here(), str(bench.folder), watch)
    assert next(first).step == "run"
    first.close()
    (bench.root / "go").touch()
    rows = followed(bench, here(), watch)
    assert rows == bench.rows()
    assert record(rows).state == "done"
    assert followed(bench, here(), watch) == rows


def test_a_run_that_is_killed_is_undone_while_it_is_followed(bench: Bench) -> None:
    watcher = Watcher()
    watch = begin(bench, [change("pull"), waits()], here(), watcher)
    rows: list[JournalRow] = []
    for row in follow.follow(here(), str(bench.folder), watch):
        if (row.step, row.state) == ("wait", "began"):
            until((bench.root / "half").exists, "the middle")
            os.kill(int((bench.folder / "pid").read_text(encoding="ascii")), signal.SIGKILL)
        rows.append(row)
    assert record(rows).state == "rolled-back"
    assert bench.undone()
    assert "the run on the host is dead; it is being undone" in watcher.said


def test_a_run_that_is_told_to_stop_undoes_itself(bench: Bench) -> None:
    watch = begin(bench, [change("pull"), waits()], here(), Watcher())
    until((bench.root / "half").exists, "the middle")
    follow.stop(here(), str(bench.folder))
    assert record(followed(bench, here(), watch)).state == "rolled-back"
    assert bench.undone()


def test_without_contact_it_gives_up_and_the_host_goes_on(bench: Bench) -> None:
    watcher = Watcher()
    begin(bench, [change("pull"), waits(), change("switch")], here(), watcher)

    class Dead(Local):
        def run(self, script: str, *, stdin: bytes = b"", timeout: float) -> Ran:
            del script, stdin, timeout
            raise lost()

    with pytest.raises(Lost):
        followed(bench, Dead(os.environ), watcher.watch(bench.shell, patience=60))
    assert 60 <= watcher.paused <= 90
    (bench.root / "go").touch()
    until(lambda: bench.state() == "done", "the end")
    assert bench.changed() == ["pull", "wait", "switch"]


def test_an_end_that_found_no_room_in_the_journal_is_told_all_the_same(bench: Bench) -> None:
    watch = begin(bench, [change("pull")], here(), Watcher())
    until(lambda: (bench.folder / "state").exists() and bench.state() == "done", "the end")
    until(lambda: any(row.is_final for row in bench.rows()), "the last row")
    journal = bench.folder / "journal"
    journal.write_bytes(b"\n".join(journal.read_bytes().split(b"\n")[:-2]) + b"\n")
    until(lambda: not (bench.root / "lock").exists(), "the process's end")
    assert record(followed(bench, here(), watch)).state == "done"
    assert (bench.folder / "read").exists()


def test_no_run_is_told_as_such(bench: Bench) -> None:
    with pytest.raises(Failed) as caught:
        followed(bench, here(), Watcher().watch(bench.shell))
    assert caught.value.id == "run-absent"


def test_a_tool_that_is_missing_is_named_and_no_secret_stays(tmp_path: Path) -> None:
    bare = tmp_path / "bin"
    bare.mkdir()
    for tool in ("sh", "cat", "tar", "mkdir", "chmod", "rm", "tail", "head", "wc", "sleep", "id"):
        (bare / tool).symlink_to(f"/bin/{tool}" if Path(f"/bin/{tool}").exists() else f"/usr/bin/{tool}")
    bench = Bench(tmp_path, shell_words("dash"))
    script = render([change("x")], bench.settings())

    class Bare(Local):
        def run(self, script: str, *, stdin: bytes = b"", timeout: float) -> Ran:
            noisy = "echo Now using node v18.19.0; " + script.replace('PATH="${PATH', 'true "${PATH')
            return super().run(noisy, stdin=stdin, timeout=timeout)

    with pytest.raises(Failed) as caught:
        follow.start(Bare({"PATH": str(bare)}), str(bench.folder), script, STAGED, Watcher().watch(bench.shell))
    assert caught.value.id == "host-lacks-tool"
    assert caught.value.facts["tool"] == "setsid"
    assert not (bench.folder / "files").exists()


def test_a_login_shell_that_talks_does_not_confuse(bench: Bench) -> None:
    class Talking(Local):
        def run(self, script: str, *, stdin: bytes = b"", timeout: float) -> Ran:
            ran = super().run(script, stdin=stdin, timeout=timeout)
            return Ran(ran.exit_code, b"Welcome!\n" + ran.out, ran.err)

    rows = followed(bench, Talking(os.environ), begin(bench, [change("pull")], Talking(os.environ), Watcher()))
    assert record(rows).state == "done"


def systemd_here(tmp_path: Path, runs: str) -> Local:
    """Return a machine that seems to have systemd, with a ``systemd-run`` of our own."""
    fake = tmp_path / "bin" / "systemd-run"
    for folder in (fake.parent, tmp_path / "systemd", tmp_path / "units"):
        folder.mkdir()
    fake.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/asked\n{runs}\n', encoding="ascii")
    fake.chmod(0o755)
    environ = {"SYSTEMD": f"{tmp_path}/systemd", "UNITS": f"{tmp_path}/units", "HOME": str(tmp_path)}
    return Local({**environ, "PATH": f"{fake.parent}:{os.environ['PATH']}"})


WHILE_SYSTEMD = 'while [ "${1#-}" != "$1" ]; do shift; done; setsid "$@" &'


@pytest.mark.parametrize("runs", [WHILE_SYSTEMD, "exit 1"], ids=["systemd", "none of it"])
@pytest.mark.skipif(os.geteuid() != 0 and os.environ.get("CI") != "true", reason="units are root's")
def test_with_systemd_a_run_gets_a_unit_and_one_more_for_a_boot_in_between(bench: Bench, runs: str) -> None:
    machine = systemd_here(bench.root, runs)
    watch = begin(bench, [change("pull"), waits()], machine, Watcher())
    until((bench.root / "half").exists, "the middle")
    asked = (bench.root / "asked").read_text(encoding="ascii").split("\n")
    assert {"--property=KillMode=mixed", f"--setenv=HOME={bench.root}", f"{bench.folder}/runbook.sh"} <= set(asked)
    unit = bench.root / "units" / "dify-upgrade-one.service"
    assert f"ExecStart=/bin/sh {bench.folder}/runbook.sh recover\n" in unit.read_text(encoding="utf-8")
    assert (bench.root / "units" / "multi-user.target.wants" / unit.name).read_bytes() == unit.read_bytes()
    (bench.root / "go").touch()
    assert record(followed(bench, machine, watch)).state == "done"
    until(lambda: not list((bench.root / "units").rglob("*.service")), "the units' end")


def test_a_journal_that_lost_its_end_and_grew_again_is_told_from_there_on(bench: Bench) -> None:
    watch = begin(bench, [change("pull"), waits(), change("switch")], here(), Watcher())
    following = follow.follow(here(), str(bench.folder), watch)
    seen = [next(following) for _ in range(4)]
    os.kill(int((bench.folder / "pid").read_text()), signal.SIGKILL)
    journal = bench.folder / "journal"
    kept = journal.read_bytes().split(b"\n")
    journal.write_bytes(b"\n".join(kept[:2]) + b"\n" + kept[2][:9])
    (bench.root / "go").touch()
    rows = [*seen, *following]
    assert [row.state for row in rows].count("recovering") == 1
    assert record(rows).state == "rolled-back"
    reason = record(rows).failure
    assert reason is not None
    assert reason.id == "interrupted"


def test_what_keeps_us_out_while_a_run_goes_on_is_no_failure_of_it(bench: Bench) -> None:
    watch = begin(bench, [waits()], here(), Watcher())
    with pytest.raises(Running) as caught:
        followed(bench, Refusing(), watch)
    assert (caught.value.id, caught.value.exit_code) == ("ssh-auth-refused", 8)
    assert "goes on without us" in str(caught.value)


def test_a_dead_run_whose_undoing_does_not_begin_is_stranded_and_not_failed(bench: Bench) -> None:
    watch = begin(bench, [change("pull"), waits()], here(), Watcher())
    until((bench.root / "half").exists, "the middle")
    os.kill(int((bench.folder / "pid").read_text()), signal.SIGKILL)
    (bench.folder / "runbook.sh").write_text("exit 1\n")
    with pytest.raises(Stranded) as caught:
        followed(bench, here(), watch)
    assert caught.value.id == "run-unrecoverable"


def test_a_run_of_which_nobody_knows_whether_it_began_is_not_called_failed(bench: Bench) -> None:
    with pytest.raises(Running) as caught:
        begin(bench, [change("pull")], LostAtLaunch(here()), Watcher())
    assert caught.value.id == "job-time-over"
