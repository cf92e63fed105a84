"""The machine that we are on, as a place where scripts run: `host: local`."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping

from difyaction.connections import Lost, Ran
from difyaction.connections.parcel import put
from difyaction.secret import Secret


class Local:
    """Runs scripts here. ``environ`` is what they see."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)

    def run(self, script: str, *, stdin: bytes = b"", timeout: float) -> Ran:
        """See `Connection`. What is not over after ``timeout`` seconds is ended."""
        with subprocess.Popen(  # noqa: S603 - running scripts is what this class is for
            ["/bin/sh", "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environ,
            start_new_session=True,
        ) as process:
            try:
                out, err = process.communicate(stdin, timeout)
            except BaseException as error:
                os.killpg(process.pid, signal.SIGKILL)
                if isinstance(error, subprocess.TimeoutExpired):
                    raise _slow(timeout) from None
                raise
        return Ran(process.returncode, out, err)

    def put(self, folder: str, files: Mapping[str, bytes | Secret]) -> None:
        """See `Connection`."""
        put(self, folder, files)

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""


def _slow(timeout: float) -> Lost:
    return Lost(
        "host-slow",
        "This machine did not answer within {seconds:.0f} s.",
        next_step="Look at its load and its disks, then run again.",
        seconds=timeout,
        state="",
    )
