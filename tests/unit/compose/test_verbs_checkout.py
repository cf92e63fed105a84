"""What a switch does to the files of a checkout, with the real git: whatever people changed stays, committed or not."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from tests.unit.compose.runbooks import SHELLS, shell_words, verbs

ALL_SHELLS = pytest.mark.parametrize("shell", sorted(SHELLS))
UPSTREAM = {
    "1.13.3": {"docker-compose.yaml": "old", "nginx/proxy.conf": "same", "volumes/sandbox/conf/config.yaml": "old"},
    "1.14.0": {"docker-compose.yaml": "new", "nginx/proxy.conf": "same", "volumes/sandbox/conf/config.yaml": "new"},
}
SETTING = """
umask 077
TOOLS=tools FOLDER=$PWD/dify/docker TOP=$PWD/dify RUN=$PWD/run BACKUP=$PWD/backup FILES=$PWD/files
mkdir -p "$RUN" "$BACKUP" "$FILES"
say() { echo "$*"; }
until_deadline() { shift 2; "$@"; }
fail() { echo "failed: $*"; exit 70; }
dk() { # the container in which tar runs
  while [ "$1" != -C ]; do shift; done
  shift 2
  tar -C "$FOLDER" "$@"
}
"""
SAVE = """
set -eu
cd dify
: >"$BACKUP/manifest.json"
pack "$FOLDER" "$BACKUP/config.tar" --exclude=./volumes
pack_named "$BACKUP/named.tar" ./volumes/sandbox/conf/config.yaml
save_checkout
fetch_tag 1.14.0
"""


def git(folder: Path, *words: str) -> str:
    named = ("-c", "user.name=A", "-c", "user.email=a@b.test", "-c", "init.defaultBranch=main")
    return subprocess.run(["git", "-C", str(folder), *named, *words], check=True, capture_output=True, text=True).stdout


def written(top: Path, files: dict[str, str]) -> None:
    for path, content in files.items():
        (top / "docker" / path).parent.mkdir(parents=True, exist_ok=True)
        (top / "docker" / path).write_text(f"{content}\n")


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A checkout of 1.13.3, in which the tag 1.14.0 is known."""
    made = tmp_path / "dify"
    made.mkdir()
    git(made, "init", "-q")
    for tag, files in UPSTREAM.items():
        written(made, files)
        git(made, "add", "-A", "-f")
        git(made, "commit", "-qm", tag)
        git(made, "tag", tag)
    git(made, "checkout", "-q", "1.13.3")
    return made


def ran(top: Path, shell: str, *pieces: str) -> str:
    done = verbs(
        top.parent, shell, ("files", "steps", "stop", "change"), 'last_line() { tail -n 1 "$1"; }', SETTING, *pieces
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def contents(top: Path) -> dict[str, str]:
    files = sorted(path for path in (top / "docker").rglob("*") if path.is_file())
    return {str(path.relative_to(top / "docker")): path.read_text().strip() for path in files}


@ALL_SHELLS
def test_going_back_brings_files_below_volumes_back_that_upstream_changed(top: Path, shell: str) -> None:
    back = 'checkout_of_backup "$BACKUP"; put_back docker-compose.yaml; put_back volumes/sandbox/conf/config.yaml'
    (top / "docker" / "volumes" / "sandbox" / "conf" / "config.yaml").write_text("mine\n")
    ran(top, shell, SAVE, "checkout_commit")
    assert contents(top) == UPSTREAM["1.14.0"]
    ran(top, shell, "cd dify", back)
    assert contents(top) == UPSTREAM["1.13.3"] | {"volumes/sandbox/conf/config.yaml": "mine"}
    assert git(top, "status", "--porcelain") == " M docker/volumes/sandbox/conf/config.yaml\n"


@ALL_SHELLS
def test_everybody_may_read_what_a_checkout_writes_as_before(top: Path, shell: str) -> None:
    ran(top, shell, SAVE, "checkout_commit")
    assert (top / "docker" / "docker-compose.yaml").stat().st_mode & 0o777 == 0o644


@ALL_SHELLS
def test_a_lock_that_git_left_is_found_before_anything_stops_and_one_of_a_killed_run_is_taken_away(
    top: Path, shell: str
) -> None:
    lock = top / ".git" / "index.lock"
    lock.touch()
    told = ran(top, shell, "cd dify; (may_check_out) || :")
    assert told.startswith(f"failed: files-unwritable {lock} is there: git is at work in the checkout")
    lock.unlink()
    back = ': >"$RUN/runbook.sh"; sleep 1.1; may_check_out; : >.git/index.lock; checkout_of_backup "$BACKUP"'
    ran(top, shell, SAVE, back)
    assert not lock.exists()
    assert git(top, "describe", "--tags").strip() == "1.13.3"


@ALL_SHELLS
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_checkout_stays_its_owners_although_root_changed_it(top: Path, shell: str) -> None:
    for path in [top, *top.rglob("*")]:
        os.chown(path, 4321, 4322)
    (top / "docker" / "volumes" / "db").mkdir()
    ran(top, shell, SAVE, 'sleep 0.1; checkout_commit; echo data >"$FOLDER/volumes/db/wal"; hand_over "$TOP"')
    foreign = {path.relative_to(top) for path in top.rglob("*") if path.stat().st_uid != 4321}
    assert {path for path in foreign if path.parts[:2] != ("docker", "volumes")} == set()
    assert Path("docker/volumes/db/wal") in foreign


@ALL_SHELLS
def test_a_file_that_is_what_it_should_be_need_not_be_writable(top: Path, shell: str) -> None:
    told = ran(top, shell, SAVE, "cat() { echo written; }; put_back docker-compose.yaml && echo well")
    assert told.splitlines()[-1] == "well"
    assert "written" not in told


@ALL_SHELLS
def test_a_file_that_the_backup_does_not_have_is_not_taken_away(top: Path, shell: str) -> None:
    (top / "docker" / "volumes" / "own").write_text("mine\n")
    told = ran(top, shell, SAVE, "put_back volumes/own || echo stuck")
    assert told.splitlines()[-2:] == ["volumes/own is not in the backup", "stuck"]
    assert contents(top)["volumes/own"] == "mine"


def cloned(top: Path, *how: str) -> Path:
    """Return a checkout of 1.13.3 that knows nothing of what came after it."""
    own = top.parent / "own" / "dify"
    own.mkdir(parents=True)
    git(top, "branch", "-q", "release", "1.13.3")
    git(own, "clone", "-q", "--no-tags", "--single-branch", *how, "--branch", "release", f"file://{top}", ".")
    return own


@ALL_SHELLS
@pytest.mark.parametrize(("how", "shallow", "commits"), [((), "false", "2"), (("--depth=1",), "true", "1")])
def test_a_tag_is_fetched_as_deep_as_the_checkout_is(
    top: Path, shell: str, how: tuple[str, ...], shallow: str, commits: str
) -> None:
    own = cloned(top, *how)
    assert "the tag 1.14.0 was fetched" in ran(own, shell, SAVE)
    assert git(own, "rev-parse", "--is-shallow-repository").strip() == shallow
    assert git(own, "rev-list", "--count", "1.14.0").strip() == commits


@ALL_SHELLS
def test_upstreams_own_recipe_goes_on_working_after_a_tag_was_fetched(top: Path, shell: str) -> None:
    own = cloned(top)
    ran(own, shell, SAVE)
    git(own, "pull", "-q", "origin", "main")
    assert contents(own) == UPSTREAM["1.14.0"]


def asked_as_nobody(folder: Path, shell: str, what: str) -> str:
    pieces = resources.files("difyaction.compose").joinpath("verbs_files.sh").read_text("utf-8")
    setting = f"FOLDER={folder}/docker TOP={folder} RUN={folder}/run"
    fail = 'fail() { said="$1 $2"; echo "${said##*/}"; exit; }'
    script = f"{pieces}\n{setting}\n{fail}\n{what}; echo well"
    nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    return subprocess.run(
        [*nobody, *shell_words(shell), "-c", script], capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture
def for_all() -> Iterator[Path]:
    """A checkout that other users can enter; `nobody` has it, but for what root pulled, and what is a container's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        written(folder, {"docker-compose.yaml": "services:", "nginx/nginx.conf": "events {}"})
        for words in (["init", "-q"], ["add", "docker"], ["commit", "-qm", "one"]):
            git(folder, *words)
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, 65534, 65534)
        for path in ("docker/volumes/db", "docker/data/minio", "run"):
            (folder / path).mkdir(parents=True)
        (folder / "run").chmod(0o777)
        yield folder


@ALL_SHELLS
@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_what_may_not_be_written_is_found_before_anything_stops(for_all: Path, shell: str) -> None:
    # what containers have there is no reason to stop
    writes = "may_write docker-compose.yaml nginx/new.conf envs/new.env; may_check_out"
    assert asked_as_nobody(for_all, shell, writes) == "well\n"

    # once `sudo git pull` has been said
    for path in (for_all / "docker" / "docker-compose.yaml", for_all / "docker" / "nginx"):
        os.chown(path, 0, 0)
    told = asked_as_nobody(for_all, shell, "may_write .env docker-compose.yaml")
    assert told == "docker-compose.yaml cannot be written by nobody.\n"
    assert asked_as_nobody(for_all, shell, "may_write nginx/new.conf") == "nginx cannot be written by nobody.\n"
    assert asked_as_nobody(for_all, shell, "may_check_out") == "nginx cannot be written by nobody.\n"
