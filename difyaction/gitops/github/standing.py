"""What stands on an existing branch, and what to do about it. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from difyaction.gitops.files import ChangedFile, Entry
from difyaction.gitops.github.blobs import blob_oid
from difyaction.gitops.github.look import plain_login
from difyaction.gitops.github.proposal import Strategy
from difyaction.gitops.wording.marks import units_of

Listing = Mapping[str, tuple[str, str]]
"""Mode and blob of each path of a commit."""


@dataclass(frozen=True)
class BranchCommit:
    """A commit that the branch has and the base has not. ``author`` is a login, empty when GitHub knows none."""

    message: str
    author: str
    author_name: str = ""
    verified: bool = False


@dataclass(frozen=True)
class Standing:
    """A branch beside its base. ``files`` are those of the branch, ``base_files`` those of the base."""

    head_oid: str
    head_tree: str
    merge_base: str
    ahead: int
    behind: int
    commits: tuple[BranchCommit, ...]
    files: Listing
    base_files: Listing
    queued: bool = False

    @property
    def verified(self) -> bool:
        """Whether GitHub vouches for every commit of the branch."""
        return all(commit.verified for commit in self.commits)


class Move(enum.StrEnum):
    """What happens to the branch."""

    LEAVE = "leave"  # it already holds what it shall hold
    CREATE = "create"
    ADD = "add"  # a commit on top
    REBUILD = "rebuild"  # a new commit on the base takes the branch's place
    FOREIGN = "foreign-commits"  # refused: somebody else's work would be lost
    NOTHING = "nothing"  # the base holds it all by now
    QUEUED = "queued"  # refused: a push would throw it out of the merge queue


def listing(entries: Iterable[Entry]) -> Listing:
    """Return mode and blob of each path."""
    return {entry.path: (entry.mode, entry.oid) for entry in entries}


def decide(standing: Standing | None, wanted: Mapping[str, str], *, strategy: Strategy, unit: str, login: str) -> Move:
    """Return the move that makes the branch hold ``wanted`` (path -> blob) without losing anybody's work."""
    if standing is None:
        return Move.CREATE
    if standing.behind == 0 and _holds(standing, wanted, strategy):
        return Move.LEAVE
    if standing.queued:
        return Move.QUEUED
    if standing.behind == 0 and (strategy is Strategy.SHARED or standing.ahead == 0):
        return Move.ADD
    units = None if strategy is Strategy.SHARED else frozenset({unit})
    return Move.REBUILD if all_ours(standing, login, units) else Move.FOREIGN


def _holds(standing: Standing, wanted: Mapping[str, str], strategy: Strategy) -> bool:
    here = {path: oid for path, (_, oid) in standing.files.items()}
    if any(here.get(path) != oid for path, oid in wanted.items()):
        return False
    if strategy is Strategy.SHARED:
        return True
    return changed_paths(standing.base_files, standing.files) == set(wanted)


def blobs_after(files: Iterable[ChangedFile]) -> dict[str, str]:
    """Return the blob that each of these files becomes."""
    return {file.path: blob_oid(file.after) for file in files}


def carry(origin: Listing, base: Listing, branch: Listing) -> Listing:
    """Return the base with a branch's files over it, where the base has not changed them since their ``origin``."""
    moved = changed_paths(origin, branch)
    kept = {path: branch[path] for path in moved if path in branch and base.get(path) == origin.get(path)}
    return {**base, **kept}


def changed_paths(old: Listing, new: Listing) -> set[str]:
    """Return the paths that differ between two listings."""
    return {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}


def all_ours(standing: Standing, login: str, units: frozenset[str] | None) -> bool:
    """Whether we made every commit of the branch: our login, our trailer (of one of ``units``, if given)."""
    if len(standing.commits) != standing.ahead:
        return False  # more than the answer held: nobody knows what the rest is
    return all(_is_ours(commit, login, units) for commit in standing.commits)


def _is_ours(commit: BranchCommit, login: str, units: frozenset[str] | None) -> bool:
    named = set(units_of(commit.message))
    author = commit.author or commit.author_name
    by_us = bool(login) and plain_login(author) == plain_login(login)
    return by_us and bool(named if units is None else named & units)
