"""Auto-merge and the merge queue, as GraphQL's mutations see them: every refusal in GitHub's words."""

from __future__ import annotations

from tests.emulators.github import merging
from tests.emulators.github.credentials import Credential
from tests.emulators.github.problems import Problem, invalid
from tests.emulators.github.pulls import AutoMerge, Pull
from tests.emulators.github.repository import Repository
from tests.emulators.github.rules import allows_push

METHODS = {"merge": "merge commits are", "squash": "squash merging is", "rebase": "rebase merging is"}


def arm(repo: Repository, pull: Pull, request: AutoMerge, expected_head: str | None) -> None:
    """Enable auto-merge, or raise the reason why it cannot be."""
    if not repo.settings.allow_auto_merge:
        raise invalid("Auto merge is not allowed for this repository")
    if expected_head is not None and expected_head != pull.head_oid:
        raise invalid("Head branch was modified. Review and try the merge again.")
    refusal = _refusal(repo, pull, request)
    if refusal:
        raise invalid(f"Pull request {refusal}")
    pull.auto_merge = request
    merging.settle(repo)


def _refusal(repo: Repository, pull: Pull, request: AutoMerge) -> str:  # noqa: PLR0911 - one return a reason
    rules = repo.rules_of(pull.base)
    queue = merging.needs_queue(repo, pull.base)
    if pull.state != "open":
        return "Pull request is closed"
    if pull.auto_merge is not None:
        return "Auto merge is already enabled"
    if pull.draft:
        return "Pull request is a draft"
    if not any(rule.asks_anything() for rule in rules):
        return "Protected branch rules not configured for this branch"
    if not all(allows_push(rule, request.by.login) for rule in rules):
        return "User is not authorized for this protected branch"
    if not queue:
        try:
            merging.refuse_method(repo, pull, request.method)
        except Problem:
            return f"Merge method {METHODS[request.method]} not allowed on this repository"
    state = merging.status(repo, pull)
    if state == "DIRTY" or (state in merging.READY and not queue):
        word = {"HAS_HOOKS": "has_hooks"}.get(state, state.lower())
        return f"Pull request is in {word} status"
    return ""


def disarm(pull: Pull) -> None:
    if pull.auto_merge is None:
        raise invalid("Can't disable auto-merge for this pull request")
    pull.auto_merge = None


def enqueue(repo: Repository, pull: Pull, expected_head: str | None) -> None:
    """Put a pull request into the merge queue, or raise."""
    if not merging.needs_queue(repo, pull.base):
        raise invalid("Merge queue is not enabled for this branch")
    if pull.queued:
        raise invalid("Pull request is already in the queue")
    if expected_head is not None and expected_head != pull.head_oid:
        raise invalid("Head branch was modified. Review and try the merge again.")
    if pull.draft:
        raise invalid("Pull request Pull request is a draft")
    if waiting := merging.obstacles(repo, pull):
        raise invalid(f"Pull request {waiting[0].reason}")
    if merging.status(repo, pull) not in merging.READY:
        raise invalid("Pull request is not mergeable")
    pull.queued = True


def dequeue(pull: Pull) -> None:
    if not pull.queued:
        raise invalid("Pull request is not in the merge queue")
    pull.queued = False


def may_arm(repo: Repository, pull: Pull, credential: Credential) -> bool:
    """Answer ``viewerCanEnableAutoMerge``."""
    return (
        repo.settings.allow_auto_merge
        and pull.state == "open"
        and pull.auto_merge is None
        and credential.has("contents:write")
        and credential.has("pull_requests:write")
        and (merging.needs_queue(repo, pull.base) or merging.status(repo, pull) not in merging.READY)
    )
