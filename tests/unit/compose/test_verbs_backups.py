"""Backups on the host: those of another Dify there are not ours to count, nor to remove; and what keys were found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.compose.runbooks import SHELLS, verbs

ALL_SHELLS = pytest.mark.parametrize("shell", sorted(SHELLS))
OURS, THEIRS = "/srv/own dify/docker", "/srv/prod/docker"
SETTING = """
RUN=$PWD FILES=$PWD/files BACKUP=$PWD/backups/20261122-own
say() { echo "$*"; }
fail() { echo "failed: $*"; exit 70; }
set -eu
"""


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    """What lies in a folder that two share. Left half are two, and one that is no backup at all."""
    made = tmp_path / "backups"
    for name, folder, complete in (
        ("20261001-prod", THEIRS, True),
        ("20261101-own", OURS, True),
        ("20261102-prod-half", THEIRS, False),
        ("20261103-own-half", OURS, False),
        ("20261115-own", OURS, True),
        ("20261122-own", OURS, True),
    ):
        (made / name).mkdir(parents=True)
        (made / name / "manifest.json").write_text(json.dumps({"folder": folder, "id": name}, indent=1, sort_keys=True))
        if complete:
            (made / name / "complete").touch()
    (made / "by-hand").mkdir()
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / ".manifest.json").write_bytes((made / "20261122-own" / "manifest.json").read_bytes())
    return made


def left(backups: Path, shell: str, what: str) -> set[str]:
    """Return what is there afterwards."""
    done = verbs(backups.parent, shell, ("files", "steps", "stop", "change"), SETTING, what)
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.name for path in backups.iterdir()}


@ALL_SHELLS
def test_the_oldest_of_this_dify_go_and_none_of_another(backups: Path, shell: str) -> None:
    there = {path.name for path in backups.iterdir()}
    assert left(backups, shell, "prune_backups 3") == there
    assert left(backups, shell, "prune_backups 1") == there - {"20261101-own", "20261115-own"}


@ALL_SHELLS
def test_what_this_dify_left_half_goes_and_nothing_of_another(backups: Path, shell: str) -> None:
    there = {path.name for path in backups.iterdir()}
    assert left(backups, shell, "begin_backup") == there - {"20261103-own-half"}


KEYS = """
BACKUP=$PWD TOOLS=tools
dk() { for command; do :; done; sh -c "$(printf %s "$command" | sed "s|/from|$PWD/storage|")"; }
save_keys dify_data
"""


@ALL_SHELLS
@pytest.mark.parametrize("key", ["privkeys", ".dify_secret_key", ""])
def test_a_backup_without_keys_is_told_as_that(tmp_path: Path, shell: str, key: str) -> None:
    (tmp_path / "storage" / "upload_files").mkdir(parents=True)
    if key:
        (tmp_path / "storage" / key).touch()
    done = verbs(tmp_path, shell, ("steps", "stop", "change"), SETTING, KEYS)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ("" if key else "no keys are in dify_data: Dify keeps them elsewhere, or has none yet\n")


ENGINE_THAT_COMES_BACK = """
until_deadline() {
  shift 2
  for _ in 1 2 3 4 5; do
    if "$@"; then return 0; fi
  done
  return 1
}
look_around() { :; }
dk() {
  echo "$1" >>asked
  asked=$(grep -c "^$1\\$" asked)
  case "$1" in
    version) [ "$asked" -gt "$ANSWERS_AFTER" ] ;;
    rm) [ "$asked" -gt "$REMOVES_AFTER" ] || return 1; rm -f container ;;
    ps) [ ! -e container ] || echo 0123 ;;
  esac
}
: >container
"""


@ALL_SHELLS
@pytest.mark.parametrize(
    ("patience", "said", "status"),
    [
        ("ANSWERS_AFTER=2 REMOVES_AFTER=2", "", 0),
        ("ANSWERS_AFTER=0 REMOVES_AFTER=9", "the container dify-upgrade-scratch- is still there\n", 0),
        ("ANSWERS_AFTER=9 REMOVES_AFTER=0", "the engine does not answer\n", 1),
    ],
    ids=["after a while", "never", "no engine"],
)
def test_a_scratch_server_is_removed_also_by_an_engine_that_needs_a_while(
    tmp_path: Path, shell: str, patience: str, said: str, status: int
) -> None:
    done = verbs(tmp_path, shell, ("service", "database"), SETTING, patience, ENGINE_THAT_COMES_BACK, "undo_scratch")
    assert (done.returncode, done.stdout) == (status, said), done.stderr
    assert (tmp_path / "container").exists() == (said != "")
