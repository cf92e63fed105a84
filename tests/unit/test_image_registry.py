import hashlib
import json
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from difyaction.cancelled import Cancelled
from difyaction.errors import Failed
from difyaction.image_registry import Finding, State, check
from difyaction.input_kinds import RegistryCredential
from difyaction.registry_login import DOCKER_HUB
from difyaction.secret import Secret
from difyaction.web import DEFAULT_LIMIT, Credential, Reply
from tests.unit.reads import Answers, Asked

INDEX = "application/vnd.oci.image.index.v1+json"
IMAGE = "application/vnd.docker.distribution.manifest.v2+json"


def account(host: str) -> RegistryCredential:
    return RegistryCredential(host, "me", Secret("hunter22"))


@dataclass
class Registries(Answers):
    """Answers the addresses that it knows, and fails on any other one."""

    replies: Mapping[str, Reply]
    token: str = ""
    sent: list[tuple[str, Credential | None]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Reply:
        url, credential = asked.url, asked.credential
        assert asked.limit <= DEFAULT_LIMIT
        self.sent.append((url, credential))
        if "/v2/" in url:
            assert INDEX in asked.headers["Accept"]
            assert IMAGE in asked.headers["Accept"]
            if self.token and (credential is None or credential.authorization.reveal() != f"Bearer {self.token}"):
                challenge = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"'
                return Reply(401, {"WWW-Authenticate": challenge}, b"")
        return self.replies[url.partition("?")[0]]


def answer(kind: str, **manifest: object) -> Reply:
    body = json.dumps(manifest).encode()
    return Reply(200, {"Content-Type": kind, "Docker-Content-Digest": digest(body)}, body)


def digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def index(*platforms: str) -> Reply:
    described = [dict(zip(("os", "architecture", "variant"), each.split("/"), strict=False)) for each in platforms]
    return answer(INDEX, manifests=[{"digest": "sha256:0", "platform": each} for each in described])


def states(findings: tuple[Finding, ...]) -> list[tuple[str, State]]:
    return [(finding.platform, finding.state) for finding in findings]


def one(reply: Reply, *platforms: str) -> tuple[Finding, ...]:
    web = Registries({"https://r.example/v2/a/b/manifests/1": reply})
    return check([("r.example", "a/b", "1")], platforms or ("linux/amd64",), web=web)


def test_every_platform_of_an_index_is_told_apart() -> None:
    reply = index("linux/amd64", "linux/arm64/v8", "unknown/unknown")

    findings = one(reply, "linux/amd64", "linux/arm64", "linux/arm64/v8", "linux/arm", "windows/amd64")

    assert states(findings) == [
        ("linux/amd64", State.PRESENT),
        ("linux/arm64", State.PRESENT),
        ("linux/arm64/v8", State.PRESENT),
        ("linux/arm", State.ABSENT),
        ("windows/amd64", State.ABSENT),
    ]
    assert findings[0].digest == digest(reply.body)
    assert findings[0].image == "r.example/a/b"
    assert findings[3].digest is None
    assert findings[3].reason == "the image is there for linux/amd64, linux/arm64/v8, not for linux/arm"


def test_a_single_images_platform_stands_in_its_configuration() -> None:
    config = json.dumps({"os": "linux", "architecture": "amd64"}).encode()
    web = Registries(
        {
            "https://r.example/v2/a/b/manifests/1": answer(IMAGE, config={"digest": digest(config)}),
            f"https://r.example/v2/a/b/blobs/{digest(config)}": Reply(200, {}, config),
        }
    )

    findings = check([("r.example", "a/b", "1")], ["linux/amd64", "linux/arm64"], web=web)

    assert states(findings) == [("linux/amd64", State.PRESENT), ("linux/arm64", State.ABSENT)]


def test_docker_hub_is_asked_with_an_anonymous_token() -> None:
    web = Registries(
        {
            f"https://{DOCKER_HUB}/v2/langgenius/dify-api/manifests/1.14.1": index("linux/amd64"),
            f"https://{DOCKER_HUB}/v2/library/nginx/manifests/latest": index("linux/amd64"),
            "https://auth.docker.io/token": Reply(200, {}, b'{"token": "t0ken"}'),
        },
        token="t0ken",
    )

    findings = check(
        [
            ("", "langgenius/dify-api", "1.14.1"),
            ("docker.io", "nginx", "latest"),
            ("", "langgenius/dify-api", "1.14.1"),
        ],
        ["linux/amd64"],
        credentials=[account("other.example")],
        web=web,
    )

    assert [(each.image, each.state) for each in findings] == [
        ("langgenius/dify-api", State.PRESENT),
        ("docker.io/nginx", State.PRESENT),
    ]
    assert {each.authorization.reveal() for _, each in web.sent if each} == {"Bearer t0ken"}


def test_docker_hubs_account_is_known_by_its_common_name() -> None:
    web = Registries(
        {
            f"https://{DOCKER_HUB}/v2/a/b/manifests/1": index("linux/amd64"),
            "https://auth.docker.io/token": Reply(200, {}, b'{"token": "t0ken"}'),
        },
        token="t0ken",
    )

    check([("", "a/b", "1")], [], credentials=[account("docker.io")], web=web)

    hosts = {
        (credential.host, credential.authorization.reveal().split()[0]) for _, credential in web.sent if credential
    }
    assert hosts == {("auth.docker.io", "Basic"), (DOCKER_HUB, "Bearer")}


@pytest.mark.parametrize(
    ("reply", "state", "reason"),
    [
        (Reply(404, {}, b""), State.ABSENT, "no such tag"),
        (Reply(401, {}, b""), State.UNKNOWN, "private, or does not exist"),
        (Reply(401, {"WWW-Authenticate": "Basic"}, b""), State.UNKNOWN, "(r.example wants a user and a password)"),
        (Reply(403, {}, b""), State.UNKNOWN, "denies access"),
        (Reply(429, {}, b""), State.UNKNOWN, "`registry-credentials`"),
        (Reply(503, {}, b""), State.UNKNOWN, "HTTP 503"),
        (Reply(200, {}, b"<html>"), State.UNKNOWN, "no manifest"),
        (Reply(200, {}, b"[]"), State.UNKNOWN, "no manifest"),
        (Reply(200, {"Content-Type": "x/\n::error::"}, b"{}"), State.UNKNOWN, "unknown here, x/???error??"),
        (Reply(200, {"Docker-Content-Digest": "sha256:00"}, b"{}"), State.UNKNOWN, "does not match its own digest"),
        (answer(IMAGE, config={"digest": "../../x"}), State.UNKNOWN, "no manifest"),
    ],
)
def test_every_other_answer_has_its_own_sentence(reply: Reply, state: State, reason: str) -> None:
    (finding,) = one(reply)

    assert (finding.state, finding.digest) == (state, None)
    assert reason in finding.reason


def test_a_registry_out_of_reach_is_no_end_of_the_run() -> None:
    class Unplugged:
        def get(self, url: str, **_: object) -> Reply:
            raise Failed("web-unreachable", "{host} could not be reached.", next_step="-", host=url.split("/")[2])

    (finding,) = check([("r.example", "a/b", "1")], ["linux/amd64"], web=Unplugged())

    assert (finding.state, finding.reason) == (State.UNKNOWN, "r.example could not be reached.")


@pytest.mark.parametrize("image", [("r.example", "../x", "1"), ("r.example", "a", "1?x=y"), ("r.example", "A", "1")])
def test_names_that_no_registry_can_hold_are_not_asked_for(image: tuple[str, str, str]) -> None:
    (finding,) = check([image], ["linux/amd64"], web=Registries({}))

    assert finding.state is State.ABSENT


def test_this_machine_is_asked_in_the_clear_and_others_are_not() -> None:
    web = Registries(
        {
            "http://127.0.0.1:5000/v2/a/manifests/1": index("linux/amd64"),
            "http://inner.example/v2/a/manifests/1": index("linux/amd64"),
        }
    )

    findings = check(
        [("127.0.0.1:5000", "a", "1"), ("inner.example", "a", "1")], [], web=web, schemes={"inner.example": "http"}
    )

    assert {finding.state for finding in findings} == {State.PRESENT}


@dataclass
class Silent(Answers):
    """A registry that takes the question and says nothing until the test is over."""

    over: threading.Event = field(default_factory=threading.Event)

    def answer(self, asked: Asked) -> Reply:
        assert self.over.wait(60), asked.url
        return index("linux/amd64")


def test_a_cancellation_does_not_wait_for_a_registry_that_says_nothing() -> None:
    web, began = Silent(), time.monotonic()

    def struck(*_: object) -> None:
        raise Cancelled(signal.SIGTERM)

    before = signal.signal(signal.SIGALRM, struck)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(Cancelled):
            check([("r.example", "a/b", "1"), ("r.example", "a/c", "1")], ["linux/amd64"], web=web)
    finally:
        signal.signal(signal.SIGALRM, before)
        web.over.set()
    assert time.monotonic() - began < 30
