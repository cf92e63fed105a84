"""What is handed to GitHub, and what came of it: the records of a delivery."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from difyaction.gitops.files import ChangedFile
from difyaction.gitops.github.calls import Calls

Reapply = Callable[[Mapping[str, bytes]], tuple[ChangedFile, ...]]
"""The plan's edits over fresh content of its files: path -> bytes. A file that needs no change may be left out."""


class Strategy(enum.StrEnum):
    """How branches and units go together."""

    ENVIRONMENT = "environment"  # a branch belongs to one unit and holds base plus its edits
    SHARED = "shared"  # several runs add to one branch and one pull request


@dataclass(frozen=True)
class Proposal:
    """A change as its readers shall see it. Texts are final: nothing is rendered later.

    ``body`` is the pull request's text; with ``Strategy.SHARED`` it is the frame, and ``section`` this unit's
    part of it. ``base`` is empty for the default branch. The unit's marker and trailer are added when missing.
    """

    title: str
    body: str
    section: str
    branch: str
    base: str
    labels: tuple[str, ...]
    reviewers: tuple[str, ...]
    team_reviewers: tuple[str, ...]
    assignees: tuple[str, ...]
    draft: bool
    unit: str
    commit_message: str


@dataclass(frozen=True)
class Wish:
    """What shall become of the pull request once it stands.

    ``method``: squash, merge, rebase, auto or off. ``refuse`` holds the rule that forbids arming, or nothing.
    ``merge_without_checks``: merge at once where no required check or review would hold it back.
    """

    method: str = "off"
    refuse: str = ""
    merge_without_checks: bool = False


@dataclass(frozen=True)
class Delivered:
    """How a delivery ended.

    ``operation``: created, updated, none or closed. ``number`` is 0 without a pull request. ``verified`` is None
    when there is no commit of ours. ``warnings`` are sentences about what was asked for and could not be had.
    """

    operation: str
    number: int
    url: str
    head_sha: str
    verified: bool | None
    auto_merge_result: str
    calls: Calls
    warnings: tuple[str, ...] = ()
