"""What a base branch asks for, read from protection and from rulesets."""

from __future__ import annotations

from difyaction.gitops.github.pull_state import Gate, gate_of_protection, gate_of_rules


def test_required_checks_or_reviews_are_a_gate() -> None:
    assert gate_of_protection({"requiredStatusCheckContexts": ["ci"]}).guarded
    assert gate_of_protection({"requiredApprovingReviewCount": 1}).guarded
    assert gate_of_rules([{"type": "required_status_checks", "parameters": {}}]).guarded
    assert gate_of_rules([{"type": "pull_request", "parameters": {"required_approving_review_count": 2}}]).guarded


def test_a_pull_request_rule_that_asks_for_nobody_is_no_gate() -> None:
    assert not gate_of_rules([{"type": "pull_request", "parameters": {"required_approving_review_count": 0}}]).guarded
    assert not gate_of_rules([{"type": "deletion"}]).guarded
    assert gate_of_protection(None) == Gate()


def test_methods_are_what_every_rule_allows() -> None:
    rules = [
        {"type": "pull_request", "parameters": {"allowed_merge_methods": ["merge", "squash"]}},
        {"type": "required_linear_history"},
    ]
    assert gate_of_rules(rules).methods == frozenset({"squash"})


def test_required_signatures_rule_out_rebasing() -> None:
    gate = gate_of_rules([{"type": "required_signatures"}])
    assert gate.signatures
    assert gate.methods == frozenset({"merge", "squash"})
