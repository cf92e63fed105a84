from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest
import requests
from github import Github, GithubException, InputGitAuthor, InputGitTreeElement

from tests.emulators.github.emulator import GitHubEmulator
from tests.emulators.github.git import clean_environment
from tests.emulators.github.repository import Repository

Client = Callable[..., Github]


def commit_by(client: Github, repo: Repository, **person: object) -> object:
    remote = client.get_repo(repo.full_name)
    base = remote.get_git_commit(repo.head())
    element = InputGitTreeElement("run.sh", "100755", "blob", content="#!/bin/sh\nset -e\n")
    tree = remote.create_git_tree([element], base.tree)
    return remote.create_git_commit("Be strict", tree, [base], **person)


def test_a_commit_of_the_git_data_api_keeps_modes_and_moves_the_branch(client: Client, repo: Repository) -> None:
    gh = client()
    made = commit_by(gh, repo)
    gh.get_repo(repo.full_name).get_git_ref("heads/main").edit(made.sha)

    assert repo.head() == made.sha
    assert repo.mode("main", "run.sh") == "100755"
    assert repo.read("main", "run.sh") == b"#!/bin/sh\nset -e\n"
    assert repo.read("main", "env/prod/values.yaml") == b"tag: 1\n"
    done = subprocess.run(
        ["git", "fsck", "--strict"],
        cwd=repo.git.directory,
        env=clean_environment(repo.git.directory),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("kind", "verified"), [("app", True), ("actions", True), ("fine-grained", False)])
def test_github_signs_for_integrations_only(client: Client, repo: Repository, kind: str, *, verified: bool) -> None:
    made = commit_by(client(kind), repo)
    assert (made.verification.verified, made.verification.reason) == (verified, "valid" if verified else "unsigned")


def test_naming_an_author_costs_the_signature(client: Client, repo: Repository) -> None:
    made = commit_by(client(), repo, author=InputGitAuthor("Jane", "jane@example.com"))
    assert made.verification.verified is False
    assert made.committer.name == "Jane"


def test_refs_refuse_in_githubs_words(client: Client, repo: Repository) -> None:
    remote = client().get_repo(repo.full_name)
    first = repo.head()
    repo.push({"values.yaml": b"image:\n  tag: 1.14.0\n"})

    def refusal(act: Callable[[], object]) -> tuple[int, str]:
        with pytest.raises(GithubException) as caught:
            act()
        return caught.value.status, caught.value.data["message"]

    assert refusal(lambda: remote.get_git_ref("heads/main").edit(first)) == (422, "Update is not a fast forward")
    assert refusal(lambda: remote.create_git_ref("refs/heads/main", first)) == (422, "Reference already exists")
    assert refusal(lambda: remote.create_git_ref("refs/heads/main/x", first)) == (422, "Reference update failed")
    assert refusal(lambda: remote.create_git_ref("refs/heads/y", "1" * 40)) == (422, "Object does not exist")
    assert refusal(lambda: remote.get_git_ref("heads/nowhere")) == (404, "Not Found")


def test_the_old_ref_endpoint_answers_prefixes(github: GitHubEmulator, repo: Repository) -> None:
    repo.branch("bump-a")
    repo.branch("bump-b")
    headers = {"Authorization": f"Bearer {github.token()}"}
    listed = requests.get(f"{github.url}/repos/acme/gitops/git/refs/heads/bump", headers=headers, timeout=10)
    exact = requests.get(f"{github.url}/repos/acme/gitops/git/ref/heads/bump", headers=headers, timeout=10)
    assert [one["ref"] for one in listed.json()] == ["refs/heads/bump-a", "refs/heads/bump-b"]
    assert exact.status_code == 404


def test_trees_delete_nest_and_truncate(client: Client, repo: Repository) -> None:
    remote = client().get_repo(repo.full_name)
    base = remote.get_git_tree("main")
    tree = remote.create_git_tree(
        [
            InputGitTreeElement("env/prod/values.yaml", "100644", "blob", sha=None),
            InputGitTreeElement("a/b/c.yaml", "100644", "blob", content="x: 1\n"),
        ],
        base,
    )
    paths = [entry.path for entry in remote.get_git_tree(tree.sha, recursive=True).tree if entry.type == "blob"]
    assert paths == ["a/b/c.yaml", "run.sh", "values.yaml"]

    repo.settings.tree_limit = 2
    cut = remote.get_git_tree("main", recursive=True)
    assert (len(cut.tree), cut.raw_data["truncated"]) == (2, True)
    with pytest.raises(GithubException, match="BadObjectState"):
        remote.create_git_tree([InputGitTreeElement("none", "100644", "blob", sha=None)], base)


def test_workflow_files_need_their_own_permission(client: Client, repo: Repository) -> None:
    remote = client(permissions={"contents": "write"}).get_repo(repo.full_name)
    base = remote.get_git_commit(repo.head())
    element = InputGitTreeElement(".github/workflows/ci.yml", "100644", "blob", content="on: push\n")
    made = remote.create_git_commit("CI", remote.create_git_tree([element], base.tree), [base])
    with pytest.raises(GithubException, match="refusing to allow a GitHub App to create or update workflow"):
        remote.create_git_ref("refs/heads/ci", made.sha)


def test_history_comparison_and_contents_read_the_real_git(client: Client, repo: Repository) -> None:
    remote = client().get_repo(repo.full_name)
    first = repo.head()
    second = repo.push({"values.yaml": b"image:\n  tag: 1.14.0\n"}, branch="bump", message="Bump")
    repo.push({"other.yaml": b"x: 1\n"})

    assert [commit.sha for commit in remote.get_commits(sha="bump", path="values.yaml")] == [second, first]
    compared = remote.compare("main", "bump")
    assert (compared.status, compared.ahead_by, compared.behind_by) == ("diverged", 1, 1)
    assert [(one.filename, one.status, one.changes) for one in compared.files] == [("values.yaml", "modified", 2)]
    assert remote.get_contents("values.yaml", ref="bump").decoded_content == b"image:\n  tag: 1.14.0\n"
    assert [one.path for one in remote.get_contents("env")] == ["env/prod"]
    assert remote.get_commit("bump").files[0].filename == "values.yaml"


def test_pages_link_to_the_next(github: GitHubEmulator) -> None:
    published = [{"tag_name": f"1.{minor}.0", "body": "notes"} for minor in range(5)]
    github.upstream(releases=published, files={"1.4.0": {"docker/docker-compose.yaml": "services: {}\n"}})
    with Github(base_url=github.url, retry=None, per_page=2, seconds_between_requests=0) as anonymous:
        remote = anonymous.get_repo("langgenius/dify")
        assert [one.tag_name for one in remote.get_releases()] == [one["tag_name"] for one in published]
        assert {one.name for one in remote.get_tags()} == {one["tag_name"] for one in published}
        file = remote.get_contents("docker/docker-compose.yaml", ref="1.4.0")
        assert file.decoded_content == b"services: {}\n"
    raw = requests.get(
        f"{github.url}/repos/langgenius/dify/contents/README.md?ref=1.4.0",
        headers={"Accept": "application/vnd.github.raw+json"},
        timeout=10,
    )
    assert raw.content == b"upstream\n"
