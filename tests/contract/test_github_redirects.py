"""The token stays with the server and the repository that it was given for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from difyaction.errors import Failed
from difyaction.gitops.github.calls import Calls
from difyaction.gitops.github.client import connect
from difyaction.gitops.github.repository import Repository
from difyaction.secret import Secret
from tests.contract.github_setting import NAME, FastTime, bench, sample
from tests.emulators.github.emulator import GitHubEmulator


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """Another server, by another name of this machine, and the credentials that it was shown."""
    shown: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown.append(self.headers.get("Authorization", ""))
            self.send_response(200)
            self.end_headers()

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://localhost:{server.server_port}/taken", shown
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("call", ["look", "entries"])
def test_a_redirect_elsewhere_never_gets_the_token(
    github: GitHubEmulator, elsewhere: tuple[str, list[str]], status: int, call: str
) -> None:
    address, shown = elsewhere
    sample(github)
    github.faults.add("*", status=status, headers={"Location": address}, body={})
    here = bench(github)
    with pytest.raises(Failed) as caught:
        here.look() if call == "look" else here.repository.entries("main")
    assert caught.value.id == "api-redirected"
    assert shown == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("place", ["/repos/victim/other/git/trees/HEAD", "{}/repos/victim/other", "/repositories/7"])
def test_a_redirect_to_another_repository_is_not_followed(github: GitHubEmulator, place: str, status: int) -> None:
    sample(github)
    github.repository("victim/other", {"x": b"1"})
    headers = {"Location": place.format(github.url)}
    github.faults.add("GET */git/trees/*", status=status, headers=headers, body={}, times=None)
    with pytest.raises(Failed) as caught:
        bench(github).repository.survey(lambda entries: entries)
    assert caught.value.id == "repository-moved"
    assert caught.value.facts["moved_to"] in {"victim/other", "repositories/7"}
    assert not [request for request in github.requests if "victim" in request.path or "repositories" in request.path]


def test_a_redirect_within_the_repository_is_not_followed_either(github: GitHubEmulator) -> None:
    sample(github)
    headers = {"Location": f"/repos/{NAME}/elsewhere"}
    github.faults.add("GET */git/trees/*", status=301, headers=headers, body={}, times=None)
    with pytest.raises(Failed) as caught:
        bench(github).repository.entries("main")
    assert caught.value.id == "api-redirected"
    assert len(github.requests) == 1


@pytest.mark.parametrize("how", ["look", "survey"])
def test_a_repository_that_was_renamed_is_told_by_its_new_name(github: GitHubEmulator, how: str) -> None:
    sample(github)
    github.hub.rename(NAME, "acme/clusters")
    repository = bench(github).repository
    with pytest.raises(Failed) as caught:
        repository.look() if how == "look" else repository.survey(lambda entries: entries)
    assert caught.value.id == "repository-moved"
    assert caught.value.facts["moved_to"] == "acme/clusters"
    assert "input repository" in str(caught.value)


def test_two_servers_have_two_clients_and_each_token_stays_with_its_own(github: GitHubEmulator) -> None:
    sample(github)
    with GitHubEmulator(ghes="3.19.0") as enterprise:
        sample(enterprise)
        for one in (github, enterprise):
            assert bench(one).look().full_name == NAME
        # Each refuses the other's token, so neither was shown it; and each client knows one server's paths only.
        assert {request.status for request in (*github.requests, *enterprise.requests)} == {200}
        assert {request.host for request in github.requests}.isdisjoint(
            {request.host for request in enterprise.requests}
        )


def test_a_repository_of_that_name_on_no_server_is_unavailable_not_a_hang() -> None:
    time = FastTime()
    client = connect("http://127.0.0.1:9", Secret("t"), pace=time.pace(), calls=Calls(), patience=5.0)
    with pytest.raises(Failed) as caught:
        Repository(client, NAME).look()
    assert caught.value.id == "github-unavailable"
