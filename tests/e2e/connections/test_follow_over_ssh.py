"""A runbook on a host behind a real sshd that is cut and restarted while it is followed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from difyaction.compose import follow
from difyaction.compose.run_journal import JournalRow, record
from difyaction.compose.runbook import RunSettings, render
from difyaction.compose.steps import Step
from difyaction.connections.ssh import Ssh
from difyaction.secret import Secret
from tests.e2e.connections.sshd import Sshd, private_text

STEPS = [
    Step(name, f"echo {name} >>world; say {name}; sleep 0.4; say {name} again", undo=f"sed -i /{name}/d world")
    for name in ("pull", "stop", "migrate", "start")
]


def watch() -> follow.Watch:
    return follow.Watch(clock=time.monotonic, pause=lambda _: time.sleep(0.1), say=lambda _: None, patience=30, poll=1)


def script(root: Path) -> str:
    folder = str(root / "run")
    run = RunSettings(run_id="r1", folder=folder, backup=f"{root}/b", lock=f"{root}/lock", workdir=str(root), grace=2)
    return render(STEPS, run)


def started(sshd: Sshd, root: Path) -> Ssh:
    connection = Ssh(sshd.hop(), sshd.known_hosts)
    follow.start(connection, str(root / "run"), script(root), {"secret": Secret("hunter2")}, watch())
    return connection


@pytest.mark.parametrize("fault", ["cut", "restart"])
def test_a_connection_that_breaks_in_every_step_loses_no_row(own_sshd: Sshd, tmp_path: Path, fault: str) -> None:
    rows: list[JournalRow] = []
    with closing(started(own_sshd, tmp_path)) as connection:
        for row in follow.follow(connection, str(tmp_path / "run"), watch()):
            rows.append(row)
            if row.state == "began":
                own_sshd.cut()
                if fault == "restart":
                    own_sshd.stop()
                    own_sshd.start()
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    assert record(rows).state == "done"
    assert (tmp_path / "world").read_text(encoding="utf-8").split() == ["pull", "stop", "migrate", "start"]
    assert not (tmp_path / "run" / "files").exists()


CONTROLLER = """
import sys, time
from difyaction.compose import follow
from difyaction.connections.handshake import Hop
from difyaction.connections.ssh import Ssh
from difyaction.secret import Secret
key, known, port, user, folder = sys.argv[1:]
connection = Ssh(Hop("127.0.0.1", int(port), user, Secret(key)), known)
watch = follow.Watch(clock=time.monotonic, pause=time.sleep, say=print, poll=1)
for row in follow.follow(connection, folder, watch):
    print(row.step, row.state, flush=True)
"""


def test_a_controller_killed_in_the_middle_leaves_the_host_to_finish(own_sshd: Sshd, tmp_path: Path) -> None:
    with closing(started(own_sshd, tmp_path)) as connection:
        hop = own_sshd.hop()
        argv = [private_text(own_sshd.client), own_sshd.known_hosts, str(hop.port), hop.user, str(tmp_path / "run")]
        with subprocess.Popen(
            [sys.executable, "-c", CONTROLLER, *argv], stdout=subprocess.PIPE, text=True
        ) as controller:
            assert controller.stdout is not None
            for line in controller.stdout:
                if line == "stop began\n":
                    controller.kill()
                    break
        assert controller.returncode == -signal.SIGKILL
        rows = list(follow.follow(connection, str(tmp_path / "run"), watch()))
    assert record(rows).state == "done"
    assert len([row for row in rows if row.state == "began"]) == len(STEPS) + 1


def test_a_host_that_dies_in_the_middle_comes_back_as_the_old_one(own_sshd: Sshd, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with closing(started(own_sshd, tmp_path)) as connection:
        rows: list[JournalRow] = []
        for row in follow.follow(connection, str(folder), watch()):
            rows.append(row)
            if (row.step, row.state) == ("migrate", "began"):
                # What a boot leaves: no process of the run, another boot id, the folder as it was.
                for entry in Path("/proc").glob("[0-9]*/environ"):
                    try:
                        ours = f"DIFY_UPGRADE_RUN={folder}.".encode() in entry.read_bytes()
                    except OSError:
                        continue
                    if ours and int(entry.parent.name) != os.getpid():
                        os.kill(int(entry.parent.name), signal.SIGKILL)
                (folder / "boot").write_text("before\n", encoding="ascii")
                (tmp_path / "lock" / "boot").write_text("before\n", encoding="ascii")
                own_sshd.cut()
    assert record(rows).state == "rolled-back"
    assert (tmp_path / "world").read_text(encoding="utf-8") == ""
