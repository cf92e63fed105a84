"""The emulated Azure's answers beside recorded ones of the real Azure: network, vaults, rights."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests

from tests.emulators.azure.emulator import AzureEmulator
from tests.emulators.azure.faults import ANOTHER_OPERATION, RETRYABLE, SUPERSEDED
from tests.emulators.azure_recordings import Exchange, Replay, differences, exchanges, group_of, nsg_of


def test_interfaces(replay: Replay) -> None:
    recorded = exchanges("nic-get")[0]
    group = group_of(replay, recorded)
    nsg = group.security_group("any")
    group.machine(recorded.name_after("networkInterfaces").removesuffix("VMNic"), nic_group=nsg)
    unread = ("internalDomainNameSuffix", "vnetEncryptionSupported", "allowPort25Out", "auxiliaryMode")
    replay.compare(recorded, but=[f"*.{name} is missing" for name in unread])


def test_public_addresses(replay: Replay) -> None:
    recorded = exchanges("public-ip-get")[0]
    group_of(replay, recorded).machine(recorded.name_after("publicIPAddresses").removesuffix("PublicIP"))
    replay.compare(recorded)


def test_security_groups(replay: Replay) -> None:
    attached, alone = exchanges("nsg-get")
    nsg = nsg_of(replay, attached)
    group_of(replay, attached).machine("vm1", nic_group=nsg)
    nsg.rule("ports", priority=800, destinationPortRanges=["555"], destinationPortRange="")
    replay.compare(attached, but=["*.destinationPortRange is too much"])
    nsg_of(replay, alone).rule("web", priority=1000)
    replay.compare(alone)


def test_a_whole_group(replay: Replay) -> None:
    recorded = exchanges("nsg-put")
    seen = 0
    for exchange in recorded:
        if exchange.method != "PUT" or exchange.status != 200:
            continue
        nsg = nsg_of(replay, exchange)
        if exchange.body["properties"].get("networkInterfaces"):
            group_of(replay, exchange).machine("vm", nic_group=nsg)
        replay.compare(exchange, but=["*subnets is missing"])
        seen += 1
    assert seen


def test_rules_are_put(replay: Replay) -> None:
    for exchange in exchanges("security-rule-put"):
        if exchange.method == "PUT" and exchange.group not in replay.azure.cloud.groups:
            nsg_of(replay, exchange)
        replay.compare(exchange)


def test_rules_are_deleted(replay: Replay) -> None:
    recorded = exchanges("security-rule-delete")
    nsg_of(replay, recorded[0]).rule(recorded[0].name_after("securityRules"), priority=100)
    for exchange in recorded:
        replay.compare(exchange)


def test_rules_at_once_with_their_retry_after(replay: Replay) -> None:
    replay.azure.timing.retry_after = "recorded"
    recorded = exchanges("security-rule-with-retry-after")
    nsg_of(replay, recorded[0])
    for exchange in recorded[:-2]:  # then the group itself is deleted, which is not modelled
        answer = replay.compare(exchange, but=["header azure-asyncnotification*", "header x-ms-failure*"])
        if exchange.method != "GET":
            assert answer.headers["Retry-After"] == exchange.headers["retry-after"]


def test_a_group_that_is_not_there(replay: Replay) -> None:
    recorded = exchanges("security-rule-with-retry-after")[-1]
    group_of(replay, recorded)
    replay.compare(recorded)


def test_vaults(replay: Replay) -> None:
    missing, opened, closed, disabled = exchanges("vault-get")
    group = group_of(replay, missing, "eastus2")
    replay.compare(missing)
    vault = group.vault(opened.name_after("vaults"), default_action="Allow")
    replay.compare(opened)
    vault.patch({"properties": {"networkAcls": {"defaultAction": "Deny", "bypass": "AzureServices"}}})
    replay.compare(closed)
    other = group_of(replay, disabled).vault(
        disabled.name_after("vaults"),
        default_action="Allow",
        public_network_access="Disabled",
        policies={"me": ["get"]},
    )
    other.rbac = False
    apart = ["*.permissions.* is missing", "*.enableRbacAuthorization is too much"]
    replay.compare(disabled, but=apart)


def test_a_vaults_firewall_is_changed(replay: Replay) -> None:
    """Azure's recordings hold PUT only: the answer to our PATCH has the same shape."""
    for exchange in exchanges("vault-put-networkacls"):
        if exchange.method != "PUT" or "ipRules" not in exchange.sent["properties"]["networkAcls"]:
            continue
        group_of(replay, exchange).vault(exchange.name_after("vaults"))
        asked = {"properties": {"networkAcls": exchange.sent["properties"]["networkAcls"]}, "tags": {}}
        patch = Exchange("PATCH", exchange.path, "", asked, exchange.status, exchange.headers, exchange.body, "")
        answer = replay.compare(patch)
        assert answer.json()["properties"]["networkAcls"] == exchange.body["properties"]["networkAcls"]


def vault_headers(azure: AzureEmulator) -> dict[str, str]:
    """Return the Authorization header of the one application for vaults."""
    (client_id,) = azure.cloud.directory.applications
    form = {"client_id": client_id, "client_secret": "s", "scope": "https://vault.azure.net/.default"}
    answer = requests.post(f"{azure.url}/{azure.tenant_id}/oauth2/v2.0/token", data=form, timeout=10)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.mark.usefixtures("replay")
def test_secrets_and_challenges(azure: AzureEmulator) -> None:
    vault = azure.group("any").vault("kv", default_action="Allow")
    vault.put_secret("secret1", "x")
    for recorded, headers in (
        (exchanges("secret-get")[2], vault_headers(azure)),
        (exchanges("keyvault-401-challenge")[1], {}),
    ):
        assert recorded.method == "GET"
        answer = requests.get(f"{vault.url}/secrets/secret1/?api-version=7.4", headers=headers, timeout=10)
        kept = [name for name in recorded.headers if name.startswith(("x-ms-keyvault", "www-"))]
        assert (answer.status_code, [name for name in kept if name not in answer.headers]) == (recorded.status, [])
        found = differences(recorded.body, answer.json())
        assert [one for one in found if one != ".contentType is missing"] == []


@pytest.mark.usefixtures("replay")
def test_refusals_of_a_vault(azure: AzureEmulator) -> None:
    """The same reasons, and texts that have the same words around names, addresses and ids."""
    group, headers, ours = azure.group("any"), vault_headers(azure), {}
    vaults = [
        group.vault("firewall"),
        group.vault("connection", public_network_access="Disabled"),
        group.vault("policy", default_action="Allow", rbac=False),
        group.vault("rbac", default_action="Allow"),
    ]
    azure.allow(next(iter(azure.cloud.directory.applications.values())), "*/read")
    for vault in vaults:
        error = requests.get(f"{vault.url}/secrets/test-secret?api-version=7.4", headers=headers, timeout=10).json()
        ours[error["error"]["innererror"]["code"]] = error
    recorded = [one for one in exchanges("keyvault-403") if one.body and "..." not in one.body["error"]["message"]]
    assert {one.body["error"]["innererror"]["code"] for one in recorded} == set(ours)
    for one in recorded:
        mine = ours[one.body["error"]["innererror"]["code"]]
        assert differences(one.body, mine) == []
        if "from unknown subnet" not in one.body["error"]["message"]:
            assert words(mine) == words(one.body)


def words(error: Any) -> str:  # noqa: ANN401 - JSON
    """Return an error's text without what is different in every answer."""
    text = error["error"]["message"]
    for pattern in (r"(appid|oid)=[\w-]+", r"numgroups=\d+;", r"windows.net/[\w-]+", r"[\w-]+;location=\w+"):
        text = re.sub(pattern, "", text)
    text = re.sub(r"/subscriptions/\S+'", "'", text)
    return re.sub(r"\d+\.\d+\.\d+\.\d+|secrets (get|list)", "", text)


def test_permissions_and_locks(replay: Replay) -> None:
    for exchange in exchanges("permissions-get"):
        group_of(replay, exchange)
        replay.compare(exchange)
    for exchange in exchanges("locks"):
        if exchange.method != "GET" or "value" not in exchange.body:
            continue
        lock = replay.azure.lock(group_of(replay, exchange), name="keep")
        replay.compare(exchange)
        lock.remove()


def test_errors_from_reports(replay: Replay) -> None:
    recorded = {one.body["error"]["code"]: one for one in exchanges("arm-errors-from-issues") if one.body}
    conflict, locked = recorded["SecurityRuleConflict"], recorded["ScopeLocked"]
    nsg = nsg_of(replay, conflict)
    nsg.rule("taken", priority=100, destinationPortRange="1")
    rule = {**nsg.rules["taken"], "sourceAddressPrefix": "*"}
    replay.compare(Exchange("PUT", conflict.path, "", {"properties": rule}, 400, {}, conflict.body, ""))
    replay.azure.lock(group_of(replay, conflict))
    deletion = Exchange("DELETE", conflict.path, "", None, 409, {}, locked.body, "")
    replay.compare(deletion)
    for fault, code in ((ANOTHER_OPERATION, "AnotherOperationInProgress"), (RETRYABLE, "RetryableError")):
        assert fault["status"] == recorded[code].status
        assert fault["body"]["error"]["code"] == code
    assert differences(recorded["Canceled"].body["error"], SUPERSEDED) == []
