"""The real Docker Compose, for `config`, which needs no engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest


def compose_or_skip() -> None:
    """Skip where there is no Compose v2, with a named reason; fail where CI promised one."""
    docker = shutil.which("docker")
    if docker and subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0:
        return
    if os.environ.get("CI") == "true":
        pytest.fail("Docker Compose v2 is not here; tests/rig/compose_plugin.sh puts it there")
    pytest.skip("Docker Compose v2 is not here; tests/rig/compose_plugin.sh puts it there")


def config(folder: Path, *arguments: str) -> str:
    """Run `docker compose config` in a folder, without our environment; return what it writes, or fail the test."""
    ran = subprocess.run(
        ["docker", "compose", "--project-name", "dify", "config", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def environment_of(service: str, folder: Path) -> dict[str, str]:
    """Return what a container would be given."""
    answer: dict[str, Any] = json.loads(config(folder, "--format", "json"))
    given = answer["services"][service]["environment"]
    # config writes a dollar sign as two, so that its output could be read again
    return {key: (value or "").replace("$$", "$") for key, value in given.items()}
