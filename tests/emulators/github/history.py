"""What git knows between commits: ancestry, logs, differences, merges."""

from __future__ import annotations

from dataclasses import dataclass

from tests.emulators.github.commits import Commit, Draft, Person, read_commit, write_commit
from tests.emulators.github.git import ZERO, Git


@dataclass(frozen=True)
class FileChange:
    """One path that differs between two trees. ``status`` is GitHub's word."""

    path: str
    status: str
    oid: str
    additions: int
    deletions: int


def is_ancestor(git: Git, old: str, new: str) -> bool:
    return old == new or git.run("merge-base", "--is-ancestor", old, new, accept=(0, 1))[0] == 0


def merge_base(git: Git, one: str, other: str) -> str | None:
    code, output = git.run("merge-base", one, other, accept=(0, 1))
    return output.decode().strip() if code == 0 else None


def counts(git: Git, base: str, head: str) -> tuple[int, int]:
    """Return how many commits ``head`` is behind and ahead of ``base``."""
    _, output = git.run("rev-list", "--left-right", "--count", f"{base}...{head}")
    behind, ahead = output.split()
    return int(behind), int(ahead)


def log(git: Git, revisions: str, path: str = "") -> list[str]:
    """Return commit oids, newest first; with ``path``, those that touched it."""
    _, output = git.run("rev-list", revisions, "--", *([path] if path else []))
    return output.decode().split()


def between(git: Git, base: str, head: str) -> list[Commit]:
    """Return the commits that ``head`` has and ``base`` has not, oldest first."""
    commits = (read_commit(git, oid) for oid in reversed(log(git, f"{base}..{head}")))
    return [commit for commit in commits if commit is not None]


def changes(git: Git, old: str | None, new: str) -> list[FileChange]:
    """Return what differs between two commits or trees; ``None`` is the empty tree."""
    base = old or git.write("tree", b"")
    _, output = git.run("diff-tree", "-r", "--no-renames", "--raw", "--numstat", "-z", "--no-abbrev", base, new)
    fields = output.decode().split("\0")
    raw: dict[str, tuple[str, str]] = {}
    lines: dict[str, tuple[int, int]] = {}
    while fields and fields[0]:
        field = fields.pop(0)
        if field.startswith(":"):
            _, _, before, after, letter = field.split(" ")
            word = {"A": "added", "D": "removed"}.get(letter, "modified")
            raw[fields.pop(0)] = (word, before if after == ZERO else after)
        else:
            added, deleted, path = field.split("\t", 2)
            lines[path] = (int(added) if added != "-" else 0, int(deleted) if deleted != "-" else 0)
    return [FileChange(path, word, oid, *lines.get(path, (0, 0))) for path, (word, oid) in raw.items()]


def merged_tree(git: Git, base: str, head: str) -> str | None:
    """Try the merge as git would do it; nothing when it conflicts."""
    code, output = git.run("merge-tree", "--write-tree", base, head, accept=(0, 1))
    return output.decode().split("\n", 1)[0].strip() if code == 0 else None


def rebased(git: Git, base: str, head: str, committer: Person) -> str | None:
    """Replay the commits of ``head`` on ``base``; return the new tip, or nothing when one conflicts."""
    tip = base
    for commit in between(git, base, head):
        here = read_commit(git, tip)
        if here is None or len(commit.parents) != 1:
            return None
        # A stand-in for the tip whose only parent is the commit's own parent makes that parent the merge base.
        stand_in = write_commit(git, Draft(here.tree, commit.parents, committer, committer, "stand-in"))
        tree = merged_tree(git, stand_in, commit.oid)
        if tree is None:
            return None
        tip = write_commit(git, Draft(tree, [tip], commit.author, committer, commit.message))
    return tip
