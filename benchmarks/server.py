"""An upgrade of a Compose install on the rig, against upstream's recipe on the same machine in the same run.

The recipe is what release notes say: down, tar of the volumes, the new files, up. Both pull their images themselves.
The rig's images are small and start at once, and its volumes are almost empty: what the Action does in addition (dumps
that are read back, a second backup with nobody writing, checks before the proxy opens) weighs more here than in real
life, where images take minutes to start.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from benchmarks.runs import ROOT, Measured, measure
from tests.reliability.user import User
from tests.rig.install import Install
from tests.rig.stack import Rig, lacking
from tests.stage.run import environment
from tests.stage.server import NEW, OLD, ServerStage, server_stage

LOOK_EVERY = 0.1
SECONDS = 300
RECIPE = """\
cd "$0" && docker compose down && tar -cf ../volumes.tar volumes && cp -a ../new/. . && docker compose up -d
"""


@dataclass(frozen=True)
class Upgrade:
    """Seconds in which users had no answer, and in all."""

    away: float
    seconds: float


def run(out: TextIO) -> None:
    """Measure, and print a table."""
    if reason := lacking(os.environ):
        out.write(f"\nServer: not measured, for no rig can stand here: {reason}\n")
        return
    rig = Rig.up()
    try:
        with server_stage(rig, "mini") as stage:
            plain = _plain(rig)
            ours, controller, sessions, logins = _ours(rig, stage)
    finally:
        rig.down()
    library = measure([sys.executable, "-c", "import paramiko, requests; print()"], dict(os.environ), ROOT)
    out.write(f"\nServer, {OLD} -> {NEW} on the rig: small images, volumes almost empty\n\n")
    out.write("                 without service  x recipe   in all  x recipe\n")
    out.write(_row("upstream's recipe", plain, plain))
    out.write(_row("this Action", ours, plain))
    out.write(
        f"\nround trips: {sessions} over {logins} SSH connection{'s' if logins > 1 else ''}; controller: "
        f"{controller.mebibytes:.0f} MiB at most, {controller.mebibytes / library.mebibytes:.1f}x 'import paramiko, "
        f"requests'; first line after {controller.first_line:.2f} s\n"
    )


def _row(name: str, one: Upgrade, plain: Upgrade) -> str:
    away = f"{one.away:12.1f} s  {one.away / plain.away:7.1f}x"
    return f"{name:17} {away}  {one.seconds:6.1f} s  {one.seconds / plain.seconds:7.1f}x\n"


def _ours(rig: Rig, stage: ServerStage) -> tuple[Upgrade, Measured, int, int]:
    with rig.install(OLD, upstream="mini") as dify, tempfile.TemporaryDirectory() as folder:
        variables = environment(stage.inputs(rig), Path(folder))
        before = _said(rig)
        with User(dify, look_every=LOOK_EVERY, writes=False) as user:
            measured = measure([sys.executable, str(ROOT / "entrypoint.py")], variables, Path(folder))
        said = _said(rig)[len(before) :]
        return (
            Upgrade(user.outage, measured.seconds),
            measured,
            said.count("Starting session:"),
            said.count("Accepted publickey"),
        )


def _plain(rig: Rig) -> Upgrade:
    with rig.install(OLD, upstream="mini") as dify:
        _deliver(rig, dify)
        began = time.monotonic()
        with User(dify, look_every=LOOK_EVERY, writes=False) as user:
            dify.machine.run(["sh", "-c", RECIPE, dify.folder], timeout=SECONDS)
            _wait(dify)
            seconds = time.monotonic() - began
        return Upgrade(user.outage, seconds)


def _deliver(rig: Rig, dify: Install) -> None:
    """Put the new release's files beside the install, with the env file that its owner would have by then."""
    new = dify.path.parent / "new"
    for path, content in rig.upstream_files(NEW, "mini").items():
        if path.startswith("docker/"):
            place = new / path.removeprefix("docker/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
            place.chmod(0o755 if path.endswith(".sh") else 0o644)
    example = (new / ".env.example").read_text(encoding="utf-8")
    (new / ".env").write_text(example, encoding="utf-8")


def _wait(dify: Install) -> None:
    """Wait until users have the new release."""
    deadline = time.monotonic() + SECONDS
    while not (dify.serves() and dify.ask("/v1/")[1].get("server_version") == NEW):
        if time.monotonic() > deadline:
            raise SystemExit(f"upstream's recipe did not get anywhere: {dify.compose('ps', '-a', check=False)}")
        time.sleep(LOOK_EVERY)


def _said(rig: Rig) -> str:
    """Return what the rig's sshd wrote so far."""
    return rig.machine.path(str(rig.state / "disk" / "sshd.log")).read_text(encoding="utf-8", errors="replace")
