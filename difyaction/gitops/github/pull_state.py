"""One pull request as it stands, and what its base branch asks for. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from difyaction.gitops.github.look import plain_login

# Rules of a ruleset that hold a merge back until somebody or something has looked.
WAITING_RULES = frozenset({"required_status_checks", "workflows", "required_deployments", "code_scanning"})


@dataclass(frozen=True)
class Worn:
    """What a pull request has been given so far.

    ``reviewed``: by whom; ``unreadable``: somebody whom we may not see is asked for a review.
    """

    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    team_reviewers: tuple[str, ...] = ()
    reviewed: tuple[str, ...] = ()
    unreadable: bool = False


@dataclass(frozen=True)
class PullState:
    """A pull request. ``status`` is GitHub's MergeStateStatus; ``armed`` the method it is armed with, or nothing."""

    id: str
    number: int
    url: str
    state: str
    is_draft: bool
    head_oid: str
    mergeable: str
    status: str
    armed: str
    has_queue: bool
    in_queue: bool
    title: str = ""
    body: str = ""
    author: str = ""  # a login, a bot's without its suffix
    worn: Worn = Worn()


@dataclass(frozen=True)
class Gate:
    """What a base branch asks for before it takes a merge.

    ``guarded``: some check, review or deployment is required. ``methods`` is None where no rule names any.
    """

    guarded: bool = False
    signatures: bool = False
    methods: frozenset[str] | None = None

    def __or__(self, other: Gate) -> Gate:
        """Return what both ask for together."""
        named = [gate.methods for gate in (self, other) if gate.methods is not None]
        return Gate(
            self.guarded or other.guarded,
            self.signatures or other.signatures,
            frozenset.intersection(*named) if named else None,
        )


def read_pull(repository: Mapping[str, Any]) -> PullState | None:
    """Return the pull request of an answer; nothing if there is none of that number."""
    found = repository.get("pullRequest")
    if not found:
        return None
    return PullState(
        id=found["id"],
        number=found["number"],
        url=found["url"],
        state=found["state"],
        is_draft=found["isDraft"],
        head_oid=found["headRefOid"],
        mergeable=found["mergeable"],
        status=found["mergeStateStatus"],
        armed=((found.get("autoMergeRequest") or {}).get("mergeMethod") or "").lower(),
        has_queue=bool(repository.get("mergeQueue")),
        in_queue=bool(found.get("isInMergeQueue")),
        title=found.get("title") or "",
        body=found.get("body") or "",
        author=plain_login((found.get("author") or {}).get("login", "")),
        worn=_worn(found),
    )


def _worn(found: Mapping[str, Any]) -> Worn:
    asked = [node.get("requestedReviewer") or {} for node in _nodes(found, "reviewRequests")]
    return Worn(
        labels=tuple(node["name"] for node in _nodes(found, "labels")),
        assignees=tuple(node["login"] for node in _nodes(found, "assignees")),
        reviewers=tuple(one["login"] for one in asked if "login" in one),
        team_reviewers=tuple(one["slug"] for one in asked if "slug" in one),
        reviewed=tuple((node.get("author") or {}).get("login", "") for node in _nodes(found, "latestReviews")),
        unreadable=not all(asked),
    )


def _nodes(found: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    return [node for node in (found.get(name) or {}).get("nodes") or () if node]


def gate_of_protection(rule: Mapping[str, Any] | None) -> Gate:
    """Read branch protection as GraphQL's refUpdateRule shows it to everybody."""
    if not rule:
        return Gate()
    checks = [context for context in rule.get("requiredStatusCheckContexts") or () if context]
    linear = frozenset({"squash", "rebase"}) if rule.get("requiresLinearHistory") else None
    guarded = bool(checks or rule.get("requiredApprovingReviewCount") or rule.get("requiresCodeOwnerReviews"))
    return _signed(Gate(guarded, bool(rule.get("requiresSignatures")), linear))


def gate_of_rules(rules: Sequence[Mapping[str, Any]]) -> Gate:
    """Read the rules of rulesets as REST lists them for a branch."""
    gate = Gate()
    for rule in rules:
        gate |= _gate_of_rule(str(rule.get("type")), rule.get("parameters") or {})
    return _signed(gate)


def _gate_of_rule(kind: str, parameters: Mapping[str, Any]) -> Gate:
    if kind == "pull_request":
        reviewed = parameters.get("required_approving_review_count") or parameters.get("require_code_owner_review")
        methods = parameters.get("allowed_merge_methods")
        return Gate(guarded=bool(reviewed), methods=frozenset(methods) if methods else None)
    if kind == "required_linear_history":
        return Gate(methods=frozenset({"squash", "rebase"}))
    return Gate(guarded=kind in WAITING_RULES, signatures=kind == "required_signatures")


def _signed(gate: Gate) -> Gate:
    """Where signatures are required, rebasing is out: it makes new commits that nobody signs."""
    return gate | Gate(methods=frozenset({"squash", "merge"})) if gate.signatures else gate
