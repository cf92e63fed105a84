"""What a run has made on GitHub so far, for the report of one that ends early."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from difyaction.cancelled import Cancelled
from difyaction.errors import ActionError
from difyaction.gitops.github.pull_request import Pull
from difyaction.language import N_

WRITTEN = N_("The branch {left_branch} was written; the next run goes on from there.")
OPEN = N_("Pull request #{left_number} stands on the branch {left_branch}; the next run goes on from there.")
HELD = N_("Pull request #{left_number} was made a draft; its branch {left_branch} is as it was.")


@dataclass
class Progress:
    """Kept up to date as things are made. ``held``: the pull request was taken back before anything was pushed."""

    branch: str
    written: bool = False
    held: bool = False
    pull: Pull | None = None

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs that exist by now."""
        if self.pull is None:
            return {}
        touched = (self.written or self.held) and self.pull.operation == "none"
        return {
            "pull-request-number": str(self.pull.number),
            "pull-request-url": self.pull.url,
            "pull-request-operation": "updated" if touched else self.pull.operation,
        }

    @property
    def state(self) -> str:
        """The sentence about what is left behind, a template; empty when nothing is."""
        if self.pull and (self.written or self.pull.operation == "created"):
            return OPEN
        if self.written:
            return WRITTEN
        return HELD if self.held else ""


@contextmanager
def remembered(progress: Progress) -> Iterator[None]:
    """Let whatever ends the run inside say what is left behind."""
    try:
        yield
    except Cancelled as why:
        why.left |= progress.outputs
        raise
    except ActionError as error:
        error.left |= progress.outputs
        if progress.state:
            error.state = progress.state
            error.facts["left_branch"] = progress.branch
            error.facts["left_number"] = progress.pull.number if progress.pull else 0
        raise
