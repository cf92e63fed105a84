"""Clearing away the short-lived branches that runs of ours needed."""

from __future__ import annotations

from contextlib import suppress

from difyaction.errors import Failed
from difyaction.gitops.github import refs
from difyaction.gitops.github.calls import Purpose
from difyaction.gitops.github.look import Look
from difyaction.gitops.github.repository import Repository
from difyaction.gitops.github.temporary import is_stale

AT_ONCE = 5  # branches in one run: the rest can wait for the next
LATE = 1.0  # seconds; a request that was broken off may be carried out after all


def discard(repository: Repository, name: str) -> None:
    """Delete a temporary branch on the way out of a failure, which stays the one that is told."""
    with suppress(Failed):
        if refs.delete(repository, name, purpose=Purpose.SUPERSEDING) is not refs.Deletion.ABSENT:
            return
        repository.client.pace.pause(LATE)
        refs.delete(repository, name, purpose=Purpose.SUPERSEDING)


def sweep(repository: Repository, look: Look) -> None:
    """Delete what runs left that were killed: names of ours that are older than any run lasts."""
    now = repository.client.pace.clock()
    stale = [name for name in look.temporary if is_stale(name, now)]
    with suppress(Failed):  # nobody asked for it, and the next run tries again
        for name in stale[:AT_ONCE]:
            refs.delete(repository, name, purpose=Purpose.SUPERSEDING)
