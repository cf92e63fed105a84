"""`entrypoint.py` as GitHub's runner starts and cancels it, against an emulated Azure; and the post step after it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.azure_runs import Setting
from tests.emulators.request import Request
from tests.stage.run import ROOT, environment, parsed

TO_SIGTERM, TO_KILL = 7.5, 2.5  # seconds, as the runner counts them


@dataclass
class Child:
    """One main step in a process of its own. ``attempt`` is the workflow run's; what ``more`` names wins."""

    place: Setting
    folder: Path
    attempt: int = 1
    run: int = 123
    more: dict[str, str] = field(default_factory=dict)

    def start(self, **given: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        its = {
            "GITHUB_RUN_ID": str(self.run),
            "GITHUB_RUN_ATTEMPT": str(self.attempt),
            "RUNNER_TEMP": str(self.folder),
        }
        self._environ = environment(
            self.place.inputs(**given), self.folder, **{**self.place.azure.environ, **its, **self.more}
        )
        self._log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "entrypoint.py")],
            env=self._environ,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def when(self, match: str, do: signal.Signals, *, after: int = 0, **fault: Any) -> threading.Event:  # noqa: ANN401 - a fault's
        """Send a signal when a request arrives, before it is answered. The event tells that it was sent."""
        sent = threading.Event()

        def strike(_: Request) -> None:
            self.process.send_signal(do)
            sent.set()

        self.place.azure.faults.add(match, before=strike, after=after, **fault)
        return sent

    def wait(self, seconds: float = 120) -> int:
        """Return the exit code of a run that ends by itself."""
        code = self.process.wait(seconds)
        self._log.close()
        return code

    def cancelled(self) -> int:
        """Go on as the runner does after SIGINT, and return the exit code."""
        for patience, follows in ((TO_SIGTERM, signal.SIGTERM), (TO_KILL, signal.SIGKILL)):
            try:
                return self.wait(patience)
            except subprocess.TimeoutExpired:
                self.process.send_signal(follows)
        return self.wait()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    @property
    def outputs(self) -> dict[str, str]:
        return parsed((self.folder / "GITHUB_OUTPUT").read_text(encoding="utf-8"))

    def post(self) -> subprocess.CompletedProcess[str]:
        """Run the post step, with the state that the main step left."""
        state = parsed((self.folder / "GITHUB_STATE").read_text(encoding="utf-8"))
        return subprocess.run(
            [sys.executable, str(ROOT / "difyaction/post.py")],
            env={**self._environ, **{f"STATE_{name}": value for name, value in state.items()}},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
