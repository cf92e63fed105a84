"""Making a commit on GitHub: signed in one call where that keeps the files' modes, else object by object."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from difyaction.errors import NOTHING_TOUCHED, Failed
from difyaction.gitops.files import REGULAR, ChangedFile
from difyaction.gitops.github import queries
from difyaction.gitops.github.answers import Answer, Reply
from difyaction.gitops.github.client import refusal
from difyaction.gitops.github.repository import Repository

STALE = ("expected branch to point to", "but it did not")
EXISTS = ("already exists", "ref cannot be created")
RULES = (
    "repository rule violations",
    "protected branch",
    "not authorized to push",
    "must be made through",
    "verified signatures",
    "required status check",
    "force-push",
)


class Lost(Exception):
    """Another run or person was faster, or the answer to a request was lost: look again at what there is by now.

    ``pull`` is the pull request that was opened all the same; ``draft`` the commit that may have been made.
    """

    def __init__(self, says: str, *, pull: Mapping[str, Any] | None = None) -> None:
        super().__init__(says)
        self.pull = pull
        self.draft: Draft | None = None


@dataclass(frozen=True)
class Draft:
    """A commit to be made. ``parent`` and ``tree`` are those of the commit that it stands on."""

    parent: str
    tree: str
    message: str
    files: tuple[ChangedFile, ...]

    @property
    def is_plain(self) -> bool:
        """Whether every file has the one mode that the signed way can write."""
        return all(file.mode == REGULAR for file in self.files)


@dataclass(frozen=True)
class Committed:
    """A commit that was made. ``reason`` is GitHub's word for why it is not verified."""

    oid: str
    verified: bool
    reason: str = ""
    pull: Mapping[str, Any] | None = None  # the pull request that was opened in the same call


def commit_input(repository: Repository, branch: str, draft: Draft) -> dict[str, object]:
    """Return the input of createCommitOnBranch."""
    headline, _, body = draft.message.partition("\n")
    message = {"headline": headline} | ({"body": body.strip("\n")} if body.strip() else {})
    additions = [{"path": file.path, "contents": base64.b64encode(file.after).decode()} for file in draft.files]
    return {
        "branch": {"repositoryNameWithOwner": repository.full_name, "branchName": branch},
        "expectedHeadOid": draft.parent,
        "message": message,
        "fileChanges": {"additions": additions},  # no empty list of deletions: GitHub fails on some
    }


def create_with_commit(repository: Repository, repository_id: str, branch: str, draft: Draft) -> Committed:
    """Create a branch and commit on it, in one call."""
    create = {"repositoryId": repository_id, "name": f"refs/heads/{branch}", "oid": draft.parent}
    variables = {"ref": create, "commit": commit_input(repository, branch, draft)}
    return _committed(repository.graphql(queries.CREATE_BRANCH_AND_COMMIT, variables), branch)


def commit_on(repository: Repository, branch: str, draft: Draft) -> Committed:
    """Commit on top of a branch that still points at ``draft.parent``."""
    variables = {"commit": commit_input(repository, branch, draft)}
    return _committed(repository.graphql(queries.COMMIT, variables), branch)


def _committed(answer: Answer, branch: str) -> Committed:
    made = (answer.data.get("createCommitOnBranch") or {}).get("commit")
    if made:
        signature = made.get("signature") or {}
        return Committed(made["oid"], bool(signature.get("isValid")), str(signature.get("state") or "unsigned").lower())
    if answer.says(*RULES):
        raise push_refused(answer.message, branch)
    if answer.says("create or update workflow"):
        raise workflows_refused(answer.message)
    # A branch that was made a moment ago may not be there yet for the next reader: that is no other fault than stale.
    unseen = any(error.kind in {"STALE_DATA", "NOT_FOUND"} for error in answer.errors)
    if status_of(answer) != HTTPStatus.FORBIDDEN and (unseen or answer.says(*STALE, *EXISTS)):
        raise Lost(answer.message)
    raise refusal(Reply(status_of(answer), {}, {"message": answer.message}), "the commit")


def status_of(answer: Answer) -> int:
    """Return the status that REST would have had for a GraphQL refusal."""
    forbidden = any(error.kind == "FORBIDDEN" for error in answer.errors) or answer.says("resource not accessible")
    return HTTPStatus.FORBIDDEN if forbidden else HTTPStatus.OK


def make_loose(repository: Repository, draft: Draft) -> Committed:
    """Make a commit that no branch points at yet. Neither author nor committer is sent: only so GitHub signs it."""
    tree = _made(repository.rest("POST", "/git/trees", {"base_tree": draft.tree, "tree": _rows(repository, draft)}))
    commit = {"message": draft.message, "tree": tree["sha"], "parents": [draft.parent]}
    made = _made(repository.rest("POST", "/git/commits", commit))
    verification = made.get("verification") or {}
    return Committed(made["sha"], bool(verification.get("verified")), str(verification.get("reason", "")))


def _rows(repository: Repository, draft: Draft) -> Sequence[dict[str, str]]:
    return [{"path": file.path, "mode": file.mode, "type": "blob"} | _content(repository, file) for file in draft.files]


def _content(repository: Repository, file: ChangedFile) -> dict[str, str]:
    try:
        return {"content": file.after.decode("utf-8")}
    except UnicodeDecodeError:
        blob = {"content": base64.b64encode(file.after).decode(), "encoding": "base64"}
        return {"sha": _made(repository.rest("POST", "/git/blobs", blob))["sha"]}


def _made(reply: Reply) -> Mapping[str, Any]:
    if reply.status != HTTPStatus.CREATED:
        raise refusal(reply, "the commit")
    return reply.data  # type: ignore[no-any-return]


def push_refused(says: str, branch: str) -> Failed:
    """Return the error for a push that protection or a ruleset forbids."""
    return Failed(
        "push-refused",
        "The rules of {branch} do not let this token push there: {says}.",
        next_step="Add the App (or the token's owner) to the rule's bypass list, or use delivery: pull-request.",
        branch=branch,
        says=says.rstrip("."),
    )


def workflows_refused(says: str) -> Failed:
    """Return the error for a change below .github/workflows that the token may not make."""
    return Failed(
        "workflows-permission",
        "GitHub does not let this token change a workflow file: {says}.",
        next_step="Grant the App (or the token) the permission workflows: write, or leave those files out.",
        says=says.rstrip("."),
    )


def unverified(committed: Committed, *, state: str = NOTHING_TOUCHED, branch: str = "") -> Failed:
    """Return the error for ``require-verified`` when GitHub did not sign."""
    return Failed(
        "commit-not-verified",
        "The commit is not verified ({reason}), and require-verified is on.",
        state=state,
        next_step=(
            "Use a GitHub App's token or the workflow's GITHUB_TOKEN: GitHub signs what these commit. "
            "A personal access token is signed only where every file has the mode 100644."
        ),
        reason=committed.reason or "unsigned",
        branch=branch,
    )
