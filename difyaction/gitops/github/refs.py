"""Moving branches on GitHub, always from where we saw them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from difyaction.gitops.github import queries
from difyaction.gitops.github.answers import Reply
from difyaction.gitops.github.calls import Purpose
from difyaction.gitops.github.client import refusal
from difyaction.gitops.github.commit import RULES, Lost, push_refused, status_of, workflows_refused
from difyaction.gitops.github.look import Look
from difyaction.gitops.github.repository import UPDATE_REFS_SINCE, Repository

NOWHERE = "0" * 40
UNMADE = ("already exists", "cannot be created", "reference update failed", "object does not exist")


@dataclass(frozen=True)
class Step:
    """A move of a branch from one commit to another. ``discard``: a temporary branch at ``after``, then of no use."""

    before: str
    after: str
    discard: str = ""


def head_of(repository: Repository, branch: str) -> str | None:
    """Return the commit that a branch points at; nothing if there is no such branch."""
    reply = repository.rest("GET", f"/git/ref/heads/{quote(branch)}")
    if reply.status in (404, 409):
        return None
    if not reply.ok:
        raise refusal(reply, "reading a branch")
    return str(reply.data["object"]["sha"])


def create_with_pull(
    repository: Repository, look: Look, branch: str, oid: str, pull: Mapping[str, object]
) -> Mapping[str, Any] | None:
    """Create a branch and open its pull request in one call; Lost if the branch exists by now.

    GitHub goes on to the second part when the first has failed: the pull request may then be opened on the branch that
    somebody else has made, and Lost tells of it. Returns the pull request's id, number and url, or nothing when only
    the branch could be made: then opening it on its own tells why.
    """
    ref = {"repositoryId": look.id, "name": f"refs/heads/{branch}", "oid": oid}
    variables = {"ref": ref, "pull": {"repositoryId": look.id, "headRefName": branch, **pull}}
    answer = repository.graphql(queries.CREATE_BRANCH_AND_PULL, variables)
    made = (answer.data.get("createPullRequest") or {}).get("pullRequest")
    if (answer.data.get("createRef") or {}).get("ref"):
        return made
    if made:
        raise Lost(answer.message, pull=made)
    raise _refused(Reply(status_of(answer), {}, {"message": answer.message}), branch, lost=UNMADE)


def forward(repository: Repository, branch: str, oid: str) -> None:
    """Move a branch forward to a descendant; Lost if it has moved meanwhile."""
    reply = repository.rest("PATCH", f"/git/refs/heads/{quote(branch)}", {"sha": oid, "force": False})
    if not reply.ok:
        raise _refused(reply, branch, lost=("not a fast forward", "does not exist", "reference update failed"))


class Deletion(enum.Enum):
    """What became of a branch that was to go."""

    DONE = "done"
    ABSENT = "absent"  # it was not there
    REFUSED = "refused"


def delete(repository: Repository, branch: str, *, purpose: Purpose = Purpose.PROPOSAL) -> Deletion:
    """Delete a branch."""
    reply = repository.rest("DELETE", f"/git/refs/heads/{quote(branch)}", purpose=purpose)
    if reply.ok:
        return Deletion.DONE
    return Deletion.ABSENT if reply.says("does not exist") else Deletion.REFUSED


def replace(repository: Repository, look: Look, branch: str, step: Step) -> None:
    """Point a branch at a commit that need not descend from where it is; Lost if it is no longer there.

    The temporary branch goes in the same breath where the server can do both, else right after.
    """
    if repository.server_has(UPDATE_REFS_SINCE):
        _compare_and_swap(repository, look, branch, step)
        return
    if head_of(repository, branch) != step.before:
        raise Lost(branch)
    reply = repository.rest("PATCH", f"/git/refs/heads/{quote(branch)}", {"sha": step.after, "force": True})
    if not reply.ok:
        raise _refused(reply, branch, lost=("does not exist", "reference update failed"))
    if step.discard:
        delete(repository, step.discard)


def _compare_and_swap(repository: Repository, look: Look, branch: str, step: Step) -> None:
    updates = [_update(branch, step.before, step.after)]
    if step.discard:
        updates.append(_update(step.discard, step.after, NOWHERE))
    answer = repository.graphql(queries.UPDATE_REFS, {"move": {"repositoryId": look.id, "refUpdates": updates}})
    if answer.says(*RULES):
        raise push_refused(answer.message, branch)
    if any(error.kind == "FORBIDDEN" for error in answer.errors):
        raise refusal(Reply(403, {}, {"message": answer.message}), "moving the branch")
    if answer.errors:
        raise Lost(answer.message)


def _update(branch: str, before: str, after: str) -> dict[str, object]:
    return {"name": f"refs/heads/{branch}", "beforeOid": before, "afterOid": after, "force": True}


def _refused(reply: Reply, branch: str, *, lost: tuple[str, ...]) -> Exception:
    if reply.says(*RULES):
        return push_refused(reply.message, branch)
    if reply.says("create or update workflow"):
        return workflows_refused(reply.message)
    if reply.says(*lost):
        return Lost(reply.message)
    return refusal(reply, "moving the branch")
