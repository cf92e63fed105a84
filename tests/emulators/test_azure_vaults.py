from __future__ import annotations

from typing import Any

import pytest
import requests
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.emulators.azure.vaults import Vault
from tests.emulators.azure_setting import Setting

API = "?api-version=2023-07-01"
READ = "Microsoft.KeyVault/vaults/secrets/getSecret/action"


def inner(at: Setting, vault: Vault) -> str:
    """Return why the vault says no, or the secret."""
    client = at.secrets(vault)
    try:
        return str(client.get_secret("ssh-key").value)
    except HttpResponseError as error:
        told: Any = error.error
        return str((told.innererror or {}).get("code", told.code))


def patch(at: Setting, vault: Vault, addresses: list[str], **more: Any) -> requests.Response:  # noqa: ANN401 - JSON
    acls = {"bypass": "AzureServices", "defaultAction": "Deny", "ipRules": [{"value": one} for one in addresses]}
    return at.ask("PATCH", vault.id + API, json={"properties": {"networkAcls": acls}, **more})


def test_the_challenge_names_tenant_and_address_on_a_closed_vault(at: Setting) -> None:
    vault = at.group.vault("kv")
    answer = requests.get(f"{vault.url}/secrets/any?api-version=7.4", timeout=10)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith(f'Bearer authorization="{at.azure.url}/{at.azure.tenant_id}"')
    assert "addr=203.0.113.10;" in answer.headers["x-ms-keyvault-network-info"]


def test_the_firewall_opens_for_an_address_and_closes(at: Setting) -> None:
    vault = at.group.vault("kv", addresses=["198.51.100.0/24"], secrets={"ssh-key": "s3"}, tags={"team": "a"})
    assert inner(at, vault) == "ForbiddenByFirewall"
    tags = {"team": "a", "dify-upgrade": "203.0.113.10|1"}
    answer = patch(at, vault, ["198.51.100.0/24", "203.0.113.10"], tags=tags)
    assert answer.json()["properties"]["networkAcls"]["ipRules"][1] == {"value": "203.0.113.10/32"}
    assert (answer.json()["tags"], vault.tags) == (tags, tags)
    assert inner(at, vault) == "s3"
    patch(at, vault, ["198.51.100.0/24"], tags={"team": "a"})
    assert inner(at, vault) == "ForbiddenByFirewall"
    assert vault.addresses == ("198.51.100.0/24",)
    assert 0 < vault.exposure("203.0.113.10") < vault.exposure("198.51.100.7") < 10


def test_the_refusal_names_the_address_that_was_seen(at: Setting) -> None:
    at.azure.client_address = ("203.0.113.10", "203.0.113.11")
    vault = at.group.vault("kv", addresses=["203.0.113.10/32"], secrets={"ssh-key": "s3"})
    client = at.secrets(vault)
    seen = []
    for _ in range(4):
        try:
            seen.append(client.get_secret("ssh-key").value)
        except HttpResponseError as error:
            seen.append(error.message.split("Client address: ")[1].split("\n")[0].strip())
    assert set(seen) == {"s3", "203.0.113.11"}


def test_opening_takes_its_time_and_flaps(at: Setting) -> None:
    vault = at.group.vault("kv", secrets={"ssh-key": "s3"})
    at.azure.timing.vault_propagation, at.azure.timing.flapping = 30, 30
    patch(at, vault, ["203.0.113.10"])
    assert inner(at, vault) == "ForbiddenByFirewall"
    at.azure.pass_time(31)
    assert {inner(at, vault) for _ in range(4)} == {"ForbiddenByFirewall", "s3"}
    at.azure.pass_time(30)
    assert {inner(at, vault) for _ in range(4)} == {"s3"}


def test_refusals_are_told_apart(at: Setting) -> None:
    secrets = {"ssh-key": "s3"}
    opened = {"default_action": "Allow", "secrets": secrets}
    private = at.group.vault("private", public_network_access="Disabled", default_action="Allow", secrets=secrets)
    linked = at.group.vault("linked", public_network_access="Disabled", private_endpoint="10.0.0.7", secrets=secrets)
    policies = at.group.vault("policies", rbac=False, **opened)
    allowed = at.group.vault("allowed", rbac=False, policies={at.app.object_id: ["get"]}, **opened)
    assert [inner(at, vault) for vault in (private, linked, policies, allowed)] == [
        "ForbiddenByConnection",
        "s3",
        "AccessDenied",
        "s3",
    ]
    rbac = at.group.vault("rbac", **opened)
    assert inner(at, rbac) == "s3"
    at.azure.allow(at.app, "*/read")
    assert inner(at, rbac) == "ForbiddenByRbac"
    at.azure.allow(at.app, data=(READ,), scope=rbac)
    assert inner(at, rbac) == "s3"


def test_a_secret_may_be_missing_or_disabled(at: Setting) -> None:
    vault = at.group.vault("kv", default_action="Allow")
    with pytest.raises(ResourceNotFoundError, match="SecretNotFound"):
        at.secrets(vault).get_secret("ssh-key")
    vault.put_secret("ssh-key", "s3", enabled=False)
    assert inner(at, vault) == "SecretDisabled"


def test_an_open_firewall_is_not_shown(at: Setting) -> None:
    vault = at.group.vault("kv", default_action="Allow")
    assert "networkAcls" not in at.ask("GET", vault.id + API).json()["properties"]
    shown = patch(at, vault, []).json()["properties"]
    assert shown["networkAcls"] == {
        "bypass": "AzureServices",
        "defaultAction": "Deny",
        "ipRules": [],
        "virtualNetworkRules": [],
    }
    assert shown["publicNetworkAccess"] == "Enabled"


def test_a_patch_that_azure_would_not_take(at: Setting) -> None:
    vault = at.group.vault("kv")
    codes = [
        patch(at, vault, ["203.0.113.10/33"]).json()["error"]["code"],
        patch(at, vault, ["2001:db8::1"]).json()["error"]["code"],
        patch(at, vault, [], tags={str(number): "" for number in range(51)}).json()["error"]["code"],
        patch(at, vault, [], tags={"long": "x" * 257}).json()["error"]["code"],
    ]
    assert codes == ["BadRequest", "BadRequest", "InvalidTagCount", "InvalidTagValueLength"]
    assert vault.addresses == ()
    at.azure.allow(at.app, "*/read")
    assert patch(at, vault, []).status_code == 403


def test_faults_reach_the_vaults_own_port(at: Setting) -> None:
    vault = at.group.vault("kv", default_action="Allow", secrets={"ssh-key": "s3"})
    at.azure.faults.add("GET /secrets/*", status=503, body={"error": {"code": "ServiceUnavailable", "message": "x"}})
    with pytest.raises(HttpResponseError):
        at.secrets(vault).get_secret("ssh-key")
    assert [call.status for call in at.azure.calls("GET /secrets/*")] == [503]
    assert inner(at, vault) == "s3"
