"""Answers that get lost, runs that are cut short: nothing is doubled, forgotten, or left without a word."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from difyaction.cancelled import Cancelled
from difyaction.errors import ActionError, Failed
from difyaction.gitops.github.calls import Purpose
from difyaction.gitops.github.delivery import commit, propose
from difyaction.gitops.github.proposal import Delivered
from difyaction.gitops.github.temporary import is_stale, temporary_name
from tests.contract.github_setting import NEW, VALUES, FastTime, bench, content, order, proposal, sample, squash
from tests.emulators.faults import BAD_GATEWAY
from tests.emulators.github.emulator import GitHubEmulator
from tests.emulators.github.repository import Repository as Hosted

STAGING = "dify-upgrade/staging"
WANTED = {"labels": ("dependencies",), "assignees": ("ann",), "reviewers": ("ben",), "team_reviewers": ("acme/ops",)}
LOST = {**BAD_GATEWAY, "lost": True}


def hosted_with(github: GitHubEmulator, mode: str = "100644") -> Hosted:
    hosted = github.repository("acme/gitops", {VALUES: content()}, modes={VALUES: mode})
    hosted.collaborators.update({"ann", "ben"})
    hosted.teams.add("ops")
    return hosted


def run(github: GitHubEmulator, *, asked: dict[str, object] | None = None, **how: object) -> Delivered:
    here = bench(github)
    look = here.look()
    mine = order(here, look, asked=proposal(**(asked or {})), **how)  # type: ignore[arg-type]
    return propose(here.repository, look, mine)


def temporary(hosted: Hosted) -> list[str]:
    return [name for name in hosted.branches if name.startswith("dify-upgrade-temporary/")]


def worn(hosted: Hosted) -> tuple[list[str], ...]:
    pull = hosted.pull(1)
    return pull.labels, pull.assignees, pull.reviewers, pull.team_reviewers


ALL_WORN = (["dependencies"], ["ann"], ["ben"], ["ops"])


# -- a pull request of ours on somebody else's branch --------------------------------------------------------------


def test_one_that_opened_on_somebody_elses_branch_is_closed(github: GitHubEmulator) -> None:
    hosted = hosted_with(github, "100755")
    github.faults.add("GRAPHQL createRef", before=lambda _: hosted.push({"theirs": b"x"}, branch=STAGING))
    delivered = run(github, wish=squash())
    assert (delivered.auto_merge_result, delivered.number) == ("refused:foreign-commits", 0)
    assert [pull.state for pull in hosted.pulls] == ["closed"]
    assert "Opened by mistake" in hosted.pull(1).comments[0].body
    assert hosted.read(STAGING, "theirs") == b"x"


def test_one_that_cannot_be_closed_is_reported(github: GitHubEmulator) -> None:
    hosted = hosted_with(github, "100755")
    github.faults.add("GRAPHQL createRef", before=lambda _: hosted.push({"theirs": b"x"}, branch=STAGING))
    github.faults.add("PATCH */pulls/1", status=403, message="No")
    delivered = run(github)
    assert (delivered.operation, delivered.number) == ("created", 1)
    assert "could not be closed: No" in delivered.warnings[0]


def test_one_that_opened_on_another_runs_branch_of_ours_is_kept(github: GitHubEmulator) -> None:
    hosted = hosted_with(github, "100755")
    here = bench(github)
    look = here.look()
    mine = order(here, look, asked=proposal(**WANTED))
    run(github)
    hosted.pull(1).state = "closed"
    delivered = propose(here.repository, look, mine)
    assert (delivered.operation, delivered.number, hosted.pull(2).state) == ("created", 2, "open")
    assert hosted.pull(2).labels == ["dependencies"]


# -- answers that get lost ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "request_"), [("100644", "POST */pulls"), ("100755", "GRAPHQL createRef"), ("100644", "GRAPHQL createRef")]
)
def test_a_pull_request_whose_answer_was_lost_is_given_what_was_asked_for(
    github: GitHubEmulator, mode: str, request_: str
) -> None:
    hosted = hosted_with(github, mode)
    github.faults.add(request_, **LOST)
    delivered = run(github, asked=WANTED)
    assert (delivered.operation, delivered.number, delivered.warnings) == ("created", 1, ())
    assert worn(hosted) == ALL_WORN


def test_what_an_earlier_run_did_not_come_to_is_made_up_for(github: GitHubEmulator) -> None:
    hosted = hosted_with(github)
    run(github)
    hosted.pull(1).labels = ["theirs"]
    assert run(github, asked=WANTED).operation == "updated"
    assert worn(hosted) == (["theirs", "dependencies"], *ALL_WORN[1:])
    before = len(github.requests)
    assert run(github, asked=WANTED).operation == "none"
    assert {request.method for request in github.requests[before:]} <= {"GET", "POST"}
    assert not [request for request in github.requests[before:] if "requested_reviewers" in request.path]


def test_whoever_has_reviewed_is_not_asked_again(github: GitHubEmulator) -> None:
    hosted = hosted_with(github)
    run(github, asked=WANTED)
    hosted.approve(1, by="ben")
    hosted.pull(1).reviewers, hosted.pull(1).team_reviewers = [], []
    assert run(github, asked=WANTED).operation == "none"
    assert hosted.pull(1).reviewers == []


def test_somebody_elses_pull_request_is_not_dressed(github: GitHubEmulator) -> None:
    hosted = hosted_with(github)
    run(github)
    hosted.pull(1).author = hosted.credentials.actor("jane")
    run(github, asked=WANTED)
    assert worn(hosted) == ([], [], [], [])


def test_a_commit_to_the_base_whose_answer_was_lost_is_ours(github: GitHubEmulator) -> None:
    hosted = sample(github)
    github.faults.add("GRAPHQL createCommitOnBranch", **LOST)
    here = bench(github)
    look = here.look()
    delivered = commit(here.repository, look, order(here, look))
    assert (delivered.head_sha, delivered.verified) == (hosted.head("main"), True)


def test_it_is_ours_too_when_others_have_committed_since(github: GitHubEmulator) -> None:
    hosted = sample(github)
    here = bench(github)
    look = here.look()
    github.faults.add("GRAPHQL createCommitOnBranch", **LOST)
    github.faults.add("GRAPHQL createCommitOnBranch", before=lambda _: hosted.push({"README.md": b"news\n"}))
    delivered = commit(here.repository, look, order(here, look))
    assert delivered.head_sha == hosted.commit("main").parents[0]
    assert delivered.verified


def test_what_somebody_else_committed_meanwhile_is_not_claimed(github: GitHubEmulator) -> None:
    hosted = sample(github)
    here = bench(github)
    look = here.look()
    mine = order(here, look)
    hosted.push({VALUES: content(NEW)}, message="By hand\n\nDify-Upgrade-Action: staging")
    assert commit(here.repository, look, mine).verified is None


# -- runs that are cut short --------------------------------------------------------------------------------------


def cancelled(_: object) -> None:
    raise Cancelled(signal.SIGTERM)


def cut(github: GitHubEmulator, pattern: str, stop: Callable[[object], None] = cancelled) -> Cancelled:
    """Run until a request like this was carried out, and cancel while its answer is awaited."""
    here = bench(github)
    look = here.look()
    mine = order(here, look, asked=proposal(**WANTED))
    requester = here.repository.client.requester
    send = requester.requestJson

    def interrupted(verb: str, url: str, **how: object) -> object:
        answer = send(verb, url, **how)  # type: ignore[arg-type]
        if github.requests[-1].is_like(pattern) and not stopped:
            stopped.append(url)
            stop(answer)
        return answer

    stopped: list[str] = []
    requester.requestJson = interrupted  # type: ignore[assignment,method-assign]
    with pytest.raises(Cancelled) as caught:
        propose(here.repository, look, mine)
    return caught.value


@pytest.mark.parametrize("step", ["createRef", "updateRefs"])
def test_a_cancelled_rebuild_leaves_no_temporary_branch(github: GitHubEmulator, step: str) -> None:
    hosted = sample(github)
    run(github)
    hosted.push({"README.md": b"news\n"})
    cut(github, f"GRAPHQL {step}")
    assert temporary(hosted) == []


def test_a_rebuild_whose_answers_are_lost_leaves_none_either(github: GitHubEmulator) -> None:
    hosted = sample(github)
    run(github)
    hosted.push({"README.md": b"news\n"})
    github.faults.add("GRAPHQL createRef", **LOST)
    github.faults.add("GRAPHQL updateRefs", **LOST)
    assert run(github).operation == "updated"
    assert temporary(hosted) == []


def test_what_a_killed_run_left_is_swept_after_an_hour(github: GitHubEmulator) -> None:
    hosted = sample(github)
    time = FastTime()
    young = temporary_name(time.pace())
    time.now -= 3700
    old = temporary_name(time.pace())
    for name in (young, old, "dify-upgrade-temporary/notes"):
        hosted.branch(name)
    delivered = run(github)
    assert sorted(temporary(hosted)) == sorted([young, "dify-upgrade-temporary/notes"])
    assert delivered.calls.of(Purpose.SUPERSEDING) == 1
    assert not is_stale("dify-upgrade-temporary/notes", time.now)


def test_a_cancelled_run_says_what_it_made(github: GitHubEmulator) -> None:
    hosted = hosted_with(github)
    why = cut(github, "PATCH */issues/1")
    assert why.left == {
        "pull-request-number": "1",
        "pull-request-url": f"{github.origin}/acme/gitops/pull/1",
        "pull-request-operation": "created",
    }
    assert len(hosted.pulls) == 1


def failing(github: GitHubEmulator, **how: object) -> ActionError:
    with pytest.raises(Failed) as caught:
        run(github, **how)  # type: ignore[arg-type]
    return caught.value


def test_an_error_after_the_branch_names_it(github: GitHubEmulator) -> None:
    sample(github)
    github.faults.add("POST */pulls", status=403, message="Resource not accessible by integration")
    error = failing(github)
    assert f"The branch {STAGING} was written" in str(error)
    assert error.left == {}


def test_an_error_after_the_pull_request_names_both(github: GitHubEmulator) -> None:
    sample(github).ruleset("main", required_checks=("ci",))
    github.faults.add("GRAPHQL enablePullRequestAutoMerge", status=429, headers={"Retry-After": "4000"}, times=None)
    error = failing(github, wish=squash())
    assert f"Pull request #1 stands on the branch {STAGING}" in str(error)
    assert (error.left["pull-request-number"], error.left["pull-request-operation"]) == ("1", "created")


def test_an_error_on_an_update_says_so(github: GitHubEmulator) -> None:
    hosted = sample(github)
    run(github)
    hosted.push({"README.md": b"news\n"})
    github.faults.add("PATCH */pulls/1", status=403, message="No")
    error = failing(github, asked={"title": "Another"})
    assert "Pull request #1 stands" in str(error)
    assert error.left["pull-request-operation"] == "updated"


def test_an_error_before_anything_was_written_says_that_nothing_was_changed(github: GitHubEmulator) -> None:
    hosted = sample(github)
    run(github)
    hosted.push({"README.md": b"news\n"})
    github.faults.add("GRAPHQL createRef", status=403, message="No")
    error = failing(github)
    assert "Nothing was changed." in str(error)
    assert error.left["pull-request-operation"] == "none"


def test_an_error_after_it_was_held_back_says_that(github: GitHubEmulator) -> None:
    hosted = sample(github)
    hosted.ruleset("main", required_checks=("ci",))
    run(github, wish=squash())
    hosted.push({"README.md": b"news\n"})
    github.faults.add("GRAPHQL createRef", status=403, message="No")
    error = failing(github, wish=squash(refuse="plugin-migration"))
    assert "Pull request #1 was made a draft" in str(error)
    assert error.left["pull-request-operation"] == "updated"
