"""A real bare git repository: one long-lived reader, loose objects, refs moved by git itself."""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ZERO = "0" * 40
REGULAR = "100644"


class Entry(NamedTuple):
    """A line of a recursive listing. ``size`` is 0 for whatever is no blob."""

    mode: str
    kind: str
    oid: str
    size: int


class Found(NamedTuple):
    """An object that a revision named."""

    oid: str
    kind: str
    content: bytes


class GitError(Exception):
    """Git said no; the text is its standard error."""


def clean_environment(home: Path) -> dict[str, str]:
    """Return an environment in which nothing of this machine's git settings counts."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LC_ALL": "C",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


class Git:
    """One bare repository. Objects never change, so what was read once is kept."""

    def __init__(self, directory: Path, default_branch: str) -> None:
        self.directory = directory
        directory.mkdir(parents=True)
        self._environment = clean_environment(directory)
        self._lock = threading.Lock()
        self._trees: dict[str, dict[str, Entry]] = {}
        self.run("init", "--quiet", "--bare", "--template=", f"--initial-branch={default_branch}")
        self._reader = subprocess.Popen(
            ["git", "cat-file", "--batch"],
            cwd=directory,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def close(self) -> None:
        for stream in (self._reader.stdin, self._reader.stdout):
            if stream is not None:
                stream.close()
        self._reader.wait(timeout=10)

    def run(self, *arguments: str, accept: tuple[int, ...] = (0,), stdin: bytes = b"") -> tuple[int, bytes]:
        """Run one git command; exit codes outside ``accept`` raise."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.directory,
            env=self._environment,
            input=stdin,
            capture_output=True,
            check=False,
        )
        if done.returncode not in accept:
            raise GitError(done.stderr.decode(errors="replace").strip())
        return done.returncode, done.stdout

    def find(self, revision: str) -> Found | None:
        """Return the object that ``revision`` names (``main:a/b``, an oid, ``HEAD^{tree}``), if there is one."""
        if not revision or "\n" in revision:
            return None
        with self._lock:
            writer, reader = self._reader.stdin, self._reader.stdout
            if writer is None or reader is None:
                return None
            writer.write(revision.encode() + b"\n")
            writer.flush()
            head = reader.readline().decode().rstrip("\n")
            if head.endswith((" missing", " ambiguous")):
                return None
            oid, kind, size = head.rsplit(" ", 2)
            content = reader.read(int(size))
            reader.read(1)
            return Found(oid, kind, content)

    def write(self, kind: str, content: bytes) -> str:
        """Store an object the way git does: header, SHA-1, zlib, one loose file."""
        whole = f"{kind} {len(content)}".encode() + b"\0" + content
        oid = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
        place = self.directory / "objects" / oid[:2] / oid[2:]
        if not place.exists():
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(zlib.compress(whole, 1))
        return oid

    def tree(self, oid: str) -> dict[str, Entry]:
        """Return the recursive listing of a tree or of a commit's tree, subtrees included."""
        if oid not in self._trees:
            _, listing = self.run("ls-tree", "-r", "-t", "-l", "-z", oid)
            self._trees[oid] = dict(_entry(line) for line in listing.decode().split("\0") if line)
        return self._trees[oid]

    def leaves(self, oid: str) -> dict[str, tuple[str, str]]:
        """Return mode and oid of every leaf under a tree: what ``write_tree`` takes."""
        return {path: (entry.mode, entry.oid) for path, entry in self.tree(oid).items() if entry.kind != "tree"}

    def write_tree(self, leaves: Mapping[str, tuple[str, str]]) -> str:
        """Store the trees that hold these leaves; return the root's oid."""
        here: dict[str, tuple[str, str]] = {}
        below: dict[str, dict[str, tuple[str, str]]] = {}
        for path, leaf in leaves.items():
            name, slash, rest = path.partition("/")
            if slash:
                below.setdefault(name, {})[rest] = leaf
            else:
                here[name] = leaf
        here.update({name: ("40000", self.write_tree(inner)) for name, inner in below.items()})
        lines = sorted(
            (name.encode() + b"/" * (mode == "40000"), mode, name, oid) for name, (mode, oid) in here.items()
        )
        return self.write(
            "tree", b"".join(f"{mode} {name}".encode() + b"\0" + bytes.fromhex(oid) for _, mode, name, oid in lines)
        )

    def changed_leaves(
        self, oid: str | None, changes: Mapping[str, tuple[str, str] | None]
    ) -> dict[str, tuple[str, str]]:
        """Return the leaves of ``oid`` with ``changes`` made; a file may take a directory's place and the reverse."""
        leaves = self.leaves(oid) if oid else {}
        for path, leaf in changes.items():
            if leaf is None:
                leaves.pop(path, None)
                continue
            if path not in leaves:
                for parent in _parents(path):
                    leaves.pop(parent, None)
                for inner in [known for known in leaves if known.startswith(f"{path}/")]:
                    del leaves[inner]
            leaves[path] = leaf
        return leaves

    def refs(self, prefix: str) -> dict[str, str]:
        """Return oids by full name of the refs under ``prefix`` (whole path components)."""
        _, listing = self.run("for-each-ref", "--format=%(refname) %(objectname)", prefix)
        return dict(line.split(" ", 1) for line in listing.decode().splitlines())

    def move_ref(self, name: str, new: str, old: str | None = None) -> None:
        """Point a ref at ``new`` (ZERO deletes it), if it still points at ``old``."""
        if new == ZERO:
            self.run("update-ref", "-d", name, *([old] if old else []))
        else:
            self.run("update-ref", name, new, *([old] if old else []))


def _entry(line: str) -> tuple[str, Entry]:
    facts, _, path = line.partition("\t")
    mode, kind, oid, size = facts.split()
    return path, Entry(mode, kind, oid, 0 if size == "-" else int(size))


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]
