"""What runs a Run Command's script: a shell of this machine, or a function of the test."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TIMED_OUT = 124


@dataclass(frozen=True)
class Script:
    """A script, its arguments and its own variables; ``seconds`` limits it, ``stop`` ends it early."""

    text: str
    arguments: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Ran:
    """How a script ended."""

    code: int = 0
    output: str = ""
    error: str = ""
    timed_out: bool = False


Shell = Callable[[Script], Ran]


class LocalShell:
    """Runs scripts here, as the agent does there: from a file, by ``/bin/sh``, in a session of its own.

    ``prefix`` stands before it (``("docker", "exec", "-i", "host")``); the file's ``directory`` must be seen there.
    """

    def __init__(self, prefix: Sequence[str] = (), directory: Path | None = None) -> None:
        self._prefix, self._directory = tuple(prefix), directory

    def __call__(self, script: Script) -> Ran:
        with tempfile.TemporaryDirectory(prefix="run-command-", dir=self._directory) as place:
            path = Path(place) / "script.sh"
            path.write_text(script.text, encoding="utf-8")
            path.chmod(0o700)
            return self._run(script, [*self._prefix, "/bin/sh", str(path), *script.arguments], Path(place))

    def _run(self, script: Script, command: Sequence[str], place: Path) -> Ran:
        out, err = place / "stdout", place / "stderr"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env={**os.environ, **script.variables},
                start_new_session=True,
            )
            timed_out = _wait(process, script)
        output, error = (path.read_bytes().decode(errors="replace") for path in (out, err))
        return Ran(TIMED_OUT if timed_out else process.returncode, output, error, timed_out=timed_out)


def _wait(process: subprocess.Popen[bytes], script: Script) -> bool:
    """Wait for the end; tell whether the time was up."""
    waited = 0.0
    while process.poll() is None:
        try:
            process.wait(0.02)
        except subprocess.TimeoutExpired:
            waited += 0.02
        over = script.seconds is not None and waited >= script.seconds
        if process.poll() is None and (over or script.stop.is_set()):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return over
    return False


class FakeShell:
    """Answers by words that a script holds, and keeps what it was asked: ``FakeShell({"ssh_host": Ran(0, "..")})``."""

    def __init__(self, answers: Mapping[str, Ran]) -> None:
        self._answers = answers
        self.asked: list[Script] = []

    def __call__(self, script: Script) -> Ran:
        self.asked.append(script)
        for words, ran in self._answers.items():
            if words in script.text:
                return ran
        return Ran(127, "", "script.sh: not known to this test\n")
