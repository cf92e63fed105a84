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

WEB_FLOW = frozenset({"web-flow", "GitHub", "GitHub Enterprise"})  # GitHub itself, by its login or its name

Listing = Mapping[str, tuple[str, str]]
"""Mode and blob of each path of a commit."""


@dataclass(frozen=True)
class Us:
    """Who we are on GitHub: our login, and whether the server signs what it commits for us (github.com does)."""

    login: str
    signed: bool = True

    @property
    def is_bot(self) -> bool:
        """Whether we are an App or a workflow's own token."""
        return self.login.endswith("[bot]")


@dataclass(frozen=True)
class BranchCommit:
    """A commit that the branch has and the base has not.

    ``author`` and ``committer`` are logins, or the names in the commit where GitHub knows none. ``retouched``: it was
    committed at another time than it was written, as by ``git commit --amend`` and ``git rebase``.
    """

    message: str
    author: str
    committer: str
    verified: bool = False
    retouched: bool = False


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


def decide(standing: Standing | None, wanted: Mapping[str, str], *, strategy: Strategy, unit: str, us: Us) -> Move:
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
    return Move.REBUILD if all_ours(standing, us, units) else Move.FOREIGN


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


def all_ours(standing: Standing, us: Us, units: frozenset[str] | None) -> bool:
    """Whether we made every commit of the branch, each for one of ``units``, if given."""
    if len(standing.commits) != standing.ahead:
        return False  # more than the answer held: nobody knows what the rest is
    return all(is_ours(commit, us, units) for commit in standing.commits)


def is_ours(commit: BranchCommit, us: Us, units: frozenset[str] | None = None) -> bool:
    """Whether a commit is as we made it: our trailer, our login, and nobody's hand on it since."""
    named = set(units_of(commit.message))
    by_us = bool(us.login) and plain_login(commit.author) == plain_login(us.login)
    return by_us and bool(named if units is None else named & units) and _is_untouched(commit, us)


def _is_untouched(commit: BranchCommit, us: Us) -> bool:
    """Tell our commit from one that somebody amended: author and trailer stay, but not who committed, signed or when.

    Through the API GitHub commits and signs; without an App, and where a file has another mode, we do and nobody
    signs. Anybody can write any name into a commit, so a name that implies a signature does not count without one.
    """
    by_github = commit.committer in WEB_FLOW
    if not by_github and plain_login(commit.committer) != plain_login(us.login):
        return False
    if us.signed and (by_github or us.is_bot):
        return commit.verified
    return not commit.retouched or (by_github and commit.verified)
