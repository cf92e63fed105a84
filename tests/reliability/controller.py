"""The real `entrypoint.py` as a process of its own, so that it can be killed like one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.stage.run import ROOT, environment, parsed

KILLED = "killed"


@dataclass(frozen=True)
class Told:
    """How a controller ended: its status (`killed` when it could not say), the error's id, and its log."""

    status: str
    error: str
    exit_code: int
    log: str
    outputs: Mapping[str, str]


class Controller:
    """A run of the Action. Leaving it as a context kills what still runs."""

    def __init__(self, inputs: Mapping[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "entrypoint.py")],
                env=environment(inputs, folder),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._output = folder / "GITHUB_OUTPUT"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *how: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._folder.cleanup()

    @property
    def runs(self) -> bool:
        return self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Signal it, and wait for its end."""
        self.process.send_signal(number)
        self.process.wait(timeout=60)

    def told(self, seconds: float = 0) -> Told:
        """Return how it ended; wait so long for the end."""
        deadline = time.monotonic() + seconds
        while self.runs and time.monotonic() < deadline:
            time.sleep(0.05)
        log = self._log.read_text(encoding="utf-8", errors="replace")
        code = self.process.poll()
        if code is None:
            return Told("endless", "", -1, log, {})
        outputs = parsed(self._output.read_text(encoding="utf-8"))
        if code < 0 or not outputs.get("status"):
            return Told(KILLED, "", code, log, outputs)
        error = json.loads(outputs["report"]).get("error") or {}
        return Told(outputs["status"], str(error.get("id", "")), code, log, outputs)
