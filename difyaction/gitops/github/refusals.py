"""GitHub's sentences about merging, read as what they mean. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final


class Refusal(enum.StrEnum):
    """Why GitHub did not do what we asked."""

    CLEAN = "clean"  # nothing to wait for: merge it now
    UNSTABLE = "unstable"
    UNPROTECTED = "unprotected"  # no rule that auto-merge could wait for
    NOT_ALLOWED = "not-allowed"  # the repository's setting is off
    ALREADY = "already"
    IN_QUEUE = "in-queue"
    QUEUE = "queue"  # only the merge queue may merge here
    METHOD = "method"
    UNSIGNED = "unsigned"
    BLOCKED = "blocked"  # a check or review is still asked for
    RACE = "race"  # base moved, or the state is not known yet: look again
    HEAD_MOVED = "head-moved"
    PUSH_RESTRICTED = "push-restricted"
    PERMISSION = "permission"
    DRAFT = "draft"
    NO_DRAFTS = "no-drafts"  # the repository's plan has none
    DIRTY = "dirty"
    CLOSED = "closed"
    OTHER = "other"


FINAL: Final[Mapping[Refusal, str]] = {
    Refusal.HEAD_MOVED: "head-moved",
    Refusal.PUSH_RESTRICTED: "push-restricted",
    Refusal.PERMISSION: "permission",
    Refusal.DRAFT: "draft",
    Refusal.DIRTY: "dirty",
    Refusal.CLOSED: "closed",
    Refusal.OTHER: "other",
}
"""Refusals that no further step can turn, and the reasons that they end in."""

# The first match counts: a ruleset's answer lists several reasons, and the weightiest stands first here.
_SENTENCES: Final = (
    ("clean status", Refusal.CLEAN),
    ("has_hooks status", Refusal.CLEAN),
    ("unstable status", Refusal.UNSTABLE),
    ("unknown status", Refusal.RACE),
    ("dirty status", Refusal.DIRTY),
    ("merge conflict", Refusal.DIRTY),
    ("branch rules not configured", Refusal.UNPROTECTED),
    ("auto merge is not allowed", Refusal.NOT_ALLOWED),
    ("auto-merge is not allowed", Refusal.NOT_ALLOWED),
    ("already enabled", Refusal.ALREADY),
    ("already in the queue", Refusal.IN_QUEUE),
    ("already queued", Refusal.IN_QUEUE),
    ("through the merge queue", Refusal.QUEUE),
    ("not authorized", Refusal.PUSH_RESTRICTED),
    ("resource not accessible", Refusal.PERMISSION),
    ("must have admin rights", Refusal.PERMISSION),
    ("draft pull requests are not supported", Refusal.NO_DRAFTS),
    ("draft", Refusal.DRAFT),
    ("is closed", Refusal.CLOSED),
    ("head branch was modified", Refusal.HEAD_MOVED),
    ("head sha", Refusal.HEAD_MOVED),
    ("base branch was modified", Refusal.RACE),
    ("already in progress", Refusal.RACE),
    ("merge method", Refusal.METHOD),
    ("not allowed on this repository", Refusal.METHOD),
    ("can't be rebased", Refusal.METHOD),
    ("verified signatures", Refusal.UNSIGNED),
    ("status check", Refusal.BLOCKED),
    ("review", Refusal.BLOCKED),
    ("out of date", Refusal.BLOCKED),
    ("not mergeable", Refusal.RACE),
)


def read_refusal(message: str) -> Refusal:
    """Return what a sentence of GitHub's means for the next step."""
    text = message.lower()
    return next((refusal for words, refusal in _SENTENCES if words in text), Refusal.OTHER)
