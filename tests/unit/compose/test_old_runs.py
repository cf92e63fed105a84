"""What is left of earlier runs on a host, and what goes."""

from __future__ import annotations

import subprocess
from importlib import resources
from pathlib import Path

import pytest

from difyaction.compose.server_plan import make_plan
from tests.unit.compose.machines import facts
from tests.unit.compose.runbooks import SHELLS, shell_words

VERBS = resources.files("difyaction.compose").joinpath("verbs_files.sh").read_text("utf-8")


def left_of(runs: Path, name: str, state: str, *, read: bool) -> None:
    folder = runs / name
    folder.mkdir(parents=True)
    (folder / "runbook.sh").touch()
    if state:
        (folder / "state").write_text(f"{state}\n")
    if read:
        (folder / "read").touch()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_oldest_folders_of_runs_go_but_none_that_goes_on_or_that_nobody_has_read(
    tmp_path: Path, shell: str
) -> None:
    runs = tmp_path / "runs"
    left_of(runs, "20260101T000000-a", "done", read=True)
    left_of(runs, "20260102T000000-b", "done", read=False)
    left_of(runs, "20260103T000000-c", "going", read=True)
    left_of(runs, "20260104T000000-d", "", read=True)
    left_of(runs, "20260105T000000-e", "rolled-back", read=True)
    left_of(runs, "20260106T000000-f", "failed", read=True)
    left_of(runs, "20260107T000000-g", "going", read=False)
    left_of(runs, "notes", "", read=False)

    script = f'RUN={runs}/20260107T000000-g\nsay() {{ echo "$*"; }}\n{VERBS}\nprune_runs 2\n'
    ran = subprocess.run([*shell_words(shell), "-euc", script], capture_output=True, check=True, text=True)

    assert ran.stderr == ""
    assert ran.stdout == "removed the folder of the run 20260101T000000-a\n"
    left = {path.name.partition("-")[2] for path in runs.iterdir() if path.name != "notes"}
    assert left == {"b", "c", "d", "e", "f", "g"}


def test_two_runs_of_one_second_have_folders_of_their_own() -> None:
    one, other = (make_plan(facts({"nonce": nonce})) for nonce in ("0a1b2c3d", "4e5f6071"))
    assert one.settings.folder != other.settings.folder
    assert one.settings.backup != other.settings.backup
    assert one.settings.run_id.startswith("20270115T080000-1-13-3-to-1-14-1-")
    assert one.plan_id == other.plan_id
