from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from github import Github, GithubException

from tests.emulators.faults import SECONDARY_LIMIT, TOO_MANY, UNAVAILABLE
from tests.emulators.github.emulator import GitHubEmulator
from tests.emulators.github.repository import Repository

Client = Callable[..., Github]
Ask = Callable[..., dict[str, Any]]


def get(github: GitHubEmulator, path: str = "/repos/acme/gitops") -> requests.Response:
    return requests.get(github.url + path, headers={"Authorization": f"Bearer {github.token()}"}, timeout=10)


@pytest.mark.usefixtures("repo")
def test_a_fault_strikes_as_often_as_it_should(github: GitHubEmulator) -> None:
    github.faults.add("GET /repos/*", **TOO_MANY, times=2, after=1)
    statuses = [get(github).status_code for _ in range(4)]
    assert statuses == [200, 429, 429, 200]
    assert [request.status for request in github.calls("GET /repos/acme/gitops")] == statuses


def test_pygithub_understands_the_limits(github: GitHubEmulator, client: Client, repo: Repository) -> None:
    github.faults.add("GET *", **SECONDARY_LIMIT)
    with pytest.raises(GithubException, match="secondary rate limit"):
        client().get_repo(repo.full_name)


def test_an_answer_can_be_lost_after_the_deed(github: GitHubEmulator, client: Client, repo: Repository) -> None:
    remote = client().get_repo(repo.full_name)
    github.faults.add("POST */git/refs", reset=True, lost=True)
    with pytest.raises(requests.ConnectionError):
        remote.create_git_ref("refs/heads/one", repo.head())
    github.faults.add("POST */git/refs", **UNAVAILABLE, lost=True)
    with pytest.raises(GithubException):
        remote.create_git_ref("refs/heads/two", repo.head())
    github.faults.add("POST */git/refs", reset=True)
    with pytest.raises(requests.ConnectionError):
        remote.create_git_ref("refs/heads/three", repo.head())
    assert list(repo.branches) == ["main", "one", "two"]


def test_somebody_else_pushes_in_between(github: GitHubEmulator, ask: Ask, repo: Repository) -> None:
    github.faults.add("GRAPHQL createCommitOnBranch", before=lambda _request: repo.push({"other": b"1"}))
    document = """mutation($head: GitObjectID!) { createCommitOnBranch(input: {expectedHeadOid: $head
      branch: {repositoryNameWithOwner: "acme/gitops", branchName: "main"}, message: {headline: "x"}}) {
      commit { oid } } }"""
    assert ask(document, head=repo.head())["errors"][0]["type"] == "STALE_DATA"
    assert ask(document, head=repo.head())["data"]["createCommitOnBranch"]["commit"]["oid"] == repo.head()


@pytest.mark.usefixtures("repo")
def test_graphql_errors_on_request(github: GitHubEmulator, ask: Ask) -> None:
    github.faults.add("GRAPHQL repository", graphql={"type": "SERVICE_UNAVAILABLE", "message": "Something went wrong"})
    document = '{ mine: repository(owner: "acme", name: "gitops") { id } }'
    assert ask(document)["errors"][0]["type"] == "SERVICE_UNAVAILABLE"
    assert "errors" not in ask(document)


def test_slowness_and_a_ref_that_is_not_seen_yet(github: GitHubEmulator, client: Client, repo: Repository) -> None:
    remote = client().get_repo(repo.full_name)
    repo.settings.ref_lag = 1
    remote.create_git_ref("refs/heads/late", repo.head())
    with pytest.raises(GithubException, match="404"):
        remote.get_git_ref("heads/late")
    assert remote.get_git_ref("heads/late").object.sha == repo.head()
    github.faults.add("GET /repos/*", delay=0.1)
    begun = time.monotonic()
    assert get(github).status_code == 200
    assert time.monotonic() - begun >= 0.1


def test_the_journal_holds_what_a_contract_check_needs(tmp_path: Path) -> None:
    journal = tmp_path / "requests.jsonl"
    with GitHubEmulator(ghes="3.17.1", journal=journal) as server:
        server.repository("acme/gitops", {"x": b"1"})
        headers = {"Authorization": f"Bearer {server.token()}"}
        document = 'query($n: String!) { repository(owner: $n, name: "gitops") { id } }'
        sent = {"query": document, "variables": {"n": "acme"}}
        requests.post(server.graphql_url, json=sent, headers=headers, timeout=10)
        requests.get(f"{server.url}/repos/acme/gitops/commits?path=x", headers=headers, timeout=10)
    first, second = (json.loads(line) for line in journal.read_text().splitlines())
    assert (first["document"], first["variables"], first["status"]) == (document, {"n": "acme"}, 200)
    assert (second["method"], second["path"], second["query"]) == ("GET", "/repos/acme/gitops/commits", {"path": "x"})


@pytest.mark.usefixtures("repo")
def test_the_log_knows_kinds_and_hosts_and_no_token(github: GitHubEmulator) -> None:
    get(github)
    requests.get(f"{github.url}/meta", headers={"Authorization": "Bearer nonsense"}, timeout=10)
    assert [(request.credential, request.host) for request in github.requests] == [
        ("app", github.origin.removeprefix("http://")),
        ("bad", github.origin.removeprefix("http://")),
    ]


def test_what_is_not_modelled_fails_the_test() -> None:
    server = GitHubEmulator().__enter__()
    assert requests.delete(f"{server.url}/repos/a/b", timeout=10).status_code == 500
    with pytest.raises(AssertionError, match="DELETE /repos/a/b"):
        server.__exit__(None, None, None)


def test_a_repository_stands_in_no_time(github: GitHubEmulator) -> None:
    files = {f"env/{number}/values.yaml": b"tag: 1\n" for number in range(1000)}
    begun = time.monotonic()
    github.repository("acme/small", {"a": b"1"})
    small = time.monotonic() - begun
    github.repository("acme/large", files)
    assert small < 0.5
    assert time.monotonic() - begun < 5
