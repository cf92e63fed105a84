"""What goes wrong during a run of the target ``server``, at a step that is named, and how everything must be after."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn, Self

from difyaction.connections import Connection, Ran
from difyaction.secret import Secret
from tests.rig.install import Install, Rows
from tests.rig.stack import Rig

STATE = "/var/lib/dify-upgrade-action"
ROW = 5  # a journal's row has more words
LOOK_EVERY = 0.02
PASSWORD = "difyai123456"  # upstream's default, of every install in the rig


class Killed(Exception):
    """The controller is gone: whatever it would do next does not happen."""


def die() -> NoReturn:
    """Be killed."""
    raise Killed


@dataclass
class Controller:
    """A connection to whose controller something happens: once it is ``struck``, and before it delivers a run."""

    inner: Connection
    happens: Callable[[], None] = die
    before_put: Callable[[], None] = lambda: None
    struck: threading.Event = field(default_factory=threading.Event)

    def run(self, script: str, *, stdin: bytes = b"", timeout: float) -> Ran:
        self._breathe()
        ran = self.inner.run(script, stdin=stdin, timeout=timeout)
        self._breathe()
        return ran

    def put(self, folder: str, files: Mapping[str, bytes | Secret]) -> None:
        self.before_put()
        self.inner.put(folder, files)
        self._breathe()

    def close(self) -> None:
        self.inner.close()

    def _breathe(self) -> None:
        if self.struck.is_set():
            self.happens()


class Striker:
    """Looks at the journals that the host writes, and strikes at each step as soon as it begins."""

    def __init__(self, rig: Rig, strike: Callable[[str], None], *, state: str = STATE) -> None:
        self.steps: list[str] = []
        self.trouble: list[Exception] = []
        self._rig, self._strike, self._state = rig, strike, state
        self._known: dict[str, int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self.news()
        self._thread.start()
        return self

    def __exit__(self, *how: object) -> None:
        self._over.set()
        self._thread.join()
        if self.trouble:
            raise self.trouble[0]

    def _watch(self) -> None:
        while not self._over.wait(LOOK_EVERY):
            for step in self.news():
                self.steps.append(step)
                try:
                    self._strike(step)
                except Exception as why:  # noqa: BLE001 -- raised at the end, in the thread that asked
                    self.trouble.append(why)

    def news(self) -> list[str]:
        """Return the steps that began since the last look; ``undo NAME`` for one that is undone."""
        news = []
        with contextlib.suppress(OSError):  # the machine is being started anew
            for path in self._rig.machine.path(f"{self._state}/runs").glob("*/journal"):
                rows = [line.split() for line in path.read_text(encoding="ascii").split("\n")[:-1]]
                fresh = [row for row in rows[self._known.get(path.parent.name, 0) :] if len(row) > ROW]
                self._known[path.parent.name] = len(rows)
                news += [row[2] for row in fresh if row[3] == "began" and row[2] != "run"]
                news += [f"undo {row[2]}" for row in fresh if row[3] == "undoing"]
        return news


def left_behind(rig: Rig, dify: Install) -> list[str]:
    """Name what is left that only a run needs, and what is still held or going on."""
    state = rig.machine.path(STATE)
    found = ["the lock"] if (state / "lock").exists() else []
    for run in sorted((state / "runs").glob("*")):
        if not (run / "state").exists() or (run / "state").read_text(encoding="ascii").strip() == "going":
            found.append("a run that goes on")
        found += [path.name for path in sorted(run.iterdir()) if path.name in {"files", "reserve", "pipe", "at-boot"}]
        if (run / "log").exists() and PASSWORD in (run / "log").read_text(encoding="utf-8"):
            found.append("a password in the log")
        if not (run / "read").exists():
            found.append("a run that nobody read")
    found += [path.name for path in rig.machine.path("/root").glob(".dify-upgrade-*")]
    named = set(dify.sql("SELECT datname FROM pg_database WHERE NOT datistemplate").split())
    found += [f"database {name}" for name in sorted(named - {"postgres", "dify", "dify_plugin"})]
    there = rig.machine.docker("ps", "-a", "--format", "{{.Names}}").split()
    return found + [name for name in there if "scratch" in name or "-run-" in name or "upgrade" in name]


def assert_at_rest(rig: Rig, dify: Install) -> None:
    """Nothing is held, nothing goes on, and nothing is left that only a run needs."""
    assert left_behind(rig, dify) == []
    assert dify.serves()
    assert dify.credentials_open()


def assert_as_before(rig: Rig, dify: Install, before: dict[str, Rows], files: dict[str, str]) -> None:
    """The release from before serves, at rest, with every row and every file as it was."""
    assert_at_rest(rig, dify)
    assert dify.rows() == before
    assert dify.files() == files
    assert dify.running_images()["api"] == f"langgenius/dify-api:{dify.wanted.version}"
