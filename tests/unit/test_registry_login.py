import json
from dataclasses import dataclass, field

import pytest

from difyaction import registry_login
from difyaction.input_kinds import RegistryCredential
from difyaction.registry_login import DOCKER_HUB, HUB_LOGIN, Challenge, log_in, read_challenge
from difyaction.secret import Secret
from difyaction.web import DEFAULT_LIMIT, Credential, Reply
from tests.unit.reads import Answers, Asked


def account(host: str) -> RegistryCredential:
    return RegistryCredential(host, "me", Secret("hunter22"))


@dataclass
class TokenServer(Answers):
    """Answers one address once, and remembers with which credential it was asked."""

    address: str
    reply: Reply
    credential: Credential | None = None
    asked: list[str] = field(default_factory=list)

    def answer(self, asked: Asked) -> Reply:
        assert asked.url.startswith(self.address)
        assert not self.asked
        assert not asked.headers
        assert asked.limit < DEFAULT_LIMIT
        self.credential = asked.credential
        self.asked.append(asked.url)
        return self.reply


def token_server(realm: str, **answer: object) -> TokenServer:
    return TokenServer(realm, Reply(200, {}, json.dumps(answer).encode()))


def bearer(realm: str) -> Challenge:
    return Challenge("bearer", realm, "registry.example")


@pytest.mark.parametrize(
    ("header", "challenge"),
    [
        (
            'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
            Challenge("bearer", "https://auth.docker.io/token", "registry.docker.io"),
        ),
        ('bearer service=x , realm = "https://a/t"', Challenge("bearer", "https://a/t", "x")),
        ('Basic realm="a \\"quoted\\" name"', Challenge("basic", 'a "quoted" name')),
        ("Negotiate", None),
        ("", None),
    ],
)
def test_a_challenge_is_read(header: str, challenge: Challenge | None) -> None:
    assert read_challenge(header) == challenge


@pytest.mark.parametrize("key", ["token", "access_token"])
def test_without_an_account_the_token_is_asked_for_by_nobody(key: str) -> None:
    web = token_server("https://auth.docker.io/token", **{key: "t0ken"})

    login = log_in(
        Challenge("bearer", "https://auth.docker.io/token", "registry.docker.io"),
        host=DOCKER_HUB,
        repository="langgenius/dify-api",
        account=None,
        web=web,
    )

    assert login.credential == Credential(DOCKER_HUB, Secret("Bearer t0ken"))
    assert web.credential is None
    assert web.asked == [
        "https://auth.docker.io/token?service=registry.docker.io&scope=repository%3Alanggenius%2Fdify-api%3Apull"
    ]


@pytest.mark.parametrize(
    ("host", "realm"),
    [
        (DOCKER_HUB, HUB_LOGIN),
        ("registry.example:5000", "registry.example:5001"),
        ("registry.corp.example", "corp.example"),
        ("registry.corp.example", "gitlab.corp.example"),
        ("registry.example", "auth.registry.example"),
    ],
)
def test_a_realm_of_the_same_owner_gets_the_password(host: str, realm: str) -> None:
    web = token_server(f"https://{realm}/token", token="t0ken")

    login = log_in(bearer(f"https://{realm}/token"), host=host, repository="a/b", account=account(host), web=web)

    assert web.credential == Credential(realm, Secret("Basic bWU6aHVudGVyMjI="))
    assert login.credential == Credential(host, Secret("Bearer t0ken"))
    assert login.remark == ""


@pytest.mark.parametrize(
    ("host", "realm"),
    [
        ("registry.example", "evil.example.net"),
        ("registry.example", "evil.example"),
        ("mine.azurecr.io", "yours.azurecr.io"),
        ("registry.co.uk", "evil.co.uk"),
        ("10.0.0.1", "10.0.0.0.1"),
        ("10.0.0.1", "11.0.0.1"),
        ("registry.example", "notregistry.example"),
        (DOCKER_HUB, "auth.docker.io.evil.example"),
    ],
)
def test_a_realm_of_somebody_else_never_sees_the_password(host: str, realm: str) -> None:
    web = token_server(f"https://{realm}/token", token="t0ken")

    login = log_in(bearer(f"https://{realm}/token"), host=host, repository="a/b", account=account(host), web=web)

    assert web.credential is None
    assert realm in login.remark
    assert "hunter22" not in login.remark


def test_a_basic_challenge_is_answered_with_the_account_or_not_at_all() -> None:
    web = token_server("nothing is asked")

    with_account = log_in(Challenge("basic"), host="r.example", repository="a", account=account("r.example"), web=web)
    without = log_in(Challenge("basic"), host="r.example", repository="a", account=None, web=web)

    assert with_account.credential == Credential("r.example", Secret("Basic bWU6aHVudGVyMjI="))
    assert (without.credential, without.remark) == (None, "r.example wants a user and a password")


def test_a_realm_that_refuses_or_is_none_gives_no_credential() -> None:
    refusing = TokenServer("https://r.example/token", Reply(401, {}, b""))

    refused = log_in(
        bearer("https://r.example/token?x=1"), host="r.example", repository="a", account=None, web=refusing
    )
    nowhere = log_in(bearer("file:///etc/passwd"), host="r.example", repository="a", account=None, web=refusing)

    assert (refused.credential, refused.remark) == (None, "r.example gave no token (HTTP 401)")
    assert (nowhere.credential, nowhere.remark) == (None, "r.example names no address where a token can be had")
    assert refusing.asked[0].startswith("https://r.example/token?x=1&service=")


def test_a_token_that_would_break_a_header_is_none() -> None:
    web = token_server("https://r.example/token", token="a\r\nb")

    assert log_in(bearer("https://r.example/token"), host="r.example", repository="a", account=None, web=web) == (
        registry_login.Login(None)
    )
