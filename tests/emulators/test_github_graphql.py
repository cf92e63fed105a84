from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.emulators.github.emulator import GitHubEmulator
from tests.emulators.github.repository import Repository

Ask = Callable[..., dict[str, Any]]
COMMIT = """
mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid signature { isValid } author { user { login } } } }
}
"""


def addition(path: str, content: bytes) -> dict[str, str]:
    return {"path": path, "contents": base64.b64encode(content).decode()}


def commit_input(repo: Repository, **changes: object) -> dict[str, object]:
    return {
        "branch": {"repositoryNameWithOwner": repo.full_name, "branchName": "main"},
        "expectedHeadOid": repo.head(),
        "message": {"headline": "Bump", "body": "Because."},
        "fileChanges": {"additions": [addition("values.yaml", b"a\r\n")]},
        **changes,
    }


def test_files_are_read_in_one_query(ask: Ask, repo: Repository) -> None:
    repo.push({"logo.png": b"\x89PNG\0\0", "big.yaml": b"x" * (600 * 1024)})
    answer = ask(
        """query($at: String!) { repository(owner: "acme", name: "gitops") {
             id nameWithOwner defaultBranchRef { name target { oid } }
             head: object(expression: $at) { ... on Commit { history(first: 1) { nodes { messageHeadline } } } }
             a: object(expression: "main:values.yaml") { ... on Blob { text isBinary isTruncated oid byteSize } }
             b: object(expression: "main:logo.png") { ... on Blob { text isBinary isTruncated } }
             c: object(expression: "main:big.yaml") { ... on Blob { isTruncated byteSize } }
             d: object(expression: "main:none.yaml") { oid }
             e: object(expression: "main:") { ... on Tree { entries { name mode type } } }
             none: ref(qualifiedName: "refs/heads/none") { name } } }""",
        at=repo.head(),
    )
    found = answer["data"]["repository"]
    assert found["defaultBranchRef"] == {"name": "main", "target": {"oid": repo.head()}}
    assert found["a"]["text"] == "image:\n  tag: 1.13.3\n"
    assert found["b"] == {"text": None, "isBinary": True, "isTruncated": False}
    assert found["c"] == {"isTruncated": True, "byteSize": 600 * 1024}
    assert (found["d"], found["none"]) == (None, None)
    assert {"name": "run.sh", "mode": 0o100755, "type": "blob"} in found["e"]["entries"]


@pytest.mark.parametrize("kind", ["app", "actions", "fine-grained", "classic"])
def test_a_commit_on_a_branch_is_signed_for_every_kind_of_token(ask: Ask, repo: Repository, kind: str) -> None:
    answer = ask(COMMIT, kind, input=commit_input(repo))
    commit = answer["data"]["createCommitOnBranch"]["commit"]
    assert commit["signature"] == {"isValid": True}
    assert commit["oid"] == repo.head()
    assert repo.commit().message == "Bump\n\nBecause."
    assert repo.read("main", "values.yaml") == b"a\r\n"


def test_a_commit_on_a_branch_forgets_the_executable_bit(ask: Ask, repo: Repository) -> None:
    changes = {"additions": [addition("run.sh", b"#!/bin/sh\nset -e\n")], "deletions": [{"path": "values.yaml"}]}
    ask(COMMIT, input=commit_input(repo, fileChanges=changes))
    assert repo.mode("main", "run.sh") == "100644"
    with pytest.raises(KeyError):
        repo.read("main", "values.yaml")


def test_a_stale_head_is_told_apart(ask: Ask, repo: Repository) -> None:
    stale = repo.head()
    repo.push({"other.yaml": b"x\n"})
    answer = ask(COMMIT, input=commit_input(repo, expectedHeadOid=stale))
    assert answer["data"] == {"createCommitOnBranch": None}
    error = answer["errors"][0]
    assert (error["type"], error["path"]) == ("STALE_DATA", ["createCommitOnBranch"])
    assert error["message"] == f'Expected branch to point to "{stale}" but it did not.  Pull and try again.'


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"fileChanges": {"deletions": [{"path": "none"}]}}, "A path was requested for deletion"),
        ({"fileChanges": {"additions": None}}, "Something went wrong while executing your query"),
        ({"branch": {"repositoryNameWithOwner": "acme/none", "branchName": "main"}}, "Could not resolve to a Repo"),
        ({"branch": {"repositoryNameWithOwner": "acme/gitops", "branchName": "none"}}, "Could not resolve to a Ref"),
    ],
)
def test_a_commit_that_cannot_be_is_refused(ask: Ask, repo: Repository, changes: dict[str, object], text: str) -> None:
    before = repo.head()
    answer = ask(COMMIT, input=commit_input(repo, **changes))
    assert text in answer["errors"][0]["message"]
    assert repo.head() == before


def test_refs_are_made_moved_and_deleted_all_or_none(ask: Ask, github: GitHubEmulator, repo: Repository) -> None:
    identifier = ask('{ repository(owner: "acme", name: "gitops") { id } }')["data"]["repository"]["id"]
    first, second = repo.head(), repo.push({"values.yaml": b"2\n"})
    create = "mutation($i: CreateRefInput!) { createRef(input: $i) { ref { id name } } }"
    wish = {"repositoryId": identifier, "name": "refs/heads/bump", "oid": first}
    made = ask(create, i=wish)["data"]["createRef"]["ref"]
    again = ask(create, i=wish)["errors"][0]
    below = ask(create, i={**wish, "name": "refs/heads/bump/x"})["errors"][0]
    assert again["message"] == 'A ref named "refs/heads/bump" already exists in the repository.'
    assert below["message"] == "Ref cannot be created."

    update = "mutation($i: UpdateRefsInput!) { updateRefs(input: $i) { clientMutationId } }"
    good = {"name": "refs/heads/bump", "beforeOid": first, "afterOid": second, "force": True}
    lost = {"name": "refs/heads/main", "beforeOid": first, "afterOid": first, "force": True}
    assert "errors" in ask(update, i={"repositoryId": identifier, "refUpdates": [good, lost]})
    assert repo.head("bump") == first
    assert "errors" not in ask(update, i={"repositoryId": identifier, "refUpdates": [good]})
    assert repo.head("bump") == second

    ask("mutation($i: DeleteRefInput!) { deleteRef(input: $i) { clientMutationId } }", i={"refId": made["id"]})
    assert list(repo.branches) == ["main"]
    assert len(github.calls("GRAPHQL updateRefs")) == 2


def test_an_older_server_lacks_newer_fields() -> None:
    query = '{ repository(owner: "a", name: "b") { mergeQueue(branch: "main") { id } nameWithOwner } }'
    with GitHubEmulator(ghes="3.11.4") as server:
        server.repository("a/b", {"x": b"1"})
        headers = {"Authorization": f"Bearer {server.token()}"}
        answer = requests.post(server.graphql_url, json={"query": query}, headers=headers, timeout=10)
        assert server.graphql_url.endswith("/api/graphql")
        assert answer.headers["X-GitHub-Enterprise-Version"] == "3.11.4"
        assert answer.json()["errors"][0]["message"] == "Field 'mergeQueue' doesn't exist on type 'Repository'"
        meta = requests.get(f"{server.url}/meta", headers=headers, timeout=10)
        assert meta.json()["installed_version"] == "3.11.4"


def test_what_is_not_there_or_not_ours_cannot_be_resolved(ask: Ask, github: GitHubEmulator, repo: Repository) -> None:
    github.repository("acme/other", {"x": b"1"})
    token = github.token("app", repositories=[repo.full_name])
    answer = ask('{ repository(owner: "acme", name: "other") { id } }', token=token)
    assert answer["data"] == {"repository": None}
    assert answer["errors"][0]["type"] == "NOT_FOUND"
    assert answer["errors"][0]["message"] == "Could not resolve to a Repository with the name 'acme/other'."
    unbounded = ask('{ repository(owner: "acme", name: "gitops") { pullRequests { totalCount } } }')
    assert unbounded["errors"][0]["type"] == "MISSING_PAGINATION_BOUNDARIES"


def test_a_bot_is_called_differently_by_rest_and_graphql(ask: Ask, repo: Repository) -> None:
    repo.push({"values.yaml": b"2\n"}, branch="bump")
    repo.open_pull("bump", author="dify-upgrader[bot]")
    answer = ask(
        """{ viewer { login } repository(owner: "acme", name: "gitops") {
               pullRequest(number: 1) {
                 author { __typename login } commits(last: 1) { nodes { commit { oid } } } } } }""",
        "actions",
    )
    assert answer["data"]["viewer"]["login"] == "github-actions[bot]"
    pull = answer["data"]["repository"]["pullRequest"]
    assert pull["author"] == {"__typename": "Bot", "login": "dify-upgrader"}
    assert pull["commits"]["nodes"][0]["commit"]["oid"] == repo.head("bump")
