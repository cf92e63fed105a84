from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
import requests
from github import Auth, Github, GithubException, GithubIntegration

from tests.emulators.github.credentials import App
from tests.emulators.github.emulator import GitHubEmulator
from tests.emulators.github.repository import Repository


@pytest.fixture
def app(github: GitHubEmulator, repo: Repository) -> App:
    github.repository("acme/other", {"x": b"1"})
    return github.app(repositories=[repo.full_name], permissions={"contents": "write", "pull_requests": "write"})


def assertion(app: App, *, issued: float = -60, expires: float = 540, key: str = "") -> str:
    now = int(time.time())
    claims = {"iat": now + int(issued), "exp": now + int(expires), "iss": app.client_id}
    return jwt.encode(claims, key or app.private_key, algorithm="RS256")


def post_token(github: GitHubEmulator, app: App, body: dict[str, Any], token: str = "") -> requests.Response:
    url = f"{github.url}/app/installations/{app.installation_id}/access_tokens"
    headers = {"Authorization": f"Bearer {token or assertion(app)}"}
    return requests.post(url, json=body, headers=headers, timeout=10)


def test_pygithub_mints_a_token_for_the_app(github: GitHubEmulator, app: App, repo: Repository) -> None:
    with GithubIntegration(auth=Auth.AppAuth(app.client_id, app.private_key), base_url=github.url) as integration:
        installation = integration.get_repo_installation("acme", "gitops")
        token = integration.get_access_token(installation.id).token
    with Github(auth=Auth.Token(token), base_url=github.url, retry=None) as gh:
        assert gh.get_repo(repo.full_name).default_branch == "main"


def test_a_token_is_narrowed_to_repositories_and_permissions(github: GitHubEmulator, app: App) -> None:
    wish = {"repositories": ["gitops"], "permissions": {"contents": "read"}}
    answer = post_token(github, app, wish)
    assert answer.status_code == 201
    assert answer.json()["permissions"] == {"metadata": "read", "contents": "read"}
    assert [one["full_name"] for one in answer.json()["repositories"]] == ["acme/gitops"]
    with Github(auth=Auth.Token(answer.json()["token"]), base_url=github.url, retry=None) as gh:
        remote = gh.get_repo("acme/gitops")
        with pytest.raises(GithubException, match="Resource not accessible by integration"):
            remote.create_git_ref("refs/heads/x", remote.get_branch("main").commit.sha)
        with pytest.raises(GithubException) as caught:
            gh.get_repo("acme/other")
        assert caught.value.status == 404


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"permissions": {"issues": "write"}}, "The permissions requested are not granted to this installation."),
        ({"permissions": {"pull-requests": "write"}}, "The permissions requested are not granted to this install"),
        ({"repositories": ["other"]}, "There is at least one repository that does not exist or is not accessible"),
    ],
)
def test_more_than_was_granted_is_refused(github: GitHubEmulator, app: App, body: dict[str, Any], text: str) -> None:
    answer = post_token(github, app, body)
    assert answer.status_code == 422
    assert answer.json()["message"].startswith(text)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda _app: "a.b.c", "A JSON web token could not be decoded"),
        (lambda app: assertion(app)[:-8] + "AAAAAAAA", "A JSON web token could not be decoded"),
        (lambda app: assertion(app, issued=120), "'Issued at' claim ('iat') must be an Integer"),
        (lambda app: assertion(app, expires=-5), "'Expiration time' claim ('exp') must be a numeric value"),
        (lambda app: assertion(app, expires=1200), "'Expiration time' claim ('exp') is too far in the future"),
    ],
)
def test_a_wrong_assertion_is_refused(github: GitHubEmulator, app: App, make: Callable[[App], str], text: str) -> None:
    answer = post_token(github, app, {}, make(app))
    assert answer.status_code == 401
    assert answer.json()["message"].startswith(text)


def test_another_apps_key_does_not_fit(github: GitHubEmulator, app: App) -> None:
    other = github.app(slug="other")
    assert post_token(github, app, {}, assertion(app, key=other.private_key)).status_code == 401
    assert post_token(github, app, {}, assertion(other)).status_code == 404


def test_an_app_that_is_not_installed_or_suspended(github: GitHubEmulator, app: App) -> None:
    headers = {"Authorization": f"Bearer {assertion(app)}"}
    missing = requests.get(f"{github.url}/repos/acme/other/installation", headers=headers, timeout=10)
    app.suspended = True
    assert missing.status_code == 404
    assert post_token(github, app, {}).status_code == 403


def test_a_revoked_or_expired_token_is_worth_nothing(app: App) -> None:
    now = [time.time()]
    with GitHubEmulator(clock=lambda: now[0]) as server:
        server.repository("acme/gitops", {"x": b"1"})
        server.hub.credentials.apps.append(app)

        def status(token: str) -> int:
            headers = {"Authorization": f"Bearer {token}"}
            return requests.get(f"{server.url}/repos/acme/gitops", headers=headers, timeout=10).status_code

        first, second = (post_token(server, app, {}).json()["token"] for _ in range(2))
        assert (status(first), status(second), status("ghs_made_up")) == (200, 200, 401)
        headers = {"Authorization": f"Bearer {first}"}
        assert requests.delete(f"{server.url}/installation/token", headers=headers, timeout=10).status_code == 204
        assert status(first) == 401
        now[0] += 3601
        assert status(second) == 401


def test_strangers_read_what_is_public_sixty_times(github: GitHubEmulator, repo: Repository) -> None:
    github.upstream(releases=[{"tag_name": "1.14.1"}])
    assert requests.get(f"{github.url}/repos/{repo.full_name}", timeout=10).status_code == 404
    with requests.Session() as session:
        url = f"{github.url}/repos/langgenius/dify/releases"
        statuses = [session.get(url, timeout=10) for _ in range(60)]
    assert statuses[58].status_code == 200
    assert statuses[59].status_code == 403
    assert statuses[59].json()["message"].startswith("API rate limit exceeded")
    assert statuses[59].headers["X-RateLimit-Remaining"] == "0"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("fine-grained", "Resource not accessible by personal access token"),
        ("actions", "Resource not accessible by integration"),
    ],
)
def test_a_missing_permission_is_named_by_kind_of_token(
    github: GitHubEmulator, repo: Repository, kind: str, text: str
) -> None:
    token = github.token(kind, permissions={"contents": "read"})
    with Github(auth=Auth.Token(token), base_url=github.url, retry=None) as gh:
        remote = gh.get_repo(repo.full_name)
        with pytest.raises(GithubException, match=text):
            remote.create_git_ref("refs/heads/x", repo.head())
