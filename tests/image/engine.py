"""A docker client that talks to the engine of a machine in namespaces of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

SECONDS = 900


@dataclass(frozen=True)
class Engine:
    """``host`` is the engine's address as ``DOCKER_HOST`` wants it. Paths in arguments are the machine's own."""

    host: str

    def environ(self) -> Mapping[str, str]:
        """Return what the client needs, nothing of ours. The engine's own builder is on every Debian; buildx is not."""
        return {"PATH": os.environ["PATH"], "DOCKER_HOST": self.host, "DOCKER_BUILDKIT": "0", "HOME": "/nonexistent"}

    def client(self) -> str:
        """Return where the client is, for a step whose own environment has another PATH."""
        return shutil.which("docker") or "docker"

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the client to its end."""
        ran = subprocess.run(
            ["docker", *arguments],
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if check and ran.returncode != 0:
            raise RuntimeError(f"docker {arguments[0]} ended with {ran.returncode}: {ran.stdout[-4000:]}{ran.stderr}")
        return ran

    def ask(self, *arguments: str) -> str:
        """Return what the client wrote, without the last line's end."""
        return self.run(*arguments).stdout.rstrip("\n")
