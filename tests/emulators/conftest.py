from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from github import Auth, Github

from tests.emulators.azure.emulator import AzureEmulator
from tests.emulators.azure_recordings import Replay, logged_in
from tests.emulators.azure_setting import Setting, azure_setting
from tests.emulators.github.emulator import GitHubEmulator
from tests.emulators.github.repository import Repository

FILES = {"values.yaml": b"image:\n  tag: 1.13.3\n", "run.sh": b"#!/bin/sh\n", "env/prod/values.yaml": b"tag: 1\n"}
Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def github() -> Iterator[GitHubEmulator]:
    with GitHubEmulator() as emulator:
        yield emulator


@pytest.fixture
def repo(github: GitHubEmulator) -> Repository:
    return github.repository("acme/gitops", FILES, modes={"run.sh": "100755"}, unknown_looks=0)


@pytest.fixture
def client(github: GitHubEmulator) -> Iterator[Callable[..., Github]]:
    """PyGithub as it is, for a token of the wanted kind; without its retries and its pauses between writes."""
    made: list[Github] = []

    def make(kind: str = "app", **wish: Any) -> Github:  # noqa: ANN401 - what the emulator's token() takes
        token = Auth.Token(github.token(kind, **wish))
        made.append(
            Github(base_url=github.url, auth=token, retry=None, seconds_between_requests=0, seconds_between_writes=0)
        )
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def ask(github: GitHubEmulator) -> Ask:
    """Post a GraphQL document; return the whole answer."""

    def post(document: str, kind: str = "app", token: str = "", **variables: Any) -> dict[str, Any]:  # noqa: ANN401
        headers = {"Authorization": f"Bearer {token or github.token(kind)}"}
        sent = {"query": document, "variables": variables}
        return requests.post(github.graphql_url, json=sent, headers=headers, timeout=10).json()

    return post


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureEmulator]:
    with AzureEmulator() as emulator:
        for name, value in emulator.environ.items():
            monkeypatch.setenv(name, value)
        yield emulator


@pytest.fixture
def at(azure: AzureEmulator) -> Iterator[Setting]:
    """The emulated Azure with one VM in it, and the real SDKs logged in."""
    with azure_setting(azure) as setting:
        yield setting


@pytest.fixture
def replay(azure: AzureEmulator) -> Iterator[Replay]:
    """Recorded exchanges are sent to the emulated Azure; in the end nothing may differ."""
    with logged_in(azure) as replay:
        yield replay
