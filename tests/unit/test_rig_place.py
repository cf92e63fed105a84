"""What rigs leave on the disk can be removed, but not from under a rig that stands."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.rig.place import folders, main, state_folder
from tests.stage.run import ROOT


@pytest.fixture
def environ(tmp_path: Path) -> Mapping[str, str]:
    return {"DIFY_ACTION_RIG": str(tmp_path / "rig")}


def rig(path: Path) -> Path:
    path.mkdir()
    (path / "turn").write_text("4711\n", "utf-8")
    (path / "disk.img").write_bytes(b"x")
    return path


def test_the_folder_is_that_of_the_variable_or_below_the_cache(environ: Mapping[str, str]) -> None:
    assert state_folder(environ, 2) == Path(f"{environ['DIFY_ACTION_RIG']}-2")
    assert state_folder({"XDG_CACHE_HOME": "/cache"}) == Path("/cache/dify-upgrade-action-rig")
    assert state_folder({}) == Path("/var/tmp/dify-upgrade-action-rig")  # noqa: S108 - only named here


def test_rigs_side_by_side_go_and_nothing_else_does(environ: Mapping[str, str], tmp_path: Path) -> None:
    gone = [rig(tmp_path / "rig"), rig(tmp_path / "rig-1")]
    stay = [rig(tmp_path / "rig-of-others"), rig(tmp_path / "rigs")]
    (tmp_path / "rig-2").mkdir()  # no rig has been here

    assert list(folders(environ)) == gone
    assert main(environ) == 0
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in (*stay, tmp_path / "rig-2"))


@pytest.mark.parametrize("lock", ["turn", "runner/turn"])
def test_a_rig_that_stands_is_left(
    environ: Mapping[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], lock: str
) -> None:
    busy = rig(tmp_path / "rig")
    (busy / "runner").mkdir()
    with (busy / lock).open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert main(environ) == 1
    assert (busy / "disk.img").exists()
    assert "rig is in use, and was left" in capsys.readouterr().out


def test_removing_them_needs_no_package(environ: Mapping[str, str], tmp_path: Path) -> None:
    rig(tmp_path / "rig")
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        "import runpy, sys; sys.path.insert(0, '.'); runpy.run_module('tests.rig.place', run_name='__main__')",
    ]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"removed {tmp_path / 'rig'}\n"), done.stderr
