"""The questions that `image_registry` asks, answered by Debian's own docker-registry on loopback."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from difyaction.image_registry import Finding, State, check
from difyaction.input_kinds import RegistryCredential
from difyaction.secret import Secret
from difyaction.websession import Web

INDEX = "application/vnd.oci.image.index.v1+json"
LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI = "application/vnd.oci.image.manifest.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
USER, PASSWORD = "me", "hunter22"  # the line of the htpasswd file is bcrypt of the password
HTPASSWD = "me:$2b$04$yY36zDMitGfChdNBQpPp8.sx4kqdBDhawLP4iBUL8iZMJ9ih1KIE6\n"


@dataclass(frozen=True)
class Registry:
    """A registry that runs, and how to put something into it."""

    host: str
    session: requests.Session

    def push(self, name: str, reference: str, kind: str, manifest: dict[str, object]) -> str:
        """Push a manifest, and return its digest."""
        body = json.dumps(manifest | {"schemaVersion": 2, "mediaType": kind}).encode()
        url = f"http://{self.host}/v2/{name}/manifests/{reference or digest(body)}"
        self.session.put(url, data=body, headers={"Content-Type": kind}, timeout=10).raise_for_status()
        return digest(body)

    def push_blob(self, name: str, content: bytes) -> dict[str, object]:
        """Push a blob, and return its descriptor."""
        start = self.session.post(f"http://{self.host}/v2/{name}/blobs/uploads/", timeout=10)
        joint = "&" if "?" in start.headers["Location"] else "?"
        url = f"{start.headers['Location']}{joint}digest={digest(content)}"
        self.session.put(url, data=content, timeout=10).raise_for_status()
        kind = "application/vnd.docker.container.image.v1+json"
        return {"mediaType": kind, "size": len(content), "digest": digest(content)}

    def push_image(self, name: str, reference: str, kind: str, platform: str) -> str:
        """Push an image without layers for one platform."""
        system, _, machine = platform.partition("/")
        config = self.push_blob(name, json.dumps({"os": system, "architecture": machine}).encode())
        return self.push(name, reference, kind, {"config": config, "layers": []})


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


@pytest.fixture(params=["open", "closed"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    """A registry of one test; `closed` wants a user and a password."""
    program = shutil.which("docker-registry")
    if program is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("Debian's docker-registry is not here")
    closed = request.param == "closed"
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    host = f"127.0.0.1:{free_port()}"
    config: dict[str, object] = {
        "version": "0.1",
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "storage")}},
        "http": {"addr": host},
    }
    if closed:
        config["auth"] = {"htpasswd": {"realm": "inner", "path": str(tmp_path / "htpasswd")}}
    (tmp_path / "config.yml").write_text(json.dumps(config))
    environment = {"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"}
    log = (tmp_path / "log").open("wb")
    with (
        log,
        subprocess.Popen(
            [program, "serve", str(tmp_path / "config.yml")], env=environment, stdout=log, stderr=log
        ) as process,
    ):
        try:
            with requests.Session() as session:
                session.auth = (USER, PASSWORD) if closed else None
                wait_for(host, process)
                yield Registry(host, session)
        finally:
            process.terminate()


def wait_for(host: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            requests.get(f"http://{host}/v2/", timeout=1)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("docker-registry did not start")


def ask(registry: Registry, name: str, tag: str, *platforms: str, password: str = PASSWORD) -> list[Finding]:
    account = RegistryCredential(registry.host, USER, Secret(password))
    with requests.Session() as session:
        web = Web(session, clock=time.monotonic, pause=time.sleep, patience=5)
        return list(check([(registry.host, name, tag)], platforms, credentials=[account], web=web))


@pytest.mark.parametrize("kinds", [(INDEX, OCI), (LIST, DOCKER)])
def test_an_image_of_several_platforms_is_found_with_the_digest_of_its_index(
    registry: Registry, kinds: tuple[str, str]
) -> None:
    index, image = kinds
    manifests = []
    for platform in ("linux/amd64", "linux/arm64"):
        system, _, machine = platform.partition("/")
        pushed = registry.push_image("langgenius/dify-api", "", image, platform)
        described = {"os": system, "architecture": machine}
        manifests.append({"mediaType": image, "digest": pushed, "size": 1, "platform": described})
    pinned = registry.push("langgenius/dify-api", "1.14.1", index, {"manifests": manifests})

    findings = ask(registry, "langgenius/dify-api", "1.14.1", "linux/amd64", "linux/arm64", "linux/s390x")

    assert [(finding.state, finding.digest) for finding in findings] == [
        (State.PRESENT, pinned),
        (State.PRESENT, pinned),
        (State.ABSENT, None),
    ]


@pytest.mark.parametrize("kind", [OCI, DOCKER])
def test_an_image_of_one_platform_is_found_by_its_configuration(registry: Registry, kind: str) -> None:
    pinned = registry.push_image("mirror/langgenius/dify-web", "1.14.1", kind, "linux/amd64")

    findings = ask(registry, "mirror/langgenius/dify-web", "1.14.1", "linux/amd64", "linux/arm64")

    assert [(finding.state, finding.digest) for finding in findings] == [(State.PRESENT, pinned), (State.ABSENT, None)]


def test_a_tag_that_is_not_there_is_absent(registry: Registry) -> None:
    registry.push_image("a/b", "1", OCI, "linux/amd64")

    assert [finding.state for finding in ask(registry, "a/b", "2", "linux/amd64")] == [State.ABSENT]
    assert [finding.state for finding in ask(registry, "no/such", "1", "linux/amd64")] == [State.ABSENT]


def test_a_wrong_password_is_no_proof_of_anything(registry: Registry) -> None:
    registry.push_image("a/b", "1", OCI, "linux/amd64")

    (finding,) = ask(registry, "a/b", "1", "linux/amd64", password="another1")

    assert finding.state is (State.UNKNOWN if registry.session.auth else State.PRESENT)
