"""Puts an install on the machine's disk as its owner has it: a ZIP unpacked, or a git checkout with tags."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.rig import upstream
from tests.rig.catalogue import APP, PARTS, line_of
from tests.rig.machine import Machine

# how Dify asks for a server that is not its own: by the address that the machine has for every container
OUTSIDE = {
    "DB_HOST": "172.17.0.1",
    "DB_USERNAME": "dify_user",
    "DB_PASSWORD": "outside=$ecret #1",
    "COMPOSE_PROFILES": "${VECTOR_STORE:-weaviate}",
}
MYSQL = {
    "DB_TYPE": "mysql",
    "DB_USERNAME": "root",
    "DB_HOST": "db_mysql",
    "DB_PORT": "3306",
    "MYSQL_INNODB_BUFFER_POOL_SIZE": "64M",
    "MYSQL_INNODB_LOG_FILE_SIZE": "8M",
}


@dataclass(frozen=True)
class Wanted:
    """What an install is to be like. ``edits`` are files under docker/ that the owner wrote or changed."""

    version: str
    layout: str = "zip"
    source: str = "shared"
    env: Mapping[str, str] = field(default_factory=dict)
    override: str = ""
    edits: Mapping[str, str] = field(default_factory=dict)
    folder: str = "/opt/dify/docker"
    project: str = ""
    documents: int = 200
    outside: str = ""  # the database is no container of the project: rights of its user there, CREATEDB or NOCREATEDB
    rootless: bool = False  # it runs on the engine of the user `rootless`, who owns the folder
    mysql: bool = False  # Dify keeps its rows in MySQL: in db_mysql, or in a server outside

    @property
    def project_name(self) -> str:
        return self.project or self.folder.rpartition("/")[2]

    @property
    def _database(self) -> dict[str, str]:
        if self.outside:
            return OUTSIDE | ({"DB_TYPE": "mysql", "DB_PORT": "3306"} if self.mysql else {})
        return MYSQL if self.mysql else {}

    @property
    def owned(self) -> dict[str, bytes]:
        """Return the files that are the owner's, by path under docker/."""
        example = upstream.files(self.version, self.source)["docker/.env.example"].decode()
        mine = {name: text.encode() for name, text in self.edits.items()}
        if self.override:
            mine["docker-compose.override.yaml"] = self.override.encode()
        return {".env": with_values(example, self._database | dict(self.env)).encode(), **mine}


def with_values(example: str, values: Mapping[str, str]) -> str:
    """Return an env file with some values set where they stand, or at the end."""
    for key, value in values.items():
        line = f"{key}='{value}'" if " " in value else f"{key}={value}"
        example, changed = re.subn(rf"^{re.escape(key)}=.*$", lambda _, line=line: line, example, flags=re.MULTILINE)
        if not changed:
            example = f"{example.rstrip()}\n{line}\n"
    return example


def write(wanted: Wanted, machine: Machine) -> None:
    """Write the install on the machine's disk."""
    folder = machine.path(wanted.folder)
    root = folder.parent
    root.mkdir(parents=True, exist_ok=True)
    if wanted.layout == "git":
        _clone(wanted, machine)
    else:
        _write_all(upstream.files(wanted.version, wanted.source), root)
        if folder.name != "docker":
            (root / "docker").rename(folder)
    _write_all(wanted.owned, folder)
    if wanted.rootless:
        machine.run(["chown", "-R", "rootless:rootless", str(Path(wanted.folder).parent)])
    if (1, 10, 1) <= line_of(wanted.version) < (1, 11, 0):
        # what these releases ask the owner to do by hand
        storage = folder / "volumes" / "app" / "storage"
        storage.mkdir(parents=True)
        os.chown(storage, APP, APP)


def _write_all(files: Mapping[str, bytes], root: Path) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if name.endswith(".sh"):
            path.chmod(0o755)


def _clone(wanted: Wanted, machine: Machine) -> None:
    """Make upstream's repository as a bare one beside the install, with a tag for every release, and check one out."""
    root = Path(wanted.folder).parent
    reached, origin = machine.path(str(root)), f"{root}.upstream.git"

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=Upstream", "-c", "user.email=upstream@example.com", "-c", "gc.auto=0"]
        machine.run(["git", "-C", str(root), *who, *arguments])

    git("init", "-q", "-b", "main")
    for version in sorted(_with_files(wanted.source), key=line_of):
        git("rm", "-rq", "--ignore-unmatch", ".")
        _write_all({"README.md": b"# Dify\n"} | upstream.files(version, wanted.source), reached)
        git("add", "-Af", ".")
        git("commit", "-qm", f"chore: bump version to {version}")
        git("tag", version)
    git("clone", "-q", "--bare", ".", origin)
    git("remote", "add", "origin", origin)
    git("checkout", "-q", wanted.version)


def _with_files(source: str) -> list[str]:
    if source == "mini":
        return [version for version in PARTS if line_of(version) >= (1, 9, 2)]
    return list(PARTS)
