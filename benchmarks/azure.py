"""A look at a machine in Azure, through both doors: calls, seconds open, seconds and memory of both steps.

Azure answers at once here, so the seconds are ours: what Azure takes comes on top. Nobody is upgraded.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from tests.e2e.azure_children import Child
from tests.e2e.azure_plain import plain_sshd
from tests.e2e.azure_runs import Setting, setting
from tests.emulators.azure.emulator import AzureEmulator
from tests.emulators.request import Request

ADDRESS = "203.0.113.10"  # where the emulated Azure sees us come from
LOOKED = 4  # the exit code of a look that found no Dify
BARE = [sys.executable, "-c", "import ssl, http.client"]


def run(out: TextIO) -> None:
    """Measure, and print."""
    if shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None:
        out.write("\nAzure: not measured, for no sshd is here\n")
        return
    with (
        tempfile.TemporaryDirectory() as name,
        plain_sshd(Path(name) / "sshd") as sshd,
        AzureEmulator() as azure,
        setting(azure, sshd) as place,
    ):
        _measured(out, place, Path(name) / "run")


def _measured(out: TextIO, place: Setting, folder: Path) -> None:
    child = Child(place, folder)
    began = time.perf_counter()
    child.start(mode="plan", dify_version="1.14.1")
    _, status, usage = os.wait4(child.process.pid, 0)
    seconds, child.process.returncode = time.perf_counter() - began, os.waitstatus_to_exitcode(status)
    if child.process.returncode != LOOKED:
        raise SystemExit(child.log)
    calls = Counter(_whose(request) for request in place.azure.requests)
    out.write("\nA look at a machine in Azure, in and out through both doors\n\n")
    out.write(f"main step: {seconds:.1f} s, {usage.ru_maxrss / 1024:.0f} MiB\n")
    out.write(f"calls: {', '.join(f'{count} to {who}' for who, count in sorted(calls.items()))}\n")
    open_for = place.gate.exposure, place.vault.exposure(ADDRESS)
    out.write(f"open: SSH {open_for[0]:.1f} s, the vault {open_for[1]:.1f} s\n")
    bare = _processor_seconds(lambda: subprocess.run(BARE, check=True))  # noqa: S603 - our own
    post = _processor_seconds(child.post)
    out.write(f"post step: {post:.2f} s of processor, {post / bare:.1f}x 'import ssl, http.client'\n")


def _whose(request: Request) -> str:
    if "/idtoken/" in request.path:
        return "GitHub's token service"
    if "/oauth2/" in request.path:
        return "the login"
    return "the vault" if request.path.startswith("/secrets") else "Resource Manager"


def _processor_seconds(do: Callable[[], object]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    do()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
