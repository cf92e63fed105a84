"""The machine under test: own mounts, processes, network and name, and one disk; to be switched on and off."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.rig import keys

HERE = Path(__file__).resolve().parent
DISK_BYTES = 16 << 30
BOOT_SECONDS = 60
LIVES_IN = ("mount", "pid", "net", "uts")


class Machine:
    """One machine; its state lies in a folder that outlives it."""

    def __init__(self, state: Path, environ: Mapping[str, str]) -> None:
        self.state = state
        self._environ = {"PATH": f"{environ['PATH']}:/usr/sbin:/sbin", "LANG": "C.UTF-8"}
        self._started: subprocess.Popen[bytes] | None = None
        self.first = 0
        self.docker_host = ""  # another engine than root's, that commands are to talk to

    def power_on(self) -> None:
        """Boot, or raise when it does not come up. Everything dies with the thread that called this."""
        keys.prepare(self.state)
        self._make_disk()
        (self.state / "boot_id").write_text(f"{uuid.uuid4()}\n", encoding="ascii")
        with (self.state / "machine.log").open("ab") as log:
            self._started = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "KILL"),
                    *("env", "--default-signal=HUP"),  # under nohup, a request to start the engine would be lost
                    *("unshare", *(f"--{kind}" for kind in LIVES_IN), "--fork", "--kill-child", "--mount-proc"),
                    *(str(HERE / "machine.sh"), str(self.state)),
                ],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.first = self._child_of(self._started.pid)
        self.wait_for(lambda: self.path("/run/rig-up").exists(), "its first process")
        self.wait_for(self.engine_answers, "its engine")

    def power_off(self) -> None:
        """Pull the plug: every process ends at once, as with kill -9; the disk stays."""
        started, self._started = self._started, None
        if started is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.first, signal.SIGKILL)
        started.wait(timeout=30)
        self.first = 0

    def reboot(self) -> None:
        self.power_off()
        self.power_on()

    def path(self, inside: str) -> Path:
        """Return where a path of the machine is reached from here."""
        return Path(f"/proc/{self.first}/root") / inside.lstrip("/")

    def run(
        self, command: Sequence[str], *, stdin: bytes = b"", check: bool = True, timeout: float = 120
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command in the machine as root."""
        ran = subprocess.run(
            [*self.enter(), *command],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=timeout,
            env=self._environ | {"HOME": "/root"} | ({"DOCKER_HOST": self.docker_host} if self.docker_host else {}),
        )
        if check and ran.returncode != 0:
            said = (ran.stderr + ran.stdout).decode(errors="replace")
            raise RuntimeError(f"{list(command)} ended with {ran.returncode}: {said}")
        return ran

    def enter(self) -> list[str]:
        """Return the words before a command that is to run in the machine."""
        return ["nsenter", "--target", str(self.first), *(f"--{kind}" for kind in LIVES_IN), "--wd=/root", "--"]

    def docker(self, *arguments: str, check: bool = True, stdin: bytes = b"", timeout: float = 120) -> str:
        """Run the docker client in the machine; return what it wrote."""
        return self.run(["docker", *arguments], check=check, stdin=stdin, timeout=timeout).stdout.decode()

    def engine_answers(self) -> bool:
        return self.run(["docker", "version", "--format", "{{.Server.Version}}"], check=False).returncode == 0

    def restart_part(self, wanted: signal.Signals) -> None:
        """Ask the first process to start sshd (USR1), the registry (USR2) or the engine (HUP) again."""
        os.kill(self.first, wanted)

    def wait_for(self, look: Callable[[], bool], what: str, seconds: float = BOOT_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not look():
            ended = self._started is not None and self._started.poll() is not None
            if ended or time.monotonic() > deadline:
                raise RuntimeError(f"the machine did not come up: {what}; {self._last_words()}")
            time.sleep(0.05)

    def _last_words(self) -> str:
        return (self.state / "machine.log").read_text(encoding="utf-8", errors="replace")[-2000:]

    def _make_disk(self) -> None:
        image = self.state / "disk.img"
        if image.exists():
            return
        fresh = image.with_suffix(".new")
        with fresh.open("wb") as file:
            file.truncate(DISK_BYTES)
        options = ["-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard"]
        subprocess.run(["mkfs.ext4", *options, str(fresh)], check=True, env=self._environ, capture_output=True)
        fresh.rename(image)

    def _child_of(self, parent: int) -> int:
        """Return the process that unshare forked: the machine's first, as this side counts."""
        found: list[int] = []

        def look() -> bool:
            with contextlib.suppress(OSError):
                found[:] = map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split())
            return bool(found)

        self.wait_for(look, "unshare")
        return found[0]
