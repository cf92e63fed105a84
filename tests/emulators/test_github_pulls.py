from __future__ import annotations

from collections.abc import Callable

import pytest
from github import Github, GithubException
from github.PullRequest import PullRequest

from tests.emulators.github.repository import Repository

Client = Callable[..., Github]


def refusal(act: Callable[[], object]) -> tuple[int, str]:
    """Return status and the most telling text of what is refused."""
    with pytest.raises(GithubException) as caught:
        act()
    data = caught.value.data
    return caught.value.status, (data.get("errors") or [data])[0].get("message") or data["errors"][0]["field"]


def opened(client: Client, repo: Repository, kind: str = "app", **wish: object) -> PullRequest:
    repo.push({"values.yaml": b"image:\n  tag: 1.14.1\n"}, branch="bump", signed=True)
    return client(kind).get_repo(repo.full_name).create_pull(base="main", head="bump", title="Bump", body="b", **wish)


def test_a_pull_request_is_opened_once(client: Client, repo: Repository) -> None:
    pull = opened(client, repo)
    remote = client().get_repo(repo.full_name)
    assert (pull.number, pull.user.login, pull.changed_files) == (1, "installed-app[bot]", 1)
    assert [one.number for one in remote.get_pulls(head="acme:bump", base="main")] == [1]
    again = refusal(lambda: remote.create_pull(base="main", head="acme:bump", title="x"))
    assert again == (422, "A pull request already exists for acme:bump.")


def test_opening_is_refused_in_githubs_words(client: Client, repo: Repository) -> None:
    remote = client().get_repo(repo.full_name)
    repo.branch("same")
    assert refusal(lambda: remote.create_pull(base="main", head="same", title="x")) == (
        422,
        "No commits between main and same",
    )
    assert refusal(lambda: remote.create_pull(base="main", head="none", title="x")) == (422, "head")
    assert refusal(lambda: remote.create_pull(base="none", head="same", title="x")) == (422, "base")
    repo.settings.drafts_supported = False
    repo.push({"x": b"1"}, branch="same")
    assert refusal(lambda: remote.create_pull(base="main", head="same", title="x", draft=True))[0] == 422
    actions = client("actions").get_repo(repo.full_name)
    assert refusal(lambda: actions.create_pull(base="main", head="same", title="x")) == (
        403,
        "GitHub Actions is not permitted to create or approve pull requests.",
    )
    reader = client(permissions={"contents": "read", "pull_requests": "read"}).get_repo(repo.full_name)
    assert refusal(lambda: reader.create_pull(base="main", head="same", title="x")) == (
        403,
        "Resource not accessible by integration",
    )


def test_people_and_labels(client: Client, repo: Repository) -> None:
    repo.collaborators |= {"alice"}
    repo.teams |= {"platform"}
    pull = opened(client, repo)
    pull.add_to_labels("dify", "dependencies")
    pull.add_to_assignees("alice", "nobody")
    pull.create_review_request(reviewers=["alice"], team_reviewers=["platform"])
    pull.create_issue_comment("Superseded")
    record = repo.pull(1)
    assert record.labels == ["dify", "dependencies"]
    assert record.assignees == ["alice"]
    assert (record.reviewers, record.team_reviewers) == (["alice"], ["platform"])
    assert record.comments[0].body == "Superseded"
    assert "not a collaborator" in refusal(lambda: pull.create_review_request(reviewers=["nobody"]))[1]


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_merging_moves_the_base(client: Client, repo: Repository, method: str) -> None:
    pull = opened(client, repo)
    repo.push({"other.yaml": b"x: 1\n"})
    base = repo.head()
    repo.settings.delete_branch_on_merge = True
    merged = pull.merge(merge_method=method, sha=repo.head("bump"))
    assert merged.merged
    assert repo.head() == merged.sha
    assert repo.read("main", "values.yaml") == b"image:\n  tag: 1.14.1\n"
    assert repo.read("main", "other.yaml") == b"x: 1\n"
    assert repo.commit().parents[0] == base
    assert repo.commit().signed == (method != "rebase")
    assert len(repo.commit().parents) == (2 if method == "merge" else 1)
    assert repo.pull(1).graph_state == "MERGED"
    assert list(repo.branches) == ["main"]


def test_merging_is_refused_in_githubs_words(client: Client, repo: Repository) -> None:
    pull = opened(client, repo)
    assert refusal(lambda: pull.merge(sha="1" * 40)) == (
        409,
        "Head branch was modified. Review and try the merge again.",
    )
    repo.settings.allow_squash_merge = False
    assert refusal(lambda: pull.merge(merge_method="squash")) == (
        405,
        "Squash merges are not allowed on this repository.",
    )
    repo.protect("main", required_checks=("ci",), approvals=1)
    assert refusal(pull.merge) == (405, 'Required status check "ci" is expected.')
    repo.check("bump", "ci")
    assert refusal(pull.merge) == (405, "At least 1 approving review is required by reviewers with write access.")
    repo.approve(1)
    repo.push({"values.yaml": b"image:\n  tag: 1.13.4\n"})
    assert refusal(pull.merge) == (405, "Pull Request is not mergeable")


@pytest.mark.parametrize(
    ("arrange", "state"),
    [
        (lambda _repo: None, "clean"),
        (lambda repo: repo.protect("main", required_checks=("ci",)), "blocked"),
        (lambda repo: repo.check("bump", "optional", "failure"), "unstable"),
        (lambda repo: (repo.protect("main", up_to_date=True), repo.push({"x": b"1"})), "behind"),
        (lambda repo: repo.push({"values.yaml": b"image:\n  tag: 9\n"}), "dirty"),
        (lambda repo: setattr(repo.settings, "has_hooks", True), "has_hooks"),
        (lambda repo: setattr(repo.pull(1), "draft", True), "draft"),
        (lambda repo: setattr(repo.settings, "unknown_looks", 1), "unknown"),
    ],
)
def test_the_merge_state_is_computed(
    client: Client, repo: Repository, arrange: Callable[[Repository], object], state: str
) -> None:
    opened(client, repo)
    arrange(repo)
    pull = client().get_repo(repo.full_name).get_pull(1)
    assert pull.mergeable_state == state
    assert pull.mergeable is {"unknown": None, "dirty": False}.get(state, True)


def test_the_state_is_unknown_again_after_each_push(client: Client, repo: Repository) -> None:
    repo.settings.unknown_looks = 2
    remote = client().get_repo(repo.full_name)
    assert opened(client, repo).mergeable_state == "unknown"
    assert [remote.get_pull(1).mergeable_state for _ in range(3)] == ["unknown", "unknown", "clean"]
    repo.push({"values.yaml": b"2\n"}, branch="bump")
    assert [remote.get_pull(1).mergeable_state for _ in range(3)] == ["unknown", "unknown", "clean"]


def test_pushing_the_head_back_to_its_base_closes_the_pull_request(client: Client, repo: Repository) -> None:
    opened(client, repo)
    remote = client().get_repo(repo.full_name)
    remote.get_git_ref("heads/bump").edit(repo.head(), force=True)
    assert repo.pull(1).graph_state == "CLOSED"


def test_a_deleted_head_closes_and_a_contained_head_is_merged(client: Client, repo: Repository) -> None:
    opened(client, repo)
    repo.branch("main", at="bump")
    assert repo.pull(1).graph_state == "MERGED"
    repo.push({"values.yaml": b"3\n"}, branch="next")
    repo.open_pull("next")
    client().get_repo(repo.full_name).get_git_ref("heads/next").delete()
    assert repo.pull(2).graph_state == "CLOSED"


@pytest.mark.parametrize("kind", ["protect", "ruleset"])
def test_a_protected_branch_takes_no_push(client: Client, repo: Repository, kind: str) -> None:
    new = repo.push({"values.yaml": b"2\n"}, branch="bump")
    getattr(repo, kind)("main", approvals=1)
    status, text = refusal(lambda: client().get_repo(repo.full_name).get_git_ref("heads/main").edit(new))
    assert status == 422
    assert "Changes must be made through a pull request." in text
    assert text.startswith("Repository rule violations found") == (kind == "ruleset")


def test_rulesets_are_shown_and_can_be_bypassed(client: Client, repo: Repository) -> None:
    repo.ruleset("main", required_checks=("ci",), signatures=True, merge_queue=True, bypass=("installed-app",))
    requester = client().get_repo(repo.full_name)._requester  # noqa: SLF001 - PyGithub's own way to a raw call
    _, shown = requester.requestJsonAndCheck("GET", "/repos/acme/gitops/rules/branches/main")
    assert [one["type"] for one in shown] == [
        "required_status_checks",
        "pull_request",
        "required_signatures",
        "merge_queue",
    ]
    new = repo.push({"values.yaml": b"2\n"}, branch="bump")
    client().get_repo(repo.full_name).get_git_ref("heads/main").edit(new)
    assert repo.head() == new


def test_signatures_are_asked_for_commit_by_commit(client: Client, repo: Repository) -> None:
    repo.protect("main", signatures=True)
    opened(client, repo)
    assert client().get_repo(repo.full_name).get_pull(1).mergeable_state == "clean"
    repo.push({"values.yaml": b"2\n"}, branch="bump")
    assert client().get_repo(repo.full_name).get_pull(1).mergeable_state == "blocked"
