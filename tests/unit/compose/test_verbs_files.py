"""Files of the folder and of the backup, as the shells of a host handle them."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from tests.unit.compose.runbooks import SHELLS, verbs

ALL_SHELLS = pytest.mark.parametrize("shell", sorted(SHELLS))
SETTING = """
set -eu
umask 077
FOLDER=$PWD/docker BACKUP=$PWD/backup RUN=$PWD/run FILES=$PWD/files TOOLS=tools WHOLE=''
say() { echo "$*"; }
fail() { echo "failed: $*"; exit 70; }
last_line() { tail -n 1 "$1"; }
"""


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A folder of Dify, and a whole backup of it."""
    for name in ("docker/nginx", "backup", "run"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "docker" / "nginx").chmod(0o755)
    for path, text, mode in (("nginx/entrypoint.sh", "#!/bin/sh\n", 0o755), ("nginx/proxy.conf", "then\n", 0o644)):
        (tmp_path / "docker" / path).write_text(text)
        (tmp_path / "docker" / path).chmod(mode)
    subprocess.run(["tar", "-C", tmp_path / "docker", "-cf", tmp_path / "backup" / "config.tar", "."], check=True)
    (tmp_path / "backup" / "dify.final").write_text("rows")
    sums = (
        f"{hashlib.sha256((tmp_path / 'backup' / name).read_bytes()).hexdigest()}  ./{name}\n"
        for name in ("config.tar", "dify.final")
    )
    (tmp_path / "backup" / "SHA256SUMS").write_text("".join(sums))
    (tmp_path / "backup" / "complete").touch()
    return tmp_path


def ran(folder: Path, shell: str, *pieces: str) -> str:
    return verbs(folder, shell, ("files", "database", "change"), SETTING, *pieces).stdout


@ALL_SHELLS
def test_a_file_that_was_taken_away_comes_back_for_whoever_could_read_it(packed: Path, shell: str) -> None:
    script = packed / "docker" / "nginx" / "entrypoint.sh"
    ran(packed, shell, "take_away nginx/entrypoint.sh", "put_back nginx/entrypoint.sh")
    assert (script.read_text(), script.stat().st_mode & 0o777) == ("#!/bin/sh\n", 0o755)
    (packed / "docker" / "nginx" / "proxy.conf").unlink()
    (packed / "docker" / "nginx" / "entrypoint.sh").unlink()
    (packed / "docker" / "nginx").rmdir()
    ran(packed, shell, 'switch_file_back nginx/proxy.conf "$BACKUP"')
    assert (packed / "docker" / "nginx" / "proxy.conf").stat().st_mode & 0o777 == 0o644


@ALL_SHELLS
def test_what_a_backup_has_of_its_state_comes_back_and_what_it_has_not_goes(packed: Path, shell: str) -> None:
    folder = packed / "docker" / "nginx"
    (folder / "proxy.conf").write_text("now\n")
    (folder / "brought.conf").write_text("now\n")
    for name in ("proxy.conf", "brought.conf", "never.conf"):
        ran(packed, shell, f'switch_as_packed nginx/{name} "$BACKUP"')
    assert {path.name: path.read_text() for path in folder.glob("*.conf")} == {"proxy.conf": "then\n"}


@ALL_SHELLS
def test_of_a_backup_on_the_way_only_files_of_the_folder_are_proven(packed: Path, shell: str) -> None:
    proof = 'has_files_sealed "$BACKUP" && echo well'
    (packed / "backup" / "dify.final").write_text("torn")
    assert ran(packed, shell, proof) == "well\n"
    assert ran(packed, shell, 'is_sealed "$BACKUP"').startswith("failed: backup-damaged")
    (packed / "backup" / "config.tar").write_text("torn")
    assert ran(packed, shell, proof).startswith("failed: backup-damaged")


@ALL_SHELLS
@pytest.mark.parametrize(
    "what", ['pack /store "$BACKUP/weaviate-0.tar"', 'DB_KIND=mysql; dump dify "$BACKUP/dify.final"']
)
def test_a_copy_that_does_not_fit_on_the_disk_leaves_nothing_there(packed: Path, shell: str, what: str) -> None:
    full = """
dk() { echo half; echo 'tar: write error: No space left on device' >&2; return 2; }
dump_mysql() { echo half >"$2.part"; echo 'No space left on device' >"$2.said"; return 1; }
"""
    assert "No space left on device" in ran(packed, shell, full, what)
    assert not list((packed / "backup").glob("*.part"))


@ALL_SHELLS
def test_a_copy_of_the_folder_without_the_compose_file_is_none(packed: Path, shell: str) -> None:
    script = 'holds "$BACKUP/config.tar" {}; echo after'
    assert ran(packed, shell, script.format("nginx/entrypoint.sh")) == "after\n"
    told = ran(packed, shell, script.format("docker-compose.yaml"))
    assert told.startswith("failed: backup-failed docker-compose.yaml is not in ")


@ALL_SHELLS
def test_no_link_is_written_through_on_the_way_back(packed: Path, shell: str) -> None:
    (packed / "docker" / ".env").symlink_to("/etc/hostname")
    asks = "(is_no_link nginx/proxy.conf && echo well); (is_absent gone.yaml && echo well); is_no_link .env"
    told = ran(packed, shell, asks).splitlines()
    assert told[:2] == ["well", "well"]
    assert told[2].startswith("failed: files-changed .env is a link")
