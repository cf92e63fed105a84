"""Moving a ref: what GitHub refuses, and what a move does to the pull requests around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.emulators.github import history, merging
from tests.emulators.github.commits import read_commit
from tests.emulators.github.credentials import Credential
from tests.emulators.github.git import ZERO, GitError
from tests.emulators.github.problems import Problem, invalid
from tests.emulators.github.pulls import Pull, stamp
from tests.emulators.github.rules import (
    NO_FORCE,
    NO_MERGES,
    QUEUE_ONLY,
    UNAUTHORIZED,
    UNSIGNED,
    WITHOUT_PULL_REQUEST,
    Requirements,
    allows_push,
    bypasses,
)

if TYPE_CHECKING:
    from tests.emulators.github.repository import Repository

WORKFLOWS = ".github/workflows/"
HEADS = "refs/heads/"


def create_ref(repo: Repository, ref: str, new: str, by: Credential) -> None:
    """Create a ref for a token, or raise."""
    found = repo.git.find(new)
    if found is None or (ref.startswith(HEADS) and found.kind != "commit"):
        raise invalid("Object does not exist")
    if repo.git.find(ref):
        raise Problem(422, "Reference already exists", text=f'A ref named "{ref}" already exists in the repository.')
    _check_workflows(repo, repo.find_head(repo.default_branch), new, by)
    _check_rules(repo, ref, None, new, by)
    move(repo, ref, new, None)
    repo.lagging[ref] = repo.settings.ref_lag


def update_ref(repo: Repository, ref: str, new: str, by: Credential, *, force: bool = False) -> None:
    """Move a ref for a token, or raise."""
    old = repo.git.find(ref)
    if old is None:
        raise invalid("Reference does not exist")
    if repo.git.find(f"{new}^{{commit}}") is None:
        raise invalid("Object does not exist")
    if not force and not history.is_ancestor(repo.git, old.oid, new):
        raise invalid("Update is not a fast forward")
    _check_workflows(repo, old.oid, new, by)
    _check_rules(repo, ref, old.oid, new, by)
    move(repo, ref, new, old.oid)


def delete_ref(repo: Repository, ref: str, by: Credential) -> None:
    """Delete a ref for a token, or raise."""
    old = repo.git.find(ref)
    if old is None:
        raise invalid("Reference does not exist")
    _check_rules(repo, ref, old.oid, ZERO, by)
    move(repo, ref, ZERO, old.oid)


def move(repo: Repository, ref: str, new: str, old: str | None) -> None:
    """Move a ref, no questions asked, and let the pull requests notice."""
    try:
        repo.git.move_ref(ref, new, old or (None if new == ZERO else ZERO))
    except GitError as failed:
        raise Problem(422, "Reference update failed", text="Ref cannot be created.") from failed
    if ref.startswith(HEADS) and new != old:
        _notice(repo, ref.removeprefix(HEADS), new)
        merging.settle(repo)


def _notice(repo: Repository, branch: str, new: str) -> None:
    for pull in repo.pulls:
        if pull.state != "open":
            continue
        if pull.head == branch and not pull.is_fork:
            _head_moved(repo, pull, new)
        elif pull.base == branch and new != ZERO and history.is_ancestor(repo.git, pull.head_oid, new):
            pull.state, pull.merged, pull.merge_commit = "closed", True, new
            pull.closed = stamp(repo.clock())


def _head_moved(repo: Repository, pull: Pull, new: str) -> None:
    if new == ZERO:
        close(repo, pull)
        return
    pull.head_oid = new
    pull.queued = False
    if repo.settings.push_disarms:
        pull.auto_merge = None
    base = repo.find_head(pull.base)
    if base is not None and history.is_ancestor(repo.git, new, base):
        close(repo, pull)  # GitHub closes a pull request whose head was pushed back to its base


def close(repo: Repository, pull: Pull) -> None:
    pull.state, pull.closed = "closed", stamp(repo.clock())
    pull.auto_merge, pull.queued = None, False


def _check_workflows(repo: Repository, old: str | None, new: str, by: Credential) -> None:
    if by.has("workflows:write"):
        return
    touched = [change.path for change in history.changes(repo.git, old, new) if change.path.startswith(WORKFLOWS)]
    if not touched:
        return
    whom, needed = (
        ("GitHub App", "`workflows` permission") if by.is_integration else ("Personal Access Token", "`workflow` scope")
    )
    raise Problem(
        403, f"refusing to allow a {whom} to create or update workflow `{touched[0]}` without {needed}", "FORBIDDEN"
    )


def _check_rules(repo: Repository, ref: str, old: str | None, new: str, by: Credential) -> None:
    """Raise what protection or rulesets of this branch have against the move."""
    login = by.actor.login if by.actor else ""
    if not ref.startswith(HEADS):
        return
    for rule in repo.rules_of(ref.removeprefix(HEADS)):
        if bypasses(rule, login):
            continue
        if reasons := _objections(repo, rule, (old, new), login):
            kind = "UNPROCESSABLE" if rule.is_ruleset else "BRANCH_PROTECTION_RULE_VIOLATION"
            raise Problem(422, rule.refusal(reasons), kind)


def _objections(repo: Repository, rule: Requirements, step: tuple[str | None, str], login: str) -> list[str]:
    old, new = step
    reasons = []
    if not allows_push(rule, login):
        reasons.append(UNAUTHORIZED)
    if new == ZERO:
        return [*reasons, "Cannot delete this branch"]
    if old and not history.is_ancestor(repo.git, old, new):
        reasons.append(NO_FORCE)
    if rule.merge_queue:
        reasons.append(QUEUE_ONLY)
    elif rule.asks_pull_request():
        reasons.append(WITHOUT_PULL_REQUEST)
    commit = read_commit(repo.git, new)
    if commit is not None and rule.signatures and not commit.signed:
        reasons.append(UNSIGNED)
    if commit is not None and rule.linear_history and len(commit.parents) > 1:
        reasons.append(NO_MERGES)
    return reasons + merging.missing_checks(repo, rule, new)
