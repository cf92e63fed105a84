"""Whole runs of the entry point on 1, 40 and 1,000 files: calls, seconds, memory, seconds to the first line.

Ratios to a bare interpreter that imports PyGithub, or to the smallest run, in the same process of measuring.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tests.stage import sample
from tests.stage.run import ROOT, environment
from tests.stage.world import World, world

COUNTS = (1, 40, 1000)


@dataclass(frozen=True)
class Measured:
    """One process: seconds to its first line and to its end, peak resident memory in MiB."""

    first_line: float
    seconds: float
    mebibytes: float
    exit_code: int


def run(out: TextIO) -> None:
    """Measure, and print tables."""
    library = measure([sys.executable, "-c", "import github; print()"], dict(os.environ), ROOT)
    out.write(f"\nRuns ('import github' alone: {library.seconds:.2f} s, {library.mebibytes:.0f} MiB)\n\n")
    out.write("files  delivery      seconds  x import  first line  MiB  x import  calls (own, upstream)\n")
    for count in COUNTS:
        with world(_files(count)) as stage:
            measured = _act(stage, {"files": "fleet/**/values.yaml"})
            calls = _calls(stage)
            _row(out, (count, "pull-request"), measured, library, calls)
        with world() as stage, tempfile.TemporaryDirectory() as folder:
            _write(Path(folder), _files(count))
            given = {"files": "fleet/**/values.yaml", "delivery": "files", "image-check": "off"}
            measured = _act(stage, given, workspace=Path(folder))
            _row(out, (count, "files"), measured, library, _calls(stage))
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), _files(1))
        started = _edit(Path(folder))
        out.write(
            f"\none `--set` edit of a checkout: {started.seconds:.2f} s, "
            f"{started.seconds / library.seconds:.2f}x 'import github' (goal: at most 0.75x)\n"
        )
    post = measure([sys.executable, str(ROOT / "difyaction/post.py")], {"PATH": os.environ["PATH"]}, ROOT)
    bare = measure([sys.executable, "-c", "import ssl, http.client; print()"], {"PATH": os.environ["PATH"]}, ROOT)
    out.write(f"post step: {post.seconds:.2f} s, {post.seconds / bare.seconds:.1f}x 'import ssl, http.client'\n")


def _files(count: int) -> dict[str, bytes]:
    text = sample.VALUES.format(name="fleet", registry="registry.example", version="1.13.3", replicas=1)
    return {f"fleet/{number:04}/values.yaml": text.encode() for number in range(count)}


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def _act(stage: World, more: Mapping[str, str], workspace: Path | None = None) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        given = stage.inputs() | {"image-check": "off"} | dict(more)
        variables = environment(given, Path(folder), GITHUB_WORKSPACE=str(workspace or folder))
        return measure([sys.executable, str(ROOT / "entrypoint.py")], variables, workspace or Path(folder))


def _edit(folder: Path) -> Measured:
    arguments = ["--target", "gitops", "--delivery", "files", "--image-check", "off"]
    arguments += ["--set", "fleet/0000/values.yaml#image.api.tag=1.14.1"]
    variables = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    return measure([sys.executable, "-m", "difyaction", *arguments], variables, folder)


def measure(command: list[str], variables: Mapping[str, str], folder: Path) -> Measured:
    """Run a command to its good end; one that fails ends the measuring."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as rest:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            command, env=dict(variables), cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=rest
        )
        output = process.stdout
        first = output.readline() if output else b""
        first_line = time.perf_counter() - began
        tail = output.read() if output else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            rest.seek(0)
            sys.stderr.write((first + tail + rest.read()).decode("utf-8", "replace"))
            raise SystemExit(f"{command[-1]} ended with {process.returncode}")
    return Measured(first_line, time.perf_counter() - began, usage.ru_maxrss / 1024, process.returncode)


def _calls(stage: World) -> tuple[int, int]:
    """Count requests to the repository itself, and to upstream."""
    paths = [request.path for request in stage.github.requests]
    upstream = sum("/langgenius/dify/" in path for path in paths)
    minting = sum("installation" in path for path in paths)
    return len(paths) - upstream - minting, upstream


def _row(out: TextIO, what: tuple[int, str], measured: Measured, library: Measured, calls: tuple[int, int]) -> None:
    out.write(
        f"{what[0]:5}  {what[1]:12}  {measured.seconds:7.2f}  {measured.seconds / library.seconds:7.1f}x  "
        f"{measured.first_line:8.2f} s  {measured.mebibytes:3.0f}  {measured.mebibytes / library.mebibytes:7.1f}x  "
        f"{calls[0]}, {calls[1]}\n"
    )
