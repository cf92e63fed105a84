"""A registry on this machine's loopback, and an image in it, for the rehearsal of a release."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from scripts.release.refusal import Refused

_PROGRAM = "docker-registry"
_CONFIGURATION = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: 127.0.0.1:{port}}}
"""
_SECONDS = 10


def missing() -> str:
    """Say what is not here for pushing an image, or return nothing."""
    if not shutil.which("docker") or _docker("info", check=False).returncode:
        return "no docker engine answers"
    return "" if shutil.which(_PROGRAM) else f"the program {_PROGRAM} is not installed"


@contextlib.contextmanager
def registry(folder: Path) -> Iterator[str]:
    """Serve a registry from ``folder``; give its host and port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    configuration = folder / "registry.yml"
    configuration.write_text(_CONFIGURATION.format(folder=folder / "registry", port=port), "utf-8")
    with subprocess.Popen([_PROGRAM, "serve", str(configuration)], stderr=subprocess.DEVNULL) as process:  # noqa: S603 - ours
        try:
            _wait(port)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


def pushed(name: str, *, root: Path, instead: str) -> str:
    """Build the project's image, or take ``instead`` from the engine; push it and return its digest."""
    tag = f"{name}:rehearsal"
    if instead:
        _docker("tag", instead, tag)
    else:
        _docker("build", "--quiet", "--tag", tag, str(root))
    try:
        _docker("push", "--quiet", tag)
        digests: list[str] = json.loads(_docker("image", "inspect", "--format", "{{json .RepoDigests}}", tag).stdout)
    finally:
        _docker("rmi", tag)
    return next(each.partition("@")[2] for each in digests if each.startswith(f"{name}@"))


def forget(reference: str) -> None:
    """Remove from the engine what was pulled by digest."""
    _docker("rmi", reference, check=False)


def _wait(port: int) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise Refused(f"The registry did not listen within {_SECONDS} s.")


def _docker(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607 - ours; the engine's client is where PATH says
    if check and done.returncode:
        raise Refused(f"docker {arguments[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done
