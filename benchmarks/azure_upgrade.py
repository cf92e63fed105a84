"""The target `azure-vm` on the rig, behind an emulated Azure that answers at once, against `server` on the same rig.

So what is added is ours alone: real Azure takes up to a minute for a rule or a firewall to work, and some seconds for
snapshots. Calls do not depend on that, except for looks at what is not done yet.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from benchmarks.runs import ROOT, Measured, measure
from tests.rig.stack import Rig, lacking
from tests.stage.azure import AzureStage, azure_stage
from tests.stage.run import environment, parsed
from tests.stage.server import NEW, OLD, server_stage

# What the kernel says of a child's memory begins with its parent's: a process says its own peak, as it ends.
PEAK = """\
import atexit, pathlib, re, runpy, sys
def say():
    found = re.search(r"VmHWM:\\s+([0-9]+)", pathlib.Path("/proc/self/status").read_text())
    pathlib.Path(sys.argv[1]).write_text(found[1])
atexit.register(say)
runpy.run_path(sys.argv[2], run_name="__main__")
"""
BARE = "import ssl, http.client"
LIBRARIES = "import azure.identity, azure.mgmt.compute, azure.mgmt.network, azure.keyvault.secrets, paramiko; print()"


@dataclass(frozen=True)
class Upgrade:
    """A whole run: the main step, the post step (for Azure), what the run put out."""

    main: Measured
    post: Measured | None
    post_mebibytes: float
    outputs: Mapping[str, str]


def run(out: TextIO) -> None:
    """Measure, and print a table."""
    if reason := lacking(os.environ):
        out.write(f"\nAzure: not measured, for no rig can stand here: {reason}\n")
        return
    rig = Rig.up()
    try:
        with server_stage(rig, "mini") as server, azure_stage(rig, server) as stage:
            plain = _upgraded(rig, server.inputs(rig), {})
            ours = _upgraded(rig, stage.inputs(rig), stage.environ)
            _told(out, plain, ours, stage)
    finally:
        rig.down()


def _upgraded(rig: Rig, inputs: Mapping[str, str], environ: Mapping[str, str]) -> Upgrade:
    with rig.install(OLD, upstream="mini"), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        variables = environment(inputs, folder, RUNNER_TEMP=name, **environ)
        main = measure([sys.executable, str(ROOT / "entrypoint.py")], variables, folder)
        state = parsed((folder / "GITHUB_STATE").read_text(encoding="utf-8"))
        told = {f"STATE_{key}": value for key, value in state.items()}
        outputs = parsed((folder / "GITHUB_OUTPUT").read_text(encoding="utf-8"))
        if not environ:
            return Upgrade(main, None, 0.0, outputs)
        step = ROOT / "difyaction/post.py"
        post = measure([sys.executable, str(step)], variables | told, folder)
        return Upgrade(main, post, _peak(step, variables | told, folder), outputs)


def _peak(script: Path, variables: Mapping[str, str], folder: Path) -> float:
    """Return the most memory that a script took, in MiB."""
    said = folder / "peak"
    measure([sys.executable, "-c", PEAK, str(said), str(script)], variables, folder)
    return int(said.read_text(encoding="ascii")) / 1024


def _told(out: TextIO, plain: Upgrade, ours: Upgrade, stage: AzureStage) -> None:
    libraries = measure([sys.executable, "-c", LIBRARIES], dict(os.environ), ROOT)
    with tempfile.TemporaryDirectory() as name:
        script = Path(name) / "bare.py"
        script.write_text(f"{BARE}\nprint()\n", encoding="ascii")
        bare = measure([sys.executable, str(script)], dict(os.environ), ROOT)
        least = _peak(script, dict(os.environ), Path(name))
    main = ours.main
    out.write(f"\nAzure, {OLD} -> {NEW} on the rig, behind an emulated Azure without latency\n\n")
    out.write(
        f"server {plain.main.seconds:.1f} s, azure-vm {main.seconds:.1f} s ({main.seconds / plain.main.seconds:.2f}x)\n"
    )
    out.writelines(
        f"open for {each['seconds']:.1f} s: {each['door']}\n" for each in json.loads(ours.outputs["exposure"] or "[]")
    )
    out.write(f"left open: {stage.left()}\n")
    out.writelines(f"calls, {name}: {count}\n" for name, count in sorted(_calls(stage).items()))
    out.write(
        f"main step: first line after {main.first_line:.2f} s, {main.mebibytes:.0f} MiB at most, "
        f"{main.mebibytes / libraries.mebibytes:.1f}x the SDKs and SSH's library alone ({libraries.seconds:.1f} s)\n"
    )
    if ours.post:
        out.write(
            f"post step, looking once more at every door: {ours.post.seconds:.2f} s, "
            f"{ours.post.seconds / bare.seconds:.1f}x '{BARE}'; {ours.post_mebibytes:.0f} MiB at most, "
            f"{ours.post_mebibytes / least:.1f}x\n"
        )


def _calls(stage: AzureStage) -> Counter[str]:
    """Count requests by where they went, and whether they changed anything."""
    return Counter(_kind(request.method, request.path) for request in stage.place.azure.requests)


def _kind(method: str, path: str) -> str:
    if path.startswith("/secrets"):
        return "Key Vault's secrets"
    if not path.startswith("/subscriptions"):
        return "login"
    what = "Key Vault" if "/vaults/" in path else "Resource Manager"
    return f"{what}, {'looks' if method == 'GET' else 'changes'}"
