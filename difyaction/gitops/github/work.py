"""What a branch shall hold, and where it ended. Pure records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from difyaction.gitops.files import ChangedFile
from difyaction.gitops.github.look import Look
from difyaction.gitops.github.proposal import Reapply, Strategy
from difyaction.gitops.github.standing import Move


@dataclass(frozen=True)
class Work:
    """What a branch shall hold, and how to make that anew over content that changed meanwhile.

    ``changed`` are all files of the unit's plan over the base of the look. ``queued``: the branch's pull request
    waits in the merge queue. ``opening``: GraphQL's input for the pull request that a new branch gets.
    """

    branch: str
    unit: str
    message: str
    changed: tuple[ChangedFile, ...]
    reapply: Reapply
    strategy: Strategy = Strategy.ENVIRONMENT
    require_verified: bool = False
    queued: bool = False
    opening: Mapping[str, object] = field(default_factory=dict)


Meet = Callable[[Look, Mapping[str, Any] | None], bool]
"""Told of a look, and of a pull request that a lost try has opened: answers whether ours waits in the merge queue."""


@dataclass(frozen=True)
class Tip:
    """Where a branch points now. ``verified`` is None where there is no commit of ours."""

    oid: str
    move: Move
    verified: bool | None = None
    pull: Mapping[str, Any] | None = None  # opened together with the branch

    @property
    def refused(self) -> str:
        """The reason why the branch was left as it is, or nothing."""
        return self.move.value if self.move in {Move.FOREIGN, Move.QUEUED} else ""
