"""The record of a pull request, and of what stands around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.emulators.github.credentials import Actor


@dataclass
class AutoMerge:
    """An armed pull request: how it will be merged once nothing stands in the way, and on whose behalf."""

    method: str
    by: Actor
    when: str
    headline: str = ""
    body: str = ""
    email: str = ""


@dataclass
class Comment:
    author: Actor
    body: str


@dataclass
class Pull:
    """A pull request. ``head_owner`` differs from the repository's owner when it comes from a fork."""

    number: int
    repository: str
    title: str
    body: str
    head: str
    base: str
    head_oid: str
    author: Actor
    created: str
    head_owner: str
    draft: bool = False
    state: str = "open"
    merged: bool = False
    merge_commit: str | None = None
    merged_by: Actor | None = None
    closed: str | None = None
    auto_merge: AutoMerge | None = None
    queued: bool = False
    labels: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    team_reviewers: list[str] = field(default_factory=list)
    approvals: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    seen: tuple[str, str] = ("", "")  # head and base when somebody last asked for the merge state
    looks: int = 0  # how often somebody has asked since these changed

    @property
    def is_fork(self) -> bool:
        return self.head_owner != self.repository.split("/")[0]

    @property
    def graph_state(self) -> str:
        return "MERGED" if self.merged else self.state.upper()


def stamp(when: float) -> str:
    """Write seconds since 1970 as GitHub writes times."""
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
