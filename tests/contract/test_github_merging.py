"""Auto-merge ends in a named result, whatever the repository is like."""

from __future__ import annotations

import pytest

from difyaction.gitops.github.calls import Purpose
from difyaction.gitops.github.delivery import propose
from difyaction.gitops.github.proposal import Delivered, Wish
from tests.contract.github_setting import VALUES, bench, content, order, proposal, sample, squash
from tests.emulators.github.emulator import GitHubEmulator

STAGING = "dify-upgrade/staging"


def run(github: GitHubEmulator, wish: Wish, *, token: str = "") -> Delivered:
    here = bench(github, token)
    look = here.look()
    return propose(here.repository, look, order(here, look, wish=wish))


def test_what_waits_for_a_check_is_armed_and_merges_when_it_passes(github: GitHubEmulator) -> None:
    hosted = sample(github)
    hosted.ruleset("main", required_checks=("ci",))
    assert run(github, squash()).auto_merge_result == "enabled"
    hosted.check(STAGING, "ci")
    assert hosted.pull(1).merged


def test_a_push_that_disarmed_it_is_followed_by_arming_again(github: GitHubEmulator) -> None:
    hosted = sample(github, push_disarms=True)
    hosted.ruleset("main", required_checks=("ci",))
    run(github, squash())
    hosted.push({"README.md": b"news\n"})
    assert run(github, squash()).auto_merge_result == "enabled"
    assert hosted.pull(1).auto_merge is not None


def test_the_method_it_is_armed_with_follows_the_wish(github: GitHubEmulator) -> None:
    hosted = sample(github)
    hosted.ruleset("main", required_checks=("ci",))
    run(github, squash())
    assert run(github, Wish("merge")).auto_merge_result == "enabled"
    armed = hosted.pull(1).auto_merge
    assert armed is not None
    assert armed.method == "merge"


@pytest.mark.parametrize(("opted_in", "wanted"), [(False, "refused:no-required-checks"), (True, "merged")])
def test_without_protection_it_merges_only_for_those_who_opted_in(
    github: GitHubEmulator,
    opted_in: bool,  # noqa: FBT001 - a column of the table
    wanted: str,
) -> None:
    hosted = sample(github)
    assert run(github, squash(merge_without_checks=opted_in)).auto_merge_result == wanted
    assert hosted.pull(1).merged is opted_in


def test_what_already_passed_everything_is_merged_at_once(github: GitHubEmulator) -> None:
    hosted = sample(github)
    hosted.ruleset("main", required_checks=("ci",))
    run(github, Wish("off"))
    hosted.check(STAGING, "ci")
    assert run(github, squash()).auto_merge_result == "merged"


def test_auto_merge_switched_off_in_the_settings_is_named(github: GitHubEmulator) -> None:
    hosted = sample(github, allow_auto_merge=False)
    hosted.ruleset("main", required_checks=("ci",))
    assert run(github, squash()).auto_merge_result == "refused:auto-merge-not-allowed"
    hosted.check(STAGING, "ci")
    assert run(github, squash()).auto_merge_result == "merged"


def test_pending_checks_that_nobody_requires_are_given_time(github: GitHubEmulator) -> None:
    hosted = sample(github)
    hosted.ruleset("main", required_checks=("ci",))
    run(github, Wish("off"))
    hosted.check(STAGING, "ci")
    hosted.check(STAGING, "lint", "pending")
    here = bench(github)
    look = here.look()
    assert propose(here.repository, look, order(here, look, wish=squash())).auto_merge_result == "merged"
    assert here.time.pauses.count(5.0) == 6


def test_a_merge_queue_takes_it_armed_or_enqueued(github: GitHubEmulator) -> None:
    hosted = sample(github)
    hosted.ruleset("main", required_checks=("ci",), merge_queue=True)
    assert run(github, squash()).auto_merge_result == "enabled"
    hosted.check(STAGING, "ci")
    assert hosted.pull(1).queued
    assert run(github, squash()).auto_merge_result == "queued"
    hosted.run_queue()
    assert hosted.pull(1).merged


def test_a_merge_queue_with_nothing_to_wait_for_is_joined_at_once(github: GitHubEmulator) -> None:
    hosted = sample(github)
    hosted.ruleset("main", merge_queue=True)
    assert run(github, squash()).auto_merge_result == "queued"
    assert hosted.pull(1).queued


@pytest.mark.parametrize(("wish", "wanted"), [("rebase", "refused:method-not-allowed"), ("auto", "enabled")])
def test_auto_takes_a_method_that_is_allowed_and_a_named_one_is_not_exchanged(
    github: GitHubEmulator, wish: str, wanted: str
) -> None:
    hosted = sample(github, allow_rebase_merge=False, allow_squash_merge=False)
    hosted.ruleset("main", required_checks=("ci",))
    assert run(github, Wish(wish)).auto_merge_result == wanted


def test_an_unverified_commit_is_not_armed_where_signatures_are_required(github: GitHubEmulator) -> None:
    hosted = github.repository("acme/gitops", {VALUES: content()}, modes={VALUES: "100755"})
    hosted.ruleset("main", required_checks=("ci",), signatures=True)
    delivered = run(github, squash(), token=github.token("fine-grained"))
    assert (delivered.verified, delivered.auto_merge_result) == (False, "refused:unverified")


def test_a_token_that_may_not_is_named(github: GitHubEmulator) -> None:
    hosted = sample(github)
    hosted.ruleset("main", required_checks=("ci",))
    refused = {"type": "FORBIDDEN", "message": "Resource not accessible by integration"}
    github.faults.add("GRAPHQL enablePullRequestAutoMerge", graphql=refused)
    delivered = run(github, squash())
    assert delivered.auto_merge_result == "refused:permission"
    assert delivered.warnings == ("GitHub about merging: Resource not accessible by integration",)


def test_push_restrictions_are_named(github: GitHubEmulator) -> None:
    hosted = sample(github)
    hosted.protect("main", required_checks=("ci",), push_allowed=("release-team",))
    assert run(github, squash()).auto_merge_result == "refused:push-restricted"


def test_a_state_that_is_computed_slowly_is_waited_for(github: GitHubEmulator) -> None:
    hosted = sample(github, unknown_looks=3)
    hosted.ruleset("main", required_checks=("ci",))
    delivered = run(github, squash())
    assert delivered.auto_merge_result == "enabled"
    assert delivered.calls.of(Purpose.POLLING) == 4


def test_a_base_that_moves_under_the_merge_is_tried_again(github: GitHubEmulator) -> None:
    sample(github)
    moved = "Base branch was modified. Review and try the merge again."
    github.faults.add("PUT */merge", status=405, message=moved)
    assert run(github, squash(merge_without_checks=True)).auto_merge_result == "merged"


def test_a_head_that_somebody_moved_is_not_merged(github: GitHubEmulator) -> None:
    hosted = sample(github)
    hosted.ruleset("main", required_checks=("ci",))

    def push(_: object) -> None:
        hosted.push({VALUES: b"by hand\n"}, branch=STAGING)

    github.faults.add("GRAPHQL enablePullRequestAutoMerge", before=push)
    assert run(github, squash()).auto_merge_result == "refused:head-moved"


def test_an_enterprise_server_without_queues_is_not_asked_about_them() -> None:
    with GitHubEmulator(ghes="3.10.2") as github:
        hosted = sample(github)
        hosted.ruleset("main", required_checks=("ci",))
        assert run(github, squash()).auto_merge_result == "enabled"
        assert not [request for request in github.requests if "isInMergeQueue" in (request.document or "")]


def test_classic_protection_is_a_gate_too(github: GitHubEmulator) -> None:
    hosted = sample(github)
    hosted.protect("main", required_checks=("ci",))
    run(github, Wish("off"))
    hosted.check(STAGING, "ci")
    assert run(github, squash()).auto_merge_result == "merged"


def test_an_objection_keeps_it_unarmed(github: GitHubEmulator) -> None:
    hosted = sample(github)
    hosted.ruleset("main", required_checks=("ci",))
    here = bench(github)
    look = here.look()
    mine = order(here, look, asked=proposal(draft=True), wish=squash(refuse="schema-downgrade"))
    assert propose(here.repository, look, mine).auto_merge_result == "refused:schema-downgrade"
    assert hosted.pull(1).auto_merge is None
