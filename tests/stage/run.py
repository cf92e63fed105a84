"""Start `entrypoint.py` as the runner does, and collect what it left."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_COMMAND_FILES = ("GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")


@dataclass(frozen=True)
class Run:
    """What a run of the Action left: its exit code, its log, and the runner's files, parsed."""

    exit_code: int
    log: str
    outputs: Mapping[str, str]
    state: Mapping[str, str]
    summary: str


def environment(inputs: Mapping[str, str], folder: Path, **more: str) -> dict[str, str]:
    """Return the environment that the runner would give: inputs, its own variables, its files in ``folder``."""
    for name in _COMMAND_FILES:
        (folder / name).touch()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "acme/gitops",
        "GITHUB_RUN_ID": "1",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_WORKSPACE": str(folder / "workspace"),
        **{name: str(folder / name) for name in _COMMAND_FILES},
        **{f"INPUT_{name.upper()}": value for name, value in inputs.items()},
        **more,
    }


def act(inputs: Mapping[str, str], *, workspace: Path | None = None, seconds: float = 120, **more: str) -> Run:
    """Run ``python entrypoint.py`` with these inputs to its end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if workspace is not None:
            more = {"GITHUB_WORKSPACE": str(workspace), **more}
        done = subprocess.run(
            [sys.executable, "-W", "error", str(ROOT / "entrypoint.py")],
            env=environment(inputs, folder, **more),
            cwd=workspace or folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        texts = {name: (folder / name).read_text("utf-8") for name in _COMMAND_FILES}
        return Run(
            done.returncode,
            done.stdout,
            parsed(texts["GITHUB_OUTPUT"]),
            parsed(texts["GITHUB_STATE"]),
            texts["GITHUB_STEP_SUMMARY"],
        )


def parsed(text: str) -> dict[str, str]:
    """Read a command file as the runner does: ``name<<delimiter`` blocks and ``name=value`` lines."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if heredoc := re.fullmatch(r"([^=<]+)<<(.+)", line):
            name, delimiter = heredoc.groups()
            value: list[str] = []
            for inner in lines:
                if inner == delimiter:
                    break
                value.append(inner)
            else:
                msg = f"the runner would say: matching delimiter not found {delimiter!r}"
                raise AssertionError(msg)
            found[name] = "\n".join(value)
        elif line:
            name, _, value_text = line.partition("=")
            found[name] = value_text
    return found
