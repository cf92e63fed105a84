from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from difyaction.compose.staging import ask_compose
from difyaction.connections import Ran
from difyaction.secret import Secret
from tests.unit.compose.machines import FOLDER, machine

COMPOSE = """\
#!/bin/sh
{ basename "$PWD"; ls -ld . | cut -c 1-10; ls -A; } >"$HOME/seen"
echo "{services: {api: {image: 'a:1', volumes: ['$PWD/volumes:/y']}}}"
exit CODE
"""


class Here:
    """This machine, with another home."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def run(self, script: str, *, stdin: bytes = b"", timeout: float) -> Ran:
        environ = {**os.environ, "HOME": str(self._home)}
        command = ["sh", "-c", script]
        ran = subprocess.run(command, input=stdin, env=environ, capture_output=True, timeout=timeout, check=False)
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def put(self, folder: str, files: Mapping[str, bytes | Secret]) -> None:
        raise AssertionError(f"nothing is put into {folder}: {sorted(files)}")

    def close(self) -> None:
        raise AssertionError("whoever opened it closes it")


@pytest.mark.parametrize("code", [0, 1], ids=["well", "badly"])
def test_files_lie_aside_for_their_owner_alone_where_a_snap_can_read_them_and_are_gone_however_compose_ends(
    tmp_path: Path, code: int
) -> None:
    compose = tmp_path / "compose"
    compose.write_text(COMPOSE.replace("CODE", str(code)), "utf-8")
    compose.chmod(0o755)
    found = machine("1.13.3", {"engine": {"compose": (str(compose),)}})
    found = replace(found, host=replace(found.host, home=str(tmp_path)))
    assert found.install is not None
    made = ask_compose(Here(tmp_path), found, found.install, {"docker-compose.yaml": b"{}"}, timeout=60)
    name, mode, *files = (tmp_path / "seen").read_text("utf-8").split()
    assert not name.startswith(".")  # Docker from a snap may not read what is hidden in a home
    assert mode == "drwx------"
    assert files == ["docker-compose.yaml"]
    assert made.services["api"].mounts[0].source == f"{FOLDER}/volumes"
    assert {path.name for path in tmp_path.iterdir()} == {"compose", "seen"}
