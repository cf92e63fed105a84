"""May it merge, will it merge, and merging: the state machine that auto-merge rides on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.emulators.github import history, pushing
from tests.emulators.github.commits import Draft, Person, write_commit
from tests.emulators.github.credentials import Actor
from tests.emulators.github.git import ZERO
from tests.emulators.github.problems import Problem
from tests.emulators.github.pulls import Pull, stamp
from tests.emulators.github.rules import (
    METHOD_WORDS,
    NO_MERGES,
    QUEUE_ONLY,
    UNAUTHORIZED,
    UNSIGNED,
    Requirements,
    allows_push,
    bypasses,
)

if TYPE_CHECKING:
    from tests.emulators.github.repository import Repository

FINE = ("success", "neutral", "skipped")
READY = ("CLEAN", "HAS_HOOKS", "UNSTABLE")


@dataclass(frozen=True)
class Merge:
    """How to merge, and who does it."""

    method: str
    by: Actor
    headline: str = ""
    body: str = ""


@dataclass(frozen=True)
class Obstacle:
    rule: Requirements
    reason: str


def missing_checks(repo: Repository, rule: Requirements, oid: str) -> list[str]:
    states = repo.checks.get(oid, {})
    words = {"failure": "is failing", "pending": "is in progress"}
    return [
        f'Required status check "{name}" {words.get(states.get(name, ""), "is expected")}.'
        for name in rule.required_checks
        if states.get(name) not in FINE
    ]


def obstacles(repo: Repository, pull: Pull) -> list[Obstacle]:
    """Return what the rules of the base branch still ask for, being up to date apart."""
    found = []
    for rule in repo.rules_of(pull.base):
        reasons = missing_checks(repo, rule, pull.head_oid)
        given = {login for login in pull.approvals if login != pull.author.login}
        if len(given) < rule.approvals:
            plural = "reviews are" if rule.approvals > 1 else "review is"
            reasons.append(f"At least {rule.approvals} approving {plural} required by reviewers with write access.")
        if rule.code_owners and repo.code_owners and not given & repo.code_owners:
            reasons.append(f"Waiting on code owner review from {', '.join(sorted(repo.code_owners))}.")
        if rule.signatures and not _all_signed(repo, pull):
            reasons.append(UNSIGNED)
        found += [Obstacle(rule, reason) for reason in reasons]
    return found


def _all_signed(repo: Repository, pull: Pull) -> bool:
    return all(commit.signed for commit in history.between(repo.git, repo.head(pull.base), pull.head_oid))


def is_behind(repo: Repository, pull: Pull) -> bool:
    base = repo.head(pull.base)
    key = ("behind", base, pull.head_oid)
    return repo.remember(key, lambda: history.counts(repo.git, base, pull.head_oid)[0]) > 0


def has_conflicts(repo: Repository, pull: Pull) -> bool:
    base = repo.head(pull.base)
    key = ("merged", base, pull.head_oid)
    return repo.remember(key, lambda: history.merged_tree(repo.git, base, pull.head_oid)) is None


def needs_queue(repo: Repository, branch: str) -> bool:
    return any(rule.merge_queue for rule in repo.rules_of(branch))


def status(repo: Repository, pull: Pull) -> str:  # noqa: PLR0911 - one return a state
    """Compute GitHub's MergeStateStatus as it is, whether or not somebody has looked."""
    if pull.state != "open" or repo.find_head(pull.base) is None:
        return "UNKNOWN"
    if has_conflicts(repo, pull):
        return "DIRTY"
    if pull.draft:
        return "DRAFT"
    if obstacles(repo, pull):
        return "BLOCKED"
    if any(rule.up_to_date for rule in repo.rules_of(pull.base)) and is_behind(repo, pull):
        return "BEHIND"
    if any(state not in FINE for state in repo.checks.get(pull.head_oid, {}).values()):
        return "UNSTABLE"
    return "HAS_HOOKS" if repo.settings.has_hooks else "CLEAN"


def look(repo: Repository, pull: Pull) -> tuple[str, str]:
    """Return mergeable and mergeStateStatus as a client sees them: unknown for the first looks after a change."""
    seen = (pull.head_oid, repo.find_head(pull.base) or ZERO)
    if pull.seen != seen:
        pull.seen, pull.looks = seen, 0
    pull.looks += 1
    state = "UNKNOWN" if pull.looks <= repo.settings.unknown_looks else status(repo, pull)
    mergeable = {"UNKNOWN": "UNKNOWN", "DIRTY": "CONFLICTING"}.get(state, "MERGEABLE")
    return mergeable, state


def refuse_merge(repo: Repository, pull: Pull, merge: Merge) -> None:
    """Raise GitHub's 405 when this may not be merged now, this way, by this actor."""
    if pull.state != "open" or has_conflicts(repo, pull):
        raise Problem(405, "Pull Request is not mergeable")
    if pull.draft:
        raise Problem(405, "Pull Request is still a draft")
    refuse_method(repo, pull, merge.method)
    for rule in repo.rules_of(pull.base):
        if bypasses(rule, merge.by.login):
            continue
        reasons = [obstacle.reason for obstacle in obstacles(repo, pull) if obstacle.rule is rule]
        reasons += [] if allows_push(rule, merge.by.login) else [UNAUTHORIZED]
        reasons += [NO_MERGES] if rule.linear_history and merge.method == "merge" else []
        reasons += [QUEUE_ONLY] if rule.merge_queue and not pull.queued else []
        if rule.up_to_date and is_behind(repo, pull):
            reasons.append("Head branch is out of date. Review and try the merge again.")
        if reasons:
            raise Problem(405, rule.refusal(reasons))


def refuse_method(repo: Repository, pull: Pull, method: str) -> None:
    by_rules = all(rule.methods is None or method in rule.methods for rule in repo.rules_of(pull.base))
    if not repo.settings.allows(method) or not by_rules:
        raise Problem(405, f"{METHOD_WORDS[method]} are not allowed on this repository.")


def merge_now(repo: Repository, pull: Pull, merge: Merge) -> str:
    """Merge, or raise; return the oid of what the base branch then points at."""
    refuse_merge(repo, pull, merge)
    old = repo.head(pull.base)
    new = _merge_commit(repo, pull, merge, old)
    pull.state, pull.merged, pull.merge_commit, pull.merged_by = "closed", True, new, merge.by
    pull.closed, pull.auto_merge, pull.queued = stamp(repo.clock()), None, False
    pushing.move(repo, f"refs/heads/{pull.base}", new, old)
    if repo.settings.delete_branch_on_merge and not pull.is_fork and repo.find_head(pull.head):
        pushing.move(repo, f"refs/heads/{pull.head}", ZERO, pull.head_oid)
    return new


def _merge_commit(repo: Repository, pull: Pull, merge: Merge, base: str) -> str:
    when = int(repo.clock())
    github = Person("GitHub", "noreply@github.com", when)
    if merge.method == "rebase":
        tip = history.rebased(repo.git, base, pull.head_oid, _person(merge.by, when))
        if tip is None:
            raise Problem(405, "This branch can't be rebased")
        return tip
    tree = repo.remember(("merged", base, pull.head_oid), lambda: history.merged_tree(repo.git, base, pull.head_oid))
    if tree is None:
        raise Problem(405, "Pull Request is not mergeable")
    if merge.method == "squash":
        headline, body, parents, author = f"{pull.title} (#{pull.number})", pull.body, [base], pull.author
    else:
        headline = f"Merge pull request #{pull.number} from {pull.head_owner}/{pull.head}"
        body, parents, author = pull.title, [base, pull.head_oid], merge.by
    message = "\n\n".join(part for part in (merge.headline or headline, merge.body or body) if part)
    return write_commit(repo.git, Draft(tree, parents, _person(author, when), github, message, signed=True))


def _person(actor: Actor, when: int) -> Person:
    return Person(actor.login, actor.email, when)


def settle(repo: Repository) -> None:
    """Merge, or put into the queue, every armed pull request that nothing stands in the way of any more."""
    for pull in repo.pulls:
        armed = pull.auto_merge
        if pull.state != "open" or armed is None or pull.queued or status(repo, pull) not in READY:
            continue
        if needs_queue(repo, pull.base):
            pull.queued, pull.auto_merge = True, None
        else:
            merge_now(repo, pull, Merge(armed.method, armed.by, armed.headline, armed.body))


def run_queue(repo: Repository) -> None:
    """Merge what waits in the queue, oldest first; what no longer merges leaves the queue."""
    for pull in repo.pulls:
        if not pull.queued:
            continue
        method = next(name for name in ("merge", "squash", "rebase") if repo.settings.allows(name))
        try:
            merge_now(repo, pull, Merge(method, repo.credentials.actor("github-merge-queue[bot]")))
        except Problem:
            pull.queued = False
