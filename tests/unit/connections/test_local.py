"""Scripts on this machine, and what importing costs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from difyaction.connections import Lost
from difyaction.connections.local import Local
from difyaction.connections.parcel import packed
from difyaction.secret import Secret


def test_a_script_runs_here() -> None:
    ran = Local(os.environ).run("cat; echo $0 >&2; exit 3", stdin=b"in", timeout=10)
    assert (ran.exit_code, ran.out, ran.err) == (3, b"in", b"/bin/sh\n")


def test_what_takes_too_long_is_ended_with_all_its_processes(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(Lost):
        Local(os.environ).run(f"(sleep 1; touch {tmp_path}/late) & sleep 30", timeout=0.3)
    assert time.monotonic() - began < 5
    time.sleep(1)
    assert not (tmp_path / "late").exists()


def test_files_are_put_here(tmp_path: Path) -> None:
    Local(os.environ).put(str(tmp_path / "run"), {"files/.env": Secret("A=1"), "x": b"y"})
    assert (tmp_path / "run" / "files" / ".env").read_text(encoding="utf-8") == "A=1"
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "run" / "x").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../../x", ".", ""])
def test_a_parcel_holds_nothing_outside_its_folder(name: str) -> None:
    with pytest.raises(ValueError, match="inside"):
        packed({name: b""})


def test_nothing_pays_for_ssh_but_ssh() -> None:
    program = "import sys, difyaction.connections.local, difyaction.compose.follow; print('paramiko' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
