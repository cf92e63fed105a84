"""Small runbooks that really run here, under each shell that a host may have."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pytest

from difyaction.compose.run_journal import JournalRow, Reader, RunRecord, record
from difyaction.compose.runbook import RunSettings, render
from difyaction.compose.steps import Step

SHELLS = {"dash": ("dash",), "bash": ("bash",), "busybox": ("busybox", "sh")}
PATIENCE = 20.0


def shell_words(name: str) -> tuple[str, ...]:
    """Return how a shell is called; skip the test where it is not installed, or fail it where CI says that it is."""
    if shutil.which(SHELLS[name][0]) is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name} is not here")
        pytest.skip(f"{name} is not here")
    return SHELLS[name]


def verbs(folder: Path, shell: str, names: Sequence[str], *more: str) -> subprocess.CompletedProcess[str]:
    """Run pieces of a script after the verbs of these files, in a folder, under one of SHELLS."""
    files = resources.files("difyaction.compose")
    script = "\n".join([*(files.joinpath(f"verbs_{name}.sh").read_text("utf-8") for name in names), *more])
    command = [*shell_words(shell), "-c", script]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def until(look: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)


@dataclass
class Bench:
    """A folder with a run in it. ``world`` is what its steps change."""

    root: Path
    shell: tuple[str, ...]
    name: str = "one"
    lock: str = "lock"

    @property
    def folder(self) -> Path:
        return self.root / "runs" / self.name

    @property
    def world(self) -> Path:
        return self.root / "world"

    def other(self, name: str) -> Bench:
        return Bench(self.root, self.shell, name, self.lock)

    def settings(self, **more: object) -> RunSettings:
        given = {
            "run_id": self.name,
            "folder": str(self.folder),
            "backup": str(self.root / "backup"),
            "lock": str(self.root / self.lock),
            "workdir": str(self.root),
            "owner": "acme/dify#7",
            "summary": "1.13.3 -> 1.14.1",
            "audit_log": str(self.root / "audit.log"),
            "live_every": 1,
            "grace": 2,
            "again_after": 0,
            "shell": self.shell,
        }
        return RunSettings(**(given | more))  # type: ignore[arg-type]

    def deliver(self, steps: Sequence[Step], **more: object) -> None:
        (self.folder / "files").mkdir(parents=True, mode=0o700)
        (self.folder / "files" / "secret.env").write_text("DB_PASSWORD=hunter2\n", encoding="utf-8")
        self.world.touch()
        (self.folder / "runbook.sh").write_text(render(steps, self.settings(**more)), encoding="utf-8")

    def start(self, verb: str = "run") -> subprocess.Popen[bytes]:
        argv = [*self.shell, str(self.folder / "runbook.sh"), verb]
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)

    def run(self, steps: Sequence[Step], **more: object) -> RunRecord:
        self.deliver(steps, **more)
        return self.over(self.start())

    def recover(self) -> RunRecord:
        return self.over(self.start("recover"))

    def over(self, process: subprocess.Popen[bytes]) -> RunRecord:
        process.wait(PATIENCE)
        return self.record()

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)

    def rows(self) -> list[JournalRow]:
        journal = self.folder / "journal"
        return list(Reader().feed(journal.read_bytes())) if journal.exists() else []

    def record(self) -> RunRecord:
        return record(self.rows())

    def told(self, *states: str) -> list[str]:
        return [f"{row.step} {row.state}" for row in self.rows() if not states or row.state in states]

    def state(self) -> str:
        return (self.folder / "state").read_text(encoding="utf-8").strip()

    def changed(self) -> list[str]:
        return self.world.read_text(encoding="utf-8").split()

    def undone(self) -> bool:
        """Report whether the world is as it was: each step appends its name, its undo removes it."""
        return self.changed() == []


def change(name: str, then: str = "", **more: object) -> Step:
    """Return a step that appends its name to the world, and an undo that removes it."""
    undo = f'grep -v "^{name}$" world >world.new || :\nmv world.new world'
    return Step(name=name, do=f"echo {name} >>world\n{then}", undo=undo, **more)  # type: ignore[arg-type]
