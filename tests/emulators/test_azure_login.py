from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import jwt
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import ClientAssertionCredential, ClientSecretCredential, ManagedIdentityCredential

from tests.emulators.azure.directory import Application
from tests.emulators.azure.emulator import AzureEmulator
from tests.emulators.azure_setting import SUBJECT, Setting

SCOPE = "https://management.azure.com/.default"


def log_in(azure: AzureEmulator, app: Application, assertion: Callable[[], str], tenant: str = "") -> str:
    with ClientAssertionCredential(
        tenant or azure.tenant_id, app.client_id, assertion, authority=azure.authority, retry_total=0
    ) as credential:
        return credential.get_token(SCOPE).token


def refusal(azure: AzureEmulator, app: Application, assertion: Callable[[], str], tenant: str = "") -> str:
    with pytest.raises(ClientAuthenticationError) as caught:
        log_in(azure, app, assertion, tenant)
    return str(caught.value)


def ask_github(azure: AzureEmulator) -> str:
    """Ask as an Action does."""
    answer = requests.get(
        azure.environ["ACTIONS_ID_TOKEN_REQUEST_URL"] + "&audience=api%3A%2F%2FAzureADTokenExchange",
        headers={"Authorization": f"bearer {azure.environ['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
        timeout=10,
    )
    answer.raise_for_status()
    return str(answer.json()["value"])


def test_githubs_statement_buys_a_token_with_one_request(azure: AzureEmulator) -> None:
    app = azure.application(subjects=[SUBJECT])
    assert log_in(azure, app, lambda: ask_github(azure))
    assert [request.path for request in azure.requests] == ["/idtoken/run/job", f"/{azure.tenant_id}/oauth2/v2.0/token"]


def test_a_child_process_finds_and_trusts_it_by_its_environment(azure: AzureEmulator) -> None:
    script = """import json, os, urllib.request
asked = urllib.request.Request(
    os.environ["ACTIONS_ID_TOKEN_REQUEST_URL"] + "&audience=x",
    headers={"Authorization": "bearer " + os.environ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]},
)
print(len(json.load(urllib.request.urlopen(asked))["value"].split(".")))"""
    ran = subprocess.run(
        [sys.executable, "-c", script], env={**azure.environ}, capture_output=True, text=True, timeout=20, check=True
    )
    assert ran.stdout == "3\n"
    assert azure.github.minted == ["x"]


def test_githubs_token_service_knows_its_job(azure: AzureEmulator) -> None:
    answer = requests.get(azure.github.request_url, headers={"Authorization": "bearer other"}, timeout=10)
    assert answer.status_code == 401


def test_the_served_keys_verify_the_statement(azure: AzureEmulator) -> None:
    where = requests.get(f"{azure.url}/.well-known/openid-configuration", timeout=10).json()
    keys = jwt.PyJWKSet.from_dict(requests.get(where["jwks_uri"], timeout=10).json())
    claims = jwt.decode(azure.github.token(), keys.keys[0], algorithms=["RS256"], audience="api://AzureADTokenExchange")
    assert (claims["sub"], claims["iss"], claims["exp"] - claims["iat"]) == (SUBJECT, where["issuer"], 300)


def test_each_token_is_bought_with_a_statement_of_its_own(at: Setting) -> None:
    for scope in (SCOPE, "https://vault.azure.net/.default"):
        at.credential.get_token(scope)
    assert len(at.azure.github.minted) == 2
    with pytest.raises(ClientAuthenticationError, match="AADSTS500011"):
        at.credential.get_token("https://graph.microsoft.com/.default")


def test_the_subject_has_an_old_and_an_immutable_form(azure: AzureEmulator) -> None:
    app = azure.application(subjects=[SUBJECT])
    azure.github.immutable = True
    told = refusal(azure, app, azure.github.token)
    assert "AADSTS700213" in told
    assert "'repo:acme@1001/infra@2002:environment:prod'" in told
    app.federate(azure.github.subject)
    assert log_in(azure, app, azure.github.token)
    azure.github.environment = None
    assert azure.github.subject == "repo:acme@1001/infra@2002:ref:refs/heads/main"


def test_a_subject_in_other_letters_is_another_subject(azure: AzureEmulator) -> None:
    app = azure.application(subjects=["repo:Acme/Infra:environment:prod"])
    assert "AADSTS7002138" in refusal(azure, app, azure.github.token)


def test_issuer_audience_time_and_signature_count(azure: AzureEmulator) -> None:
    app = azure.application(subjects=[SUBJECT])
    assert "AADSTS700211" in refusal(azure, app, lambda: azure.github.token(iss="https://elsewhere.example"))
    assert "AADSTS700212" in refusal(azure, app, lambda: azure.github.token(audience="api://other"))
    old = azure.github.token()
    azure.pass_time(301)
    assert "AADSTS700024" in refusal(azure, app, lambda: old)
    assert "AADSTS50027" in refusal(azure, app, lambda: "not.a.token")
    azure.github.rotate()
    assert "AADSTS700027" in refusal(azure, app, azure.github.token)


def test_tenant_and_application_must_exist(azure: AzureEmulator) -> None:
    app = azure.application(subjects=[SUBJECT])
    assert "AADSTS90002" in refusal(azure, app, azure.github.token, "99999999-9999-9999-9999-999999999999")
    stranger = Application("33333333-3333-3333-3333-333333333333", "x")
    assert "AADSTS700016" in refusal(azure, stranger, azure.github.token)


def test_a_client_secret_will_do(azure: AzureEmulator) -> None:
    app = azure.application(secret="right")
    for secret in ("right", "wrong"):
        with ClientSecretCredential(
            azure.tenant_id,
            app.client_id,
            secret,
            authority=azure.authority,
            disable_instance_discovery=True,
            retry_total=0,
        ) as credential:
            if secret == "right":
                assert credential.get_token(SCOPE).token
            else:
                with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
                    credential.get_token(SCOPE)


def test_an_access_token_ends(at: Setting) -> None:
    at.network.network_security_groups.get("rg", "nsg")
    at.azure.pass_time(3600)
    with pytest.raises(HttpResponseError, match="ExpiredAuthenticationToken"):
        at.network.network_security_groups.get("rg", "nsg")


def test_resource_manager_wants_its_own_token(at: Setting) -> None:
    path = f"/subscriptions/{at.azure.subscription_id}/resourceGroups/rg/providers/Microsoft.Compute/snapshots"
    other = at.credential.get_token("https://vault.azure.net/.default").token
    answers = [
        requests.get(at.azure.url + path, timeout=10),
        requests.get(at.azure.url + path, headers={"Authorization": "Bearer unknown"}, timeout=10),
        requests.get(at.azure.url + path, headers={"Authorization": f"Bearer {other}"}, timeout=10),
        at.ask("GET", path),
    ]
    assert [answer.json()["error"]["code"] for answer in answers] == [
        "AuthenticationFailed",
        "InvalidAuthenticationToken",
        "InvalidAuthenticationTokenAudience",
        "MissingApiVersionParameter",
    ]


def test_what_is_not_modelled_is_said_when_the_test_ends(azure: AzureEmulator) -> None:
    answer = requests.get(azure.url + "/metadata/instance", timeout=10)
    assert answer.status_code == 500
    with pytest.raises(AssertionError, match="does not model"):
        azure.__exit__(None, None, None)
    azure.forgive()


def test_a_machines_metadata_service_gives_tokens_that_resource_manager_takes(
    azure: AzureEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, assigned = azure.application(), azure.application()
    for name, text in azure.metadata(own, assigned).items():
        monkeypatch.setenv(name, text)

    with ManagedIdentityCredential() as credential, ManagedIdentityCredential(client_id=assigned.client_id) as named:
        tokens = [each.get_token(SCOPE).token for each in (credential, named)]

    held = azure.cloud.directory.tokens
    assert [(held[token].application, held[token].resource) for token in tokens] == [
        (own, "https://management.azure.com"),
        (assigned, "https://management.azure.com"),
    ]


METADATA = {"api-version": "2018-02-01", "resource": "https://management.azure.com"}


@pytest.mark.parametrize(
    ("headers", "query", "says"),
    [
        ({}, METADATA, "Required metadata header"),
        ({"Metadata": "true", "X-Forwarded-For": "10.0.0.9"}, METADATA, "a proxy has forwarded"),
        ({"Metadata": "true"}, {**METADATA, "api-version": ""}, "api-version"),
        ({"Metadata": "true"}, {**METADATA, "resource": "https://elsewhere.example"}, "AADSTS500011"),
        ({"Metadata": "true"}, {**METADATA, "client_id": "nobody"}, "Identity not found"),
    ],
    ids=["no header", "forwarded", "no version", "unknown resource", "unknown identity"],
)
def test_the_metadata_service_refuses_what_azures_does(
    azure: AzureEmulator, headers: dict[str, str], query: dict[str, str], says: str
) -> None:
    (address,) = azure.metadata(azure.application()).values()

    answer = requests.get(f"{address}/metadata/identity/oauth2/token", params=query, headers=headers, timeout=10)

    assert (answer.status_code, answer.json()["error"][:7]) == (400, "invalid")
    assert says in answer.json()["error_description"]
