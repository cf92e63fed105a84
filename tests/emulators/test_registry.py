from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests

from tests.emulators.faults import TOO_MANY
from tests.emulators.registry.emulator import RegistryEmulator

API = "langgenius/dify-api"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture
def registry() -> Iterator[RegistryEmulator]:
    with RegistryEmulator() as emulator:
        yield emulator


def ask(registry: RegistryEmulator, path: str, method: str = "GET", **headers: str) -> requests.Response:
    given = {"Accept": f"{INDEX}, {MANIFEST}", **headers}
    return requests.request(method, registry.url + path, headers=given, timeout=10)


def token_for(refused: requests.Response, auth: tuple[str, str] | None = None) -> requests.Response:
    """Do what a client does with a challenge."""
    facts = dict(re.findall(r'(\w+)="([^"]*)"', refused.headers["WWW-Authenticate"]))
    return requests.get(facts.pop("realm"), params=facts, auth=auth, timeout=10)


def test_a_tag_is_read_after_the_token_dance(registry: RegistryEmulator) -> None:
    digest = registry.push(API, "1.14.1", platforms=("linux/amd64", "linux/arm64"))
    path = f"/v2/{API}/manifests/1.14.1"
    refused = ask(registry, path, "HEAD")
    assert refused.status_code == 401
    bearer = {"Authorization": f"Bearer {token_for(refused).json()['token']}"}
    seen = ask(registry, path, "HEAD", **bearer)
    assert (seen.status_code, seen.headers["Docker-Content-Digest"], seen.content) == (200, digest, b"")
    assert int(seen.headers["Content-Length"]) > 0
    index = ask(registry, path, **bearer).json()
    assert [one["platform"]["architecture"] for one in index["manifests"]] == ["amd64", "arm64"]
    manifest = ask(registry, f"/v2/{API}/manifests/{index['manifests'][1]['digest']}", **bearer).json()
    config = ask(registry, f"/v2/{API}/blobs/{manifest['config']['digest']}", **bearer).json()
    assert config["architecture"] == "arm64"
    assert ask(registry, path, Accept=MANIFEST, **bearer).json()["errors"][0]["code"] == "MANIFEST_UNKNOWN"
    assert ask(registry, f"/v2/{API}/manifests/9.9.9", **bearer).status_code == 404
    other = ask(registry, "/v2/langgenius/dify-web/manifests/1", **bearer)
    assert other.status_code == 401, "a token is good for its own repository"


def test_a_login_is_wanted_for_the_token_or_for_each_request() -> None:
    login = ("robot", "secret")
    with RegistryEmulator(login=login) as registry:
        registry.push(API, "1.14.1", index=False)
        refused = ask(registry, f"/v2/{API}/manifests/1.14.1")
        assert token_for(refused).status_code == 401
        assert token_for(refused, login).status_code == 200
    with RegistryEmulator(login=login, scheme="basic") as registry:
        registry.push(API, "1.14.1", index=False, docker=True)
        url = f"{registry.url}/v2/{API}/manifests/1.14.1"
        assert requests.get(url, timeout=10).headers["WWW-Authenticate"].startswith("Basic")
        answer = requests.get(url, auth=login, timeout=10)
        assert answer.headers["Content-Type"] == "application/vnd.docker.distribution.manifest.v2+json"


def test_what_is_private_is_hidden_from_strangers(registry: RegistryEmulator) -> None:
    registry.push("acme/dify-api", "1", private=True)
    path = "/v2/acme/dify-api/manifests/1"
    token = token_for(ask(registry, path)).json()["token"]
    assert ask(registry, path, Authorization=f"Bearer {token}").status_code == 401


def test_too_many_requests_say_when_to_come_back(registry: RegistryEmulator) -> None:
    registry.faults.add("HEAD /v2/*", **TOO_MANY)
    answer = ask(registry, f"/v2/{API}/manifests/1.14.1", "HEAD")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert [request.credential for request in registry.requests] == ["anonymous"]
