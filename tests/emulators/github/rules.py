"""Branch protection and rulesets: what a branch asks for before it moves."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass

METHOD_WORDS = {"merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges"}
WITHOUT_PULL_REQUEST = "Changes must be made through a pull request."
UNSIGNED = "Commits must have verified signatures."
NO_FORCE = "Cannot force-push to this branch"
NO_MERGES = "This branch must not contain merge commits."
QUEUE_ONLY = "Changes must be made through the merge queue"
UNAUTHORIZED = (
    "You're not authorized to push to this branch."
    " Visit https://docs.github.com/articles/about-protected-branches/ for more information."
)


@dataclass(frozen=True)
class Requirements:
    """One protection rule, or one ruleset.

    ``branch`` is a glob; ``bypass`` and ``push_allowed`` hold logins, or slugs of Apps.
    """

    branch: str
    required_checks: tuple[str, ...] = ()
    approvals: int = 0
    code_owners: bool = False
    up_to_date: bool = False
    signatures: bool = False
    linear_history: bool = False
    push_allowed: tuple[str, ...] | None = None
    merge_queue: bool = False
    pull_request: bool = False
    methods: tuple[str, ...] | None = None
    bypass: tuple[str, ...] = ()
    is_ruleset: bool = False

    def covers(self, branch: str) -> bool:
        return fnmatch.fnmatchcase(branch, self.branch)

    def asks_anything(self) -> bool:
        """Tell whether auto-merge has something to wait for."""
        return bool(
            self.required_checks
            or self.approvals
            or self.code_owners
            or self.up_to_date
            or self.signatures
            or self.merge_queue
            or self.pull_request
        )

    def asks_pull_request(self) -> bool:
        return bool(self.pull_request or self.approvals or self.code_owners or self.merge_queue)

    def refusal(self, reasons: Iterable[str]) -> str:
        """Phrase why a push or a merge is refused: a ruleset speaks of all reasons, protection of the first."""
        texts = list(reasons)
        if self.is_ruleset:
            return "Repository rule violations found\n\n" + "\n\n".join(texts) + "\n\n"
        return texts[0]


def allows_push(rule: Requirements, login: str) -> bool:
    """Tell whether this rule lets the login push or merge at all."""
    return rule.push_allowed is None or _named(login, rule.push_allowed)


def bypasses(rule: Requirements, login: str) -> bool:
    return _named(login, rule.bypass)


def _named(login: str, names: Iterable[str]) -> bool:
    return login in names or login.removesuffix("[bot]") in names


def rest_rules(rule: Requirements) -> list[dict[str, object]]:
    """Show a ruleset as ``GET rules/branches/{branch}`` does: one object a rule."""
    shown: list[tuple[str, dict[str, object] | None]] = []
    if rule.required_checks:
        checks = [{"context": name} for name in rule.required_checks]
        strict = {"strict_required_status_checks_policy": rule.up_to_date, "required_status_checks": checks}
        shown.append(("required_status_checks", strict))
    if rule.asks_pull_request():
        methods = rule.methods or ("merge", "squash", "rebase")
        parameters: dict[str, object] = {
            "required_approving_review_count": rule.approvals,
            "require_code_owner_review": rule.code_owners,
            "dismiss_stale_reviews_on_push": False,
            "require_last_push_approval": False,
            "required_review_thread_resolution": False,
            "allowed_merge_methods": list(methods),
        }
        shown.append(("pull_request", parameters))
    if rule.signatures:
        shown.append(("required_signatures", None))
    if rule.linear_history:
        shown.append(("required_linear_history", None))
    if rule.merge_queue:
        shown.append(("merge_queue", {"merge_method": "MERGE", "max_entries_to_merge": 5}))
    source = {"ruleset_source_type": "Repository", "ruleset_id": 1}
    return [{"type": kind, **source, **({"parameters": given} if given else {})} for kind, given in shown]
