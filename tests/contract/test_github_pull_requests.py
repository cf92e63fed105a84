"""The pull request: opened once, kept up to date, given what was asked for."""

from __future__ import annotations

import pytest

from difyaction.errors import Failed
from difyaction.gitops.github.calls import Purpose
from difyaction.gitops.github.delivery import propose
from difyaction.gitops.github.proposal import Delivered, Proposal, Wish
from difyaction.gitops.github.queries import bodies
from tests.contract.github_setting import NEW, OTHER, VALUES, bench, bump, content, order, proposal, sample, squash
from tests.emulators.github.emulator import GitHubEmulator

STAGING = "dify-upgrade/staging"


def run(github: GitHubEmulator, asked: Proposal | None = None, *, token: str = "", **how: object) -> Delivered:
    here = bench(github, token)
    look = here.look()
    return propose(here.repository, look, order(here, look, asked=asked, **how))  # type: ignore[arg-type]


def test_title_and_text_are_written_only_where_they_differ(github: GitHubEmulator) -> None:
    hosted = sample(github)
    run(github)
    hosted.pull(1).body = hosted.pull(1).body.replace("\n", "\r\n")
    assert run(github).operation == "none"
    assert not github.calls("PATCH *")
    assert run(github, proposal(title="Upgrade Dify to 1.14.2")).operation == "updated"
    assert hosted.pull(1).title == "Upgrade Dify to 1.14.2"
    assert len(github.calls("PATCH */pulls/1")) == 1


def test_one_that_was_opened_meanwhile_is_found_not_doubled(github: GitHubEmulator) -> None:
    hosted = sample(github)
    here = bench(github)
    look = here.look()
    mine = order(here, look)

    def somebody_opens(_: object) -> None:
        hosted.open_pull(STAGING, author="installed-app[bot]", title="Theirs")

    github.faults.add("POST */pulls", before=somebody_opens)
    delivered = propose(here.repository, look, mine)
    assert (delivered.operation, delivered.number) == ("updated", 1)
    assert hosted.pull(1).title == mine.proposal.title


def test_a_merged_pull_request_is_followed_by_a_new_one(github: GitHubEmulator) -> None:
    hosted = sample(github)
    first = run(github, wish=squash(merge_without_checks=True))
    assert first.auto_merge_result == "merged"
    hosted.push({VALUES: content(b"1.13.3") + b"# reverted\n"})
    second = run(github)
    assert (second.operation, second.number) == ("created", 2)
    assert hosted.read(STAGING, VALUES) == content(NEW) + b"# reverted\n"


def test_a_draft_is_made_ready_and_the_reverse(github: GitHubEmulator) -> None:
    hosted = sample(github)
    hosted.ruleset("main", required_checks=("ci",))
    assert run(github, proposal(draft=True), wish=squash()).auto_merge_result == "refused:draft"
    assert hosted.pull(1).draft
    assert run(github, wish=squash()).auto_merge_result == "enabled"
    assert not hosted.pull(1).draft
    refusing = run(github, proposal(draft=True), wish=squash(refuse="plugin-migration"))
    assert refusing.auto_merge_result == "refused:plugin-migration"
    assert hosted.pull(1).draft
    assert hosted.pull(1).auto_merge is None


@pytest.mark.parametrize("mode", ["100644", "100755"])
def test_where_drafts_are_not_to_be_had_it_is_usual_and_said_so(github: GitHubEmulator, mode: str) -> None:
    hosted = github.repository("acme/gitops", {VALUES: content()}, modes={VALUES: mode}, drafts_supported=False)
    delivered = run(github, proposal(draft=True), wish=squash(refuse="plugin-migration"))
    assert delivered.operation == "created"
    assert delivered.auto_merge_result == "refused:plugin-migration"
    assert "no draft pull requests" in delivered.warnings[0]
    assert not hosted.pull(1).draft


def test_what_cannot_be_had_is_a_warning_with_its_name(github: GitHubEmulator) -> None:
    hosted = sample(github)
    hosted.collaborators.add("ann")
    asked = proposal(
        reviewers=("ann", "stranger"), team_reviewers=("acme/nobody",), assignees=("ann", "ghost"), labels=("x",)
    )
    delivered = run(github, asked)
    assert delivered.operation == "created"
    assert hosted.pull(1).labels == ["x"]
    assert hosted.pull(1).assignees == ["ann"]
    assert hosted.pull(1).reviewers == ["ann"]
    said = "\n".join(delivered.warnings)
    assert "ghost" in said
    assert "stranger was not asked for a review" in said
    assert "nobody was not asked for a review" in said
    assert "ann was" not in said


def test_right_after_creation_follow_ups_are_tried_again(github: GitHubEmulator) -> None:
    hosted = sample(github)
    unseen = "Could not resolve to a node with the global id of 'PR_1'."
    github.faults.add("PATCH */issues/1", status=422, message=unseen, times=2)
    delivered = run(github, proposal(labels=("x",)))
    assert delivered.warnings == ()
    assert hosted.pull(1).labels == ["x"]


def test_older_ones_about_the_same_unit_are_closed_and_no_others(github: GitHubEmulator) -> None:
    hosted = sample(github)
    run(github, proposal(branch="dify-upgrade/staging-1.14.0"))
    run(github, proposal(branch="dify-upgrade/production", unit="production"), paths=(OTHER,))
    hosted.push({"note": b"x"}, branch="feature")
    hosted.open_pull("feature", author="jane", body=hosted.pull(1).body)
    delivered = run(github, proposal(branch="dify-upgrade/staging-1.14.1"))
    assert [hosted.pull(number).state for number in (1, 2, 3)] == ["closed", "open", "open"]
    assert hosted.pull(1).comments[0].body == f"Superseded by #{delivered.number}."
    assert "dify-upgrade/staging-1.14.0" not in hosted.branches
    assert delivered.calls.of(Purpose.SUPERSEDING) == 4


def test_a_superseded_branch_with_somebodys_commits_stays(github: GitHubEmulator) -> None:
    hosted = sample(github)
    run(github, proposal(branch="dify-upgrade/staging-1.14.0"))
    hosted.push({"note": b"x"}, branch="dify-upgrade/staging-1.14.0")
    run(github, proposal(branch="dify-upgrade/staging-1.14.1"))
    assert hosted.pull(1).state == "closed"
    assert "dify-upgrade/staging-1.14.0" in hosted.branches
    assert "branch stays" in hosted.pull(1).comments[0].body


@pytest.mark.parametrize(
    ("kind", "settings", "permissions", "wanted"),
    [
        ("actions", {}, None, "actions-may-not-open-pull-requests"),
        ("app", {}, {"contents": "write", "pull_requests": "read"}, "token-may-not"),
    ],
)
def test_why_none_could_be_opened_is_said_with_what_is_left_behind(
    github: GitHubEmulator, kind: str, settings: dict[str, bool], permissions: dict[str, str] | None, wanted: str
) -> None:
    hosted = sample(github, **settings)
    with pytest.raises(Failed) as caught:
        run(github, token=github.token(kind, permissions=permissions))
    assert caught.value.id == wanted
    assert f"The branch {STAGING} was written" in str(caught.value)
    assert STAGING in hosted.branches
    assert not hosted.pulls


def test_a_text_too_long_for_github_is_cut(github: GitHubEmulator) -> None:
    hosted = sample(github)
    run(github, proposal(body="x" * 100_000))
    assert len(hosted.pull(1).body) <= 65_536


def test_another_base_has_its_own_pull_request(github: GitHubEmulator) -> None:
    hosted = sample(github)
    hosted.branch("release/1.x")
    here = bench(github)
    look, files = here.repository.survey(lambda entries: entries, base="release/1.x", prefix="dify-upgrade/")
    assert {file.path for file in files} == {VALUES, OTHER}
    assert bump({VALUES: content()})
    delivered = propose(here.repository, look, order(here, look, wish=Wish("off")))
    assert hosted.pull(delivered.number).base == "release/1.x"
    assert delivered.auto_merge_result == "off"


def test_documents_name_what_they_ask_for() -> None:
    assert "p1: pullRequest(number: 8)" in bodies([7, 8])
