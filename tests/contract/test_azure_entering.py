"""Logging in: by azure-identity as the run does, and by the standard library as the post step does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from difyaction.azure.clouds import PUBLIC
from difyaction.azure.identity import GithubTokens, Identity
from difyaction.azure.login import Login
from difyaction.azure.tokens import PlainTokens
from difyaction.errors import Failed
from difyaction.secret import Secret
from tests.contract.azure_setting import Bench, bench, cloud_of, trust
from tests.emulators.azure.emulator import AzureEmulator
from tests.emulators.azure.faults import EXPIRED_TOKEN, UNAVAILABLE

SCOPE = PUBLIC.arm_scope


@pytest.fixture(params=["azure-identity", "standard library"])
def tokens(
    request: pytest.FixtureRequest, azure: AzureEmulator, monkeypatch: pytest.MonkeyPatch
) -> tuple[Bench, object]:
    trust(azure, monkeypatch)
    return bench(azure), request.param


def chosen(setting: Bench, way: object, identity: Identity | None = None) -> Login | PlainTokens:
    if way == "azure-identity":
        return setting.login_as(identity or setting.identity)
    return PlainTokens(
        identity or setting.identity,
        setting.wire,
        setting.github,
        setting.masked.append,
        setting.time.pause,
        lambda: setting.github.claims,
    )


def test_githubs_token_is_enough(tokens: tuple[Bench, object]) -> None:
    setting, way = tokens
    token = chosen(setting, way).token(SCOPE)
    assert token
    assert len(setting.masked) == 2, "GitHub's token and Azure's are masked"
    assert setting.azure.github.minted == ["api://AzureADTokenExchange"]


def test_each_login_shows_a_new_token_of_github(tokens: tuple[Bench, object]) -> None:
    setting, way = tokens
    entrance = chosen(setting, way)
    first = entrance.token(SCOPE)
    setting.azure.pass_time(7200)
    assert entrance.token(SCOPE, fresh=True) != first
    assert len(setting.azure.github.minted) == 2


@pytest.mark.parametrize("immutable", [False, True])
def test_a_missing_trust_is_told_with_the_command_that_makes_it(
    tokens: tuple[Bench, object], *, immutable: bool
) -> None:
    setting, way = tokens
    setting.azure.github.immutable = not setting.azure.github.immutable
    setting.application.federations.clear()
    setting.azure.github.immutable = immutable
    setting.application.federate("repo:acme/other:environment:prod")
    with pytest.raises(Failed) as raised:
        chosen(setting, way).token(SCOPE)
    text = str(raised.value)
    assert raised.value.id == "azure-trust-missing"
    assert text.count("az ad app federated-credential create") == 3
    for subject in ("repo:acme/infra:environment:prod", "repo:acme@1001/infra@2002:environment:prod"):
        assert f'"subject":"{subject}"' in text
    for secret in setting.masked:
        assert secret.reveal() not in text


def test_what_the_command_says_really_makes_the_trust(tokens: tuple[Bench, object]) -> None:
    setting, way = tokens
    setting.application.federations.clear()
    entrance = chosen(setting, way)
    with pytest.raises(Failed):
        entrance.token(SCOPE)
    setting.application.federate(str(setting.github.claims["sub"]))
    assert entrance.token(SCOPE)


def test_an_unknown_application_and_tenant_are_told_apart(tokens: tuple[Bench, object]) -> None:
    setting, way = tokens
    for identity, expected in (
        (replace(setting.identity, client_id="33333333-3333-3333-3333-333333333333"), "azure-client-unknown"),
        (replace(setting.identity, tenant="99999999-9999-9999-9999-999999999999"), "azure-tenant-unknown"),
    ):
        with pytest.raises(Failed) as raised:
            chosen(setting, way, identity).token(SCOPE)
        assert raised.value.id == expected


def test_a_client_secret_logs_in_and_a_wrong_one_is_told(tokens: tuple[Bench, object]) -> None:
    setting, way = tokens
    application = setting.azure.application(secret="a-long-secret")
    right = Identity(
        "client-secret",
        setting.azure.tenant_id,
        application.client_id,
        cloud_of(setting.azure),
        secret=Secret("a-long-secret"),
    )
    assert chosen(setting, way, right).token(SCOPE)
    with pytest.raises(Failed) as raised:
        chosen(setting, way, replace(right, secret=Secret("another-secret"))).token(SCOPE)
    assert raised.value.id == "azure-secret-wrong"
    assert "another-secret" not in str(raised.value)


def test_a_job_without_the_permission_is_told_which(tokens: tuple[Bench, object]) -> None:
    setting, way = tokens
    setting.github = GithubTokens({}, setting.wire, PUBLIC.audience, setting.masked.append, setting.time.pause)
    with pytest.raises(Failed, match="id-token: write") as raised:
        chosen(setting, way).token(SCOPE)
    assert raised.value.id == "oidc-not-permitted"


def test_a_passing_fault_of_the_token_service_is_outlived(azure: AzureEmulator) -> None:
    setting = bench(azure)
    azure.faults.add("POST /*/oauth2/v2.0/token", **UNAVAILABLE)
    azure.faults.add("GET /idtoken/*", status=500)
    assert setting.tokens.token(SCOPE)


def test_a_token_that_expires_in_mid_run_is_renewed(azure: AzureEmulator) -> None:
    setting = bench(azure)
    machine = azure.group("rg").machine("dify")
    assert setting.machine(machine.id)
    azure.faults.add("GET */virtualMachines/*", **EXPIRED_TOKEN)
    azure.pass_time(2 * azure.timing.token_life)
    assert setting.machine(machine.id).name == "dify"


def test_an_untrusted_certificate_is_told(azure: AzureEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = bench(azure)
    vm = azure.group("rg").machine("dify")
    setting.login.token(SCOPE)
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name)
    for ask in (
        lambda: type(setting.wire)({}).send("GET", azure.url, {}, timeout=5),
        lambda: setting.machine(vm.id),
        lambda: setting.vault(azure.url).read("x"),
    ):
        with pytest.raises(Failed) as raised:
            ask()
        assert raised.value.id == "azure-untrusted"
