from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.emulators.github.emulator import GitHubEmulator
from tests.emulators.github.repository import Repository

Ask = Callable[..., dict[str, Any]]
ARM = """mutation($i: EnablePullRequestAutoMergeInput!) {
  enablePullRequestAutoMerge(input: $i) { pullRequest { state isInMergeQueue autoMergeRequest { mergeMethod } } } }"""
ENQUEUE = "mutation($i: EnqueuePullRequestInput!) { enqueuePullRequest(input: $i) { mergeQueueEntry { position } } }"
LOOK = """{ repository(owner: "acme", name: "gitops") { mergeQueue(branch: "main") { id } autoMergeAllowed
  pullRequests(first: 5, headRefName: "bump", states: [OPEN], orderBy: {field: CREATED_AT, direction: DESC}) {
    nodes { id number mergeable mergeStateStatus viewerCanEnableAutoMerge isCrossRepository } } } }"""


@pytest.fixture
def pull_id(ask: Ask, repo: Repository) -> str:
    repo.push({"values.yaml": b"image:\n  tag: 1.14.1\n"}, branch="bump", signed=True)
    repo.open_pull("bump", author="dify-upgrader[bot]")
    return ask(LOOK)["data"]["repository"]["pullRequests"]["nodes"][0]["id"]


def arm(ask: Ask, pull_id: str, kind: str = "app", **wish: Any) -> dict[str, Any]:  # noqa: ANN401
    return ask(ARM, kind, i={"pullRequestId": pull_id, "mergeMethod": "SQUASH", **wish})


def need_ci(repo: Repository) -> None:
    repo.protect("main", required_checks=("ci",))


def test_an_armed_pull_request_merges_with_its_last_requirement(ask: Ask, repo: Repository, pull_id: str) -> None:
    repo.protect("main", required_checks=("ci", "lint"), approvals=1)
    armed = arm(ask, pull_id)["data"]["enablePullRequestAutoMerge"]["pullRequest"]
    assert armed == {"state": "OPEN", "isInMergeQueue": False, "autoMergeRequest": {"mergeMethod": "SQUASH"}}
    repo.check("bump", "ci")
    repo.approve(1)
    assert repo.pull(1).state == "open"
    repo.check("bump", "lint")
    assert repo.pull(1).merged
    assert repo.commit().message == "Something (#1)"
    assert repo.read("main", "values.yaml") == b"image:\n  tag: 1.14.1\n"


REFUSALS: list[tuple[Callable[[Repository], object], str]] = [
    (lambda repo: setattr(repo.settings, "allow_auto_merge", False), "Auto merge is not allowed for this repository"),
    (lambda _repo: None, "Pull request Protected branch rules not configured for this branch"),
    (lambda repo: (need_ci(repo), repo.check("bump", "ci")), "Pull request Pull request is in clean status"),
    (
        lambda repo: (need_ci(repo), repo.check("bump", "ci"), repo.check("bump", "slow", "pending")),
        "Pull request Pull request is in unstable status",
    ),
    (lambda repo: (need_ci(repo), repo.push({"values.yaml": b"9\n"})), "Pull request Pull request is in dirty status"),
    (lambda repo: (need_ci(repo), setattr(repo.pull(1), "draft", True)), "Pull request Pull request is a draft"),
    (
        lambda repo: repo.protect("main", approvals=1, push_allowed=("alice",)),
        "Pull request User is not authorized for this protected branch",
    ),
    (
        lambda repo: (need_ci(repo), setattr(repo.settings, "allow_squash_merge", False)),
        "Pull request Merge method squash merging is not allowed on this repository",
    ),
    (
        lambda repo: repo.ruleset("main", approvals=1, methods=("merge",)),
        "Pull request Merge method squash merging is not allowed on this repository",
    ),
]


@pytest.mark.parametrize(("arrange", "text"), REFUSALS)
def test_arming_is_refused_in_githubs_words(
    ask: Ask, repo: Repository, pull_id: str, arrange: Callable[[Repository], object], text: str
) -> None:
    arrange(repo)
    error = arm(ask, pull_id)["errors"][0]
    assert (error["type"], error["message"]) == ("UNPROCESSABLE", text)
    assert repo.pull(1).auto_merge is None


def test_arming_twice_and_disarming(ask: Ask, repo: Repository, pull_id: str) -> None:
    need_ci(repo)
    arm(ask, pull_id)
    assert arm(ask, pull_id)["errors"][0]["message"] == "Pull request Auto merge is already enabled"
    disarm = """mutation($i: DisablePullRequestAutoMergeInput!) {
      disablePullRequestAutoMerge(input: $i) { pullRequest { number } } }"""
    ask(disarm, i={"pullRequestId": pull_id})
    repo.check("bump", "ci")
    assert repo.pull(1).state == "open"


def test_arming_needs_contents_write(ask: Ask, github: GitHubEmulator, repo: Repository, pull_id: str) -> None:
    need_ci(repo)
    token = github.token(permissions={"pull_requests": "write", "contents": "read"})
    error = ask(ARM, token=token, i={"pullRequestId": pull_id})["errors"][0]
    assert (error["type"], error["message"]) == ("FORBIDDEN", "Resource not accessible by integration")


def test_a_push_may_switch_it_off(ask: Ask, repo: Repository, pull_id: str) -> None:
    need_ci(repo)
    repo.settings.push_disarms = True
    arm(ask, pull_id)
    repo.push({"values.yaml": b"2\n"}, branch="bump")
    assert repo.pull(1).auto_merge is None
    stale = arm(ask, pull_id, expectedHeadOid=repo.head())["errors"][0]
    assert stale["message"] == "Head branch was modified. Review and try the merge again."


def test_the_merge_queue_takes_what_is_ready(ask: Ask, repo: Repository, pull_id: str) -> None:
    repo.ruleset("main", required_checks=("ci",), merge_queue=True)
    waiting = ask(ENQUEUE, i={"pullRequestId": pull_id})["errors"][0]["message"]
    assert waiting == 'Pull request Required status check "ci" is expected.'
    assert arm(ask, pull_id)["data"]["enablePullRequestAutoMerge"]["pullRequest"]["isInMergeQueue"] is False
    repo.check("bump", "ci")
    assert repo.pull(1).queued
    assert ask(ENQUEUE, i={"pullRequestId": pull_id})["errors"][0]["message"] == "Pull request is already in the queue"
    repo.run_queue()
    assert repo.pull(1).merged


def test_with_a_queue_arming_a_ready_pull_request_queues_it(ask: Ask, repo: Repository, pull_id: str) -> None:
    repo.protect("main", merge_queue=True)
    armed = arm(ask, pull_id)["data"]["enablePullRequestAutoMerge"]["pullRequest"]
    assert armed == {"state": "OPEN", "isInMergeQueue": True, "autoMergeRequest": None}
    repo.push({"values.yaml": b"2\n"}, branch="bump")
    assert not repo.pull(1).queued


@pytest.mark.usefixtures("pull_id")
def test_one_look_tells_all_that_arming_needs(ask: Ask, repo: Repository) -> None:
    repo.open_pull("bump", author="stranger", fork_of="stranger")
    need_ci(repo)
    found = ask(LOOK)["data"]["repository"]
    assert (found["mergeQueue"], found["autoMergeAllowed"]) == (None, True)
    fork, ours = found["pullRequests"]["nodes"]
    assert (fork["isCrossRepository"], ours["isCrossRepository"]) == (True, False)
    assert (ours["mergeable"], ours["mergeStateStatus"], ours["viewerCanEnableAutoMerge"]) == (
        "MERGEABLE",
        "BLOCKED",
        True,
    )


@pytest.mark.usefixtures("pull_id")
def test_a_pull_request_is_opened_edited_and_closed(ask: Ask, repo: Repository) -> None:
    repo.push({"x": b"1"}, branch="next")
    identifier = ask('{ repository(owner: "acme", name: "gitops") { id label(name: "bug") { id } } }')
    repository = identifier["data"]["repository"]
    wish = {"repositoryId": repository["id"], "headRefName": "next", "baseRefName": "main", "title": "T", "draft": True}
    create = "mutation($i: CreatePullRequestInput!) { createPullRequest(input: $i) { pullRequest { id isDraft } } }"
    made = ask(create, i=wish)["data"]["createPullRequest"]["pullRequest"]
    assert made["isDraft"]
    assert ask(create, i=wish)["errors"][0]["message"] == "A pull request already exists for acme:next."
    assert "Head sha can't be blank" in ask(create, i={**wish, "headRefName": "no"})["errors"][0]["message"]

    ready = """mutation($p: ID!, $l: [ID!]!) {
      a: markPullRequestReadyForReview(input: {pullRequestId: $p}) { pullRequest { isDraft } }
      b: updatePullRequest(input: {pullRequestId: $p, title: "U"}) { pullRequest { title } }
      c: addLabelsToLabelable(input: {labelableId: $p, labelIds: $l}) { labelable { labels(first: 5) { totalCount } } }
      d: addComment(input: {subjectId: $p, body: "hello"}) { clientMutationId }
      e: closePullRequest(input: {pullRequestId: $p}) { pullRequest { state } } }"""
    done = ask(ready, p=made["id"], l=[repository["label"]["id"]])["data"]
    assert done["a"]["pullRequest"]["isDraft"] is False
    assert done["b"]["pullRequest"]["title"] == "U"
    assert done["c"]["labelable"]["labels"]["totalCount"] == 1
    assert done["e"]["pullRequest"]["state"] == "CLOSED"
    assert repo.pull(2).comments[0].body == "hello"
