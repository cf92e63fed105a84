"""A checkout as the place of the files: read and edited on the disk, no API touched."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from difyaction.errors import Failed
from difyaction.gitops.files import Choose, Entry, FileAt
from difyaction.gitops.records import GitopsPlan
from difyaction.gitops.worktree import Worktree
from difyaction.surroundings import Surroundings
from difyaction.target import Outcome


class Checkout:
    """The files below the runner's workspace, or below the working directory at one's desk."""

    def __init__(self, root: Path, surroundings: Surroundings) -> None:
        self._root = root
        self._say = surroundings.say

    @classmethod
    def of(cls, surroundings: Surroundings) -> Checkout:
        """Find the checkout of this run."""
        return cls(Path(surroundings.environ.get("GITHUB_WORKSPACE") or "."), surroundings)

    def survey(self, choose: Choose, spare: Choose) -> tuple[FileAt, ...]:  # noqa: ARG002 - a disk is asked any time
        """List the files and read those that are chosen."""
        return self.read(choose(self.entries()))

    def entries(self) -> tuple[Entry, ...]:
        """List the files."""
        return self._entries

    def read(self, entries: Iterable[Entry]) -> tuple[FileAt, ...]:
        """Read some of them."""
        return self._worktree.read(entries)

    def deliver(self, plan: GitopsPlan, reverts: str) -> Outcome:  # noqa: ARG002 - a checkout has no text to say it in
        """Write every file of the plan, or none."""
        self._worktree.write(plan.files)
        for file in plan.files:
            self._say(f"wrote {file.path}")
        return Outcome("proposed" if plan.files else "unchanged", changed=bool(plan.files))

    def close(self) -> None:
        """Nothing is open."""

    @cached_property
    def _worktree(self) -> Worktree:
        try:
            return Worktree(self._root)
        except OSError as why:
            raise Failed(
                "checkout-missing",
                "There is no checkout in {root}.",
                next_step="Check the repository out before this step, or use delivery pull-request, which needs none.",
                root=self._root,
            ) from why

    @cached_property
    def _entries(self) -> tuple[Entry, ...]:
        return self._worktree.entries()
