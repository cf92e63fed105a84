"""Keeps a cancelled run from opening what its post step closes. Standard library only.

A container that cleans up for longer than ten seconds is left running by the runner, and the post step starts beside
it. So the post step puts up a fence, which the run looks at before and after each opening, and stops the container.
"""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

FENCE: Final = "azure_fence"
CONTAINER: Final = "azure_container"
ENGINE: Final = Path("/var/run/docker.sock")
_SHARED: Final = Path("/github/runner_temp")
_ID = re.compile(r"[0-9a-f]{12,64}")


def place(environ: Mapping[str, str], nonce: str, shared: Path = _SHARED) -> Path:
    """Return where the fence of one run stands: a folder that the main and the post container of a job share."""
    temp = environ.get("RUNNER_TEMP", "")
    candidates = (shared, Path(temp) if temp else None, Path(environ.get("HOME") or "/"))
    folder = next((each for each in candidates if each is not None and each.is_dir()), Path("/"))
    return folder / f"dify-upgrade-fence-{nonce}"


def container_id(environ: Mapping[str, str]) -> str:
    """Return the id of the container that we are in, as its host name tells it; empty outside of one."""
    name = environ.get("HOSTNAME", "")
    return name if _ID.fullmatch(name) else ""


def put_up(fence: Path) -> None:
    """Put the fence up. ``OSError`` when that cannot be done."""
    fence.touch(mode=0o600)


def stop(container: str, engine: Path = ENGINE, *, seconds: int = 2) -> str:
    """Stop the container of the main step if it still runs. Return what went wrong, or nothing.

    ``seconds``: what it gets to end by itself. A container that is gone already is as good.
    """
    if not _ID.fullmatch(container) or not engine.exists():
        return ""
    connection = _Engine(engine, timeout=seconds + 10)
    try:
        connection.request("POST", f"/containers/{container}/stop?t={seconds}")
        answer = connection.getresponse()
        said = answer.read(500).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()
    return "" if answer.status in {204, 304, 404} else f"HTTP {answer.status} {said}"


class _Engine(http.client.HTTPConnection):
    """HTTP over the engine's socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
