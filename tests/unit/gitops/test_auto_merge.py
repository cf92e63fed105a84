"""The table of merge states, line by line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from difyaction.gitops.github.auto_merge import (
    UNKNOWN_POLLS,
    UNSTABLE_POLLS,
    Action,
    Step,
    Tried,
    View,
    end,
    next_step,
    refused,
)
from difyaction.gitops.github.proposal import Wish
from difyaction.gitops.github.pull_state import Gate, PullState
from difyaction.gitops.github.refusals import Refusal, read_refusal

SQUASH = Wish("squash")
AUTO = Wish("auto")
RISKY = Wish("squash", merge_without_checks=True)
GUARDED = Gate(guarded=True)
FRESH = Tried()


def pull(status: str = "BLOCKED", **differently: object) -> PullState:
    usual: dict[str, object] = {
        "id": "PR_1",
        "number": 1,
        "url": "u",
        "state": "OPEN",
        "is_draft": False,
        "head_oid": "h",
        "mergeable": "MERGEABLE",
        "status": status,
        "armed": "",
        "has_queue": False,
        "in_queue": False,
    }
    return PullState(**(usual | differently))  # type: ignore[arg-type]


def view(status: str = "BLOCKED", *, gate: Gate | None = None, allowed: bool = True, **differently: object) -> View:
    return View(
        pull=pull(status, **differently),
        head="h",
        verified=True,
        auto_merge_allowed=allowed,
        methods=("squash", "merge", "rebase"),
        gate=gate,
    )


def told(*refusals: Refusal, **counts: int) -> Tried:
    return Tried(counts=counts, refusals=frozenset(refusals))


@pytest.mark.parametrize("status", ["BLOCKED", "BEHIND"])
def test_a_pull_request_that_waits_for_something_is_armed(status: str) -> None:
    assert next_step(view(status), SQUASH, FRESH) == Step(Action.ARM, method="squash")


@pytest.mark.parametrize("status", ["CLEAN", "HAS_HOOKS"])
def test_one_that_waits_for_nothing_is_merged_at_once_behind_a_gate(status: str) -> None:
    assert next_step(view(status), SQUASH, FRESH) == Step(Action.READ_RULES)
    assert next_step(view(status, gate=GUARDED), SQUASH, FRESH) == Step(Action.MERGE, method="squash")


@pytest.mark.parametrize("status", ["CLEAN", "HAS_HOOKS"])
def test_nothing_merges_unchecked_unless_somebody_opted_in(status: str) -> None:
    assert next_step(view(status, gate=Gate()), SQUASH, FRESH) == refused("no-required-checks")
    assert next_step(view(status, gate=Gate()), RISKY, FRESH) == Step(Action.MERGE, method="squash")


def test_an_unknown_state_is_polled_1_2_4_8_seconds_and_then_armed() -> None:
    tried, waited = FRESH, []
    while (step := next_step(view("UNKNOWN"), SQUASH, tried)).action is Action.POLL:
        waited.append(step.seconds)
        tried = tried.having(step.result)
    assert waited == list(UNKNOWN_POLLS) == [1, 2, 4, 8]
    assert step == Step(Action.ARM, method="squash")


@pytest.mark.parametrize(
    ("wish", "gate", "wanted"),
    [
        (SQUASH, GUARDED, Step(Action.MERGE, method="squash")),
        (SQUASH, Gate(), refused("no-required-checks")),
        (RISKY, Gate(), Step(Action.MERGE, method="squash")),
    ],
)
def test_an_unstable_one_is_given_time_and_then_judged(wish: Wish, gate: Gate, wanted: Step) -> None:
    seen = view("UNSTABLE", gate=gate)
    assert next_step(seen, wish, FRESH) == Step(Action.POLL, result="unstable", seconds=5)
    assert next_step(seen, wish, told(unstable=UNSTABLE_POLLS)) == wanted


def test_what_a_merge_queue_guards_is_enqueued_or_armed_without_a_method() -> None:
    assert next_step(view("CLEAN", has_queue=True), SQUASH, FRESH) == Step(Action.ENQUEUE)
    assert next_step(view("BLOCKED", has_queue=True), SQUASH, FRESH) == Step(Action.ARM)
    assert next_step(view("CLEAN", gate=GUARDED), SQUASH, told(Refusal.QUEUE, merge=1)) == Step(Action.ENQUEUE)


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        (view(state="MERGED"), end("merged")),
        (view(state="CLOSED"), refused("closed")),
        (view(in_queue=True, has_queue=True), end("queued")),
        (view(is_draft=True), refused("draft")),
        (view("DIRTY"), refused("dirty")),
        (view("BLOCKED", mergeable="CONFLICTING"), refused("dirty")),
        (view(armed="squash"), end("already")),
        (view(armed="merge"), Step(Action.DISARM)),
        (view(armed="merge", has_queue=True), end("already")),
        (view(allowed=False), refused("auto-merge-not-allowed")),
        (view("CLEAN", gate=GUARDED, allowed=False), Step(Action.MERGE, method="squash")),
    ],
)
def test_each_state_has_its_one_answer(seen: View, wanted: Step) -> None:
    assert next_step(seen, SQUASH, FRESH) == wanted


def test_any_armed_method_satisfies_auto() -> None:
    assert next_step(view(armed="rebase"), AUTO, FRESH) == end("already")


@pytest.mark.parametrize(
    ("sentence", "wanted"),
    [
        ("Pull request Pull request is a draft", refused("draft")),
        ("Pull request Pull request is in dirty status", refused("dirty")),
        ("Pull request Auto merge is already enabled", end("already")),
        ("Auto merge is not allowed for this repository", refused("auto-merge-not-allowed")),
        ("Pull request User is not authorized for this protected branch", refused("push-restricted")),
        ("Resource not accessible by integration", refused("permission")),
        ("Pull request Protected branch rules not configured for this branch", Step(Action.READ_RULES)),
        ("Pull request Merge method squash merging is not allowed on this repository", refused("method-not-allowed")),
        ("Head branch was modified. Review and try the merge again.", refused("head-moved")),
        ("Base branch was modified. Review and try the merge again.", Step(Action.ARM, method="squash")),
        ("Pull request Pull request is closed", refused("closed")),
        ("The moon is in the wrong phase", refused("other")),
    ],
)
def test_each_sentence_of_githubs_has_its_one_answer(sentence: str, wanted: Step) -> None:
    tried = FRESH.having("arm").told(read_refusal(sentence), "squash")
    assert next_step(view(), SQUASH, tried) == wanted


def test_without_protection_a_direct_merge_is_for_those_who_opted_in() -> None:
    seen = view("CLEAN", gate=Gate())
    assert next_step(seen, SQUASH, told(Refusal.UNPROTECTED, arm=1)) == refused("no-required-checks")
    assert next_step(seen, RISKY, told(Refusal.UNPROTECTED, arm=1)) == Step(Action.MERGE, method="squash")


def test_a_refusal_because_it_is_clean_leads_to_the_direct_merge() -> None:
    seen = view("UNKNOWN", gate=GUARDED)
    assert next_step(seen, SQUASH, told(Refusal.CLEAN, unknown=4, arm=1)) == Step(Action.MERGE, method="squash")


def test_auto_takes_the_first_method_that_settings_and_rules_allow() -> None:
    seen = replace(view("CLEAN", gate=Gate(guarded=True, methods=frozenset({"rebase", "merge"}))))
    assert next_step(seen, AUTO, FRESH) == Step(Action.MERGE, method="merge")
    after = FRESH.having("merge").told(Refusal.METHOD, "merge")
    assert next_step(seen, AUTO, after) == Step(Action.MERGE, method="rebase")
    assert next_step(seen, SQUASH, FRESH) == refused("method-not-allowed")


def test_an_unverified_commit_is_refused_where_signatures_are_required() -> None:
    seen = replace(view(), verified=False)
    assert next_step(seen, SQUASH, FRESH) == Step(Action.READ_RULES)
    assert next_step(replace(seen, gate=Gate(signatures=True)), SQUASH, FRESH) == refused("unverified")
    assert next_step(replace(seen, gate=Gate()), SQUASH, FRESH) == Step(Action.ARM, method="squash")


def test_a_rule_that_forbids_arming_disarms_first() -> None:
    forbidden = Wish("squash", refuse="plugin-migration")
    assert next_step(view(armed="squash"), forbidden, FRESH) == Step(Action.DISARM)
    assert next_step(view(is_draft=True), forbidden, told(disarm=1)) == refused("plugin-migration")


def test_what_a_rule_forbids_is_held_back_in_every_way_or_named() -> None:
    forbidden = Wish("squash", refuse="plugin-migration")
    assert next_step(view(in_queue=True, is_draft=True), forbidden, FRESH) == Step(Action.DEQUEUE)
    assert next_step(view(), forbidden, FRESH) == Step(Action.TO_DRAFT)
    assert next_step(view(), forbidden, told(Refusal.NO_DRAFTS)) == refused("plugin-migration")
    assert next_step(view(armed="squash"), forbidden, told(disarm=2)) == refused("not-disarmed")
    assert next_step(view(in_queue=True), forbidden, told(dequeue=2)) == refused("not-dequeued")
    assert next_step(view(), forbidden, Tried({"to-draft": 2})) == refused("not-drafted")
    assert read_refusal("Draft pull requests are not supported in this repository.") is Refusal.NO_DRAFTS


def test_a_head_that_is_not_ours_is_looked_at_again_and_then_left_alone() -> None:
    seen = view(head_oid="somebody's")
    assert next_step(seen, SQUASH, FRESH).action is Action.POLL
    assert next_step(seen, SQUASH, told(head=3)) == refused("head-moved")


def test_a_merge_that_never_succeeds_comes_to_an_end() -> None:
    assert next_step(view("CLEAN", gate=GUARDED), SQUASH, told(merge=4)) == refused("not-mergeable")
    assert next_step(view(), SQUASH, told(arm=4)) == refused("not-mergeable")
