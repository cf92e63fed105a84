"""A change with an objection never reaches a pull request that could merge it."""

from __future__ import annotations

import pytest

from difyaction.gitops.github.delivery import propose
from difyaction.gitops.github.proposal import Delivered, Proposal, Wish
from difyaction.gitops.github.queries import ARM
from tests.contract.github_setting import (
    NEW,
    OTHER,
    SHARED,
    VALUES,
    bench,
    content,
    order,
    proposal,
    sample,
    shared,
    squash,
)
from tests.emulators.github.emulator import GitHubEmulator
from tests.emulators.github.pulls import Pull
from tests.emulators.github.repository import Repository as Hosted

STAGING = "dify-upgrade/staging"
OBJECTION = squash(refuse="plugin-migration")


def run(github: GitHubEmulator, wish: Wish, asked: Proposal | None = None, **how: object) -> Delivered:
    here = bench(github)
    look = here.look()
    return propose(here.repository, look, order(here, look, asked=asked, wish=wish, **how))  # type: ignore[arg-type]


def armed(github: GitHubEmulator, **settings: object) -> Hosted:
    """Return the sample with an armed pull request whose branch the next run has to rebuild."""
    hosted = sample(github, **settings)
    hosted.ruleset("main", required_checks=("ci",))
    assert run(github, squash()).auto_merge_result == "enabled"
    hosted.push({VALUES: b"# news\n" + content()})
    return hosted


def is_open(pull: Pull) -> bool:
    return bool(pull.auto_merge) or pull.queued or not pull.draft


@pytest.mark.parametrize("asked", [proposal(), proposal(draft=True)])
def test_an_armed_one_is_a_draft_before_anything_is_pushed(github: GitHubEmulator, asked: Proposal) -> None:
    hosted = armed(github)
    seen: list[bool] = []
    for step in ("createRef", "createCommitOnBranch", "updateRefs"):
        github.faults.add(f"GRAPHQL {step}", before=lambda _: seen.append(is_open(hosted.pull(1))))
    delivered = run(github, OBJECTION if not asked.draft else squash(), asked)
    assert delivered.auto_merge_result == f"refused:{'draft' if asked.draft else 'plugin-migration'}"
    assert seen
    assert not any(seen)
    assert hosted.read(STAGING, VALUES) == b"# news\n" + content(NEW)


def test_one_in_the_queue_leaves_it_before_anything_is_pushed(github: GitHubEmulator) -> None:
    hosted = sample(github)
    hosted.ruleset("main", merge_queue=True)
    assert run(github, squash()).auto_merge_result == "queued"
    assert run(github, OBJECTION).auto_merge_result == "refused:plugin-migration"
    assert not is_open(hosted.pull(1))
    hosted.run_queue()
    assert not hosted.pull(1).merged


@pytest.mark.parametrize(
    ("mutation", "wanted"),
    [
        ("disablePullRequestAutoMerge", "refused:not-disarmed"),
        ("convertPullRequestToDraft", "refused:not-drafted"),
    ],
)
def test_one_that_cannot_be_held_back_is_not_pushed_to(github: GitHubEmulator, mutation: str, wanted: str) -> None:
    hosted = armed(github)
    head = hosted.head(STAGING)
    github.faults.add(
        f"GRAPHQL {mutation}", graphql={"type": "FORBIDDEN", "message": "Resource not accessible"}, times=None
    )
    delivered = run(github, OBJECTION)
    assert (delivered.auto_merge_result, delivered.operation, delivered.number) == (wanted, "none", 1)
    assert delivered.warnings == ("GitHub about merging: Resource not accessible",)
    assert hosted.head(STAGING) == head


def test_one_that_cannot_leave_the_queue_is_not_pushed_to(github: GitHubEmulator) -> None:
    hosted = sample(github)
    hosted.ruleset("main", merge_queue=True)
    head = run(github, squash()).head_sha
    hosted.push({"README.md": b"news\n"})
    github.faults.add("GRAPHQL dequeuePullRequest", graphql={"type": "FORBIDDEN", "message": "No"}, times=None)
    assert run(github, OBJECTION).auto_merge_result == "refused:not-dequeued"
    assert hosted.head(STAGING) == head


def test_without_drafts_it_is_disarmed_and_said_so(github: GitHubEmulator) -> None:
    hosted = armed(github, drafts_supported=False)
    delivered = run(github, OBJECTION)
    assert delivered.auto_merge_result == "refused:plugin-migration"
    assert hosted.pull(1).auto_merge is None
    assert "could not be made a draft" in delivered.warnings[0]


def test_one_that_was_armed_between_look_and_push_is_held_back_first(github: GitHubEmulator) -> None:
    hosted = sample(github)
    hosted.ruleset("main", required_checks=("ci",))
    here = bench(github)
    look = here.look()
    mine = order(here, look, asked=shared("staging"), strategy=SHARED, wish=OBJECTION)
    other = bench(github)
    theirs = order(other, other.look(), (OTHER,), asked=shared("production"), strategy=SHARED, wish=squash())
    assert propose(other.repository, other.look(), theirs).auto_merge_result == "enabled"
    seen: list[bool] = []
    github.faults.add("GRAPHQL createCommitOnBranch", after=1, before=lambda _: seen.append(is_open(hosted.pull(1))))
    assert propose(here.repository, look, mine).auto_merge_result == "refused:plugin-migration"
    assert seen == [False]


def test_one_that_was_armed_during_the_push_is_disarmed_after(github: GitHubEmulator) -> None:
    hosted = armed(github)
    run(github, OBJECTION)
    hosted.push({VALUES: b"# more\n" + content()})

    pull = bench(github).look().pulls[0]

    def somebody_arms(_: object) -> None:
        hosted.pull(1).draft = False
        arm = {"pullRequestId": pull.id, "mergeMethod": "SQUASH"}
        assert not bench(github).repository.graphql(ARM, {"arm": arm}).errors

    github.faults.add("GRAPHQL updateRefs", before=somebody_arms)
    assert run(github, OBJECTION).auto_merge_result == "refused:plugin-migration"
    assert not is_open(hosted.pull(1))


def test_an_open_one_beyond_the_first_hundred_is_held_back_too(github: GitHubEmulator) -> None:
    hosted = armed(github)
    for number in range(100):
        hosted.branch(f"x/{number:03}")
        hosted.open_pull(f"x/{number:03}")
    seen: list[bool] = []
    github.faults.add("GRAPHQL updateRefs", before=lambda _: seen.append(is_open(hosted.pull(1))))
    delivered = run(github, OBJECTION)
    assert (delivered.number, delivered.operation) == (1, "updated")
    assert seen == [False]


# -- one pull request of several units ----------------------------------------------------------------------------


def leg(github: GitHubEmulator, unit: str, path: str, wish: Wish) -> str:
    return run(github, wish, shared(unit), paths=(path,), strategy=SHARED).auto_merge_result


def test_one_units_objection_holds_the_pull_request_that_all_share(github: GitHubEmulator) -> None:
    hosted = sample(github)
    hosted.ruleset("main", required_checks=("ci",))
    assert leg(github, "staging", VALUES, OBJECTION) == "refused:plugin-migration"
    assert leg(github, "production", OTHER, squash()) == "refused:held-by-another-unit"
    assert not is_open(hosted.pull(1))
    assert leg(github, "staging", VALUES, squash()) == "enabled"
    assert is_open(hosted.pull(1))


def test_a_draft_that_nobody_explains_is_not_made_ready_by_one_of_several(github: GitHubEmulator) -> None:
    hosted = sample(github)
    leg(github, "staging", VALUES, squash())
    hosted.pull(1).draft = True
    assert leg(github, "production", OTHER, squash()) == "refused:draft"
    assert hosted.pull(1).draft
