"""Everything that is wrong with the inputs of azure-vm is said at once, before Azure is asked."""

from __future__ import annotations

from typing import Any, cast

import pytest

from difyaction.azure_vm.ssh_way import SshWay
from difyaction.errors import Invalid
from difyaction.inputs import read
from tests.unit.azure_vm.test_roads import AZURE, HOST_KEY, KEY, SSH, by_ssh, complained


def test_all_that_is_missing_is_said_together() -> None:
    bare = {"target": "azure-vm", "dify-version": "1.14.1"}
    assert complained(bare) == [
        "azure-subscription-id",
        "resource-group",
        "vm-name",
        "azure-tenant-id",
        "azure-client-id",
        "user",
        "ssh-key",
        "source-address",
    ]


@pytest.mark.parametrize(
    ("given", "about"),
    [
        ({"azure_login": "client-secret"}, "azure-client-secret"),
        ({"azure_client_secret": "a-long-secret"}, "azure-client-secret"),
        ({"open_key_vault": "true"}, "key-vault"),
        ({"key_vault_secret": "key"}, "ssh-key"),
        ({"host": "local"}, "host"),
        ({"jump_host": "me@bastion.example:22"}, "jump-host"),
        ({"azure_subscription_id": "my subscription"}, "azure-subscription-id"),
        ({"azure_environment": "mooncake"}, "azure-environment"),
        ({"vm_name": "../other"}, "vm-name"),
        ({"resource_group": "a/b"}, "resource-group"),
        ({"source_address": "2001:db8::1"}, "source-address"),
        ({"source_address": "0.0.0.0/0"}, "source-address"),
        ({"source_address": "0.0.0.0"}, "source-address"),  # noqa: S104 - not bound to
        ({"source_address": "127.0.0.1"}, "source-address"),
        ({"source_address": "224.0.0.1"}, "source-address"),
        ({"source_address": "255.255.255.255"}, "source-address"),
        ({"source_address": "http://ip.example"}, "source-address"),
        ({"key_vault": "https://dify-kv.vault.azure.net"}, "key-vault"),
        ({"snapshot_keep": "0"}, "snapshot-keep"),
        ({"azure_authority": "https://login.example/tenant"}, "azure-authority"),
        ({"azure_authority": "https://login example/"}, "azure-authority"),
        ({"azure_authority": "http://login.example"}, "azure-authority"),
        ({"azure_authority": "https://login.example:99999"}, "azure-authority"),
        ({"azure_authority": "https://me@login.example"}, "azure-authority"),
        ({"azure_resource_manager": "https://arm.example/subscriptions"}, "azure-resource-manager"),
    ],
)
def test_what_is_wrong_is_named(given: dict[str, str], about: str) -> None:
    assert about in complained(SSH, **given)


def test_addresses_that_cannot_be_used_are_said_beside_all_else() -> None:
    given = {"azure_authority": "https://a.example/x", "azure_resource_manager": "https://b.example/y"}
    assert complained(SSH, vm_name="../other", **given) == ["vm-name", "azure-authority", "azure-resource-manager"]


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"ssh_known_hosts": "dify ssh-ed25519 AAA"}, ["ssh-known-hosts-invalid"]),
        ({"ssh_known_hosts": f"dify {HOST_KEY}\n{HOST_KEY}"}, ["ssh-known-hosts-invalid"]),
        ({"ssh_key": "/home/me/.ssh/id_ed25519"}, ["ssh-key-unreadable"]),
        ({"ssh_key": KEY.rpartition("\n")[0]}, ["ssh-key-unreadable"]),
        ({"jump_vm": "way", "jump_ssh_key": "ssh-ed25519 AAAA"}, ["ssh-key-unreadable"]),
        ({"ssh_key": KEY.replace("OPENSSH", "ENCRYPTED")}, ["ssh-key-passphrase"]),
        ({"ssh_key": "no key", "ssh_known_hosts": "nobody"}, ["ssh-key-unreadable", "ssh-known-hosts-invalid"]),
    ],
)
def test_keys_that_cannot_be_read_are_said_beside_all_else(given: dict[str, str], wrong: list[str]) -> None:
    with pytest.raises(Invalid) as caught:
        by_ssh(user="", **given)
    assert [each.id for each in caught.value.complaints] == ["input-missing", *wrong]


def test_keys_that_can_be_read_are_no_complaint() -> None:
    given = {"ssh_key": KEY.replace("OPENSSH", "ENCRYPTED"), "ssh_key_passphrase": "long enough"}
    assert by_ssh(ssh_known_hosts=f"dify {HOST_KEY}", **given).ssh_known_hosts == (f"dify {HOST_KEY}",)


def test_a_key_that_looks_like_one_and_is_none_is_told_before_anybody_is_asked() -> None:
    with pytest.raises(Invalid) as caught:
        SshWay(by_ssh(), cast("Any", None), cast("Any", None))
    assert [(each.id, each.input) for each in caught.value.complaints] == [("ssh-key-unreadable", "ssh-key")]


def test_a_vault_alone_stands_for_key_and_address() -> None:
    given = {**AZURE, "user": "me", "key-vault": "dify-kv", "key-vault-secret": "key"}
    assert read(given).key_vault == "dify-kv"
    del given["key-vault-secret"]
    assert complained(given) == ["key-vault-secret"]


def test_of_a_vault_that_is_misspelt_it_is_not_said_that_what_it_stands_for_is_missing() -> None:
    given = {**AZURE, "user": "me", "key-vault-secret": "key"}
    assert complained(given, key_vault="https://dify-kv.vault.azure.net/") == ["key-vault"]


def test_a_sweep_needs_a_login_and_a_machine_and_no_key() -> None:
    given = {name: text for name, text in AZURE.items() if name != "dify-version"}
    assert read({**given, "mode": "sweep"}).mode == "sweep"
    assert complained(given, mode="sweep", plan_id="abc") == ["plan-id"]


def test_a_managed_identity_needs_no_ids() -> None:
    given = {name: text for name, text in SSH.items() if name not in {"azure-client-id", "azure-tenant-id"}}
    assert read({**given, "azure-login": "managed-identity"}).azure_client_id == ""


def test_only_machines_in_azure_are_swept() -> None:
    with pytest.raises(Invalid) as caught:
        read({"target": "server", "mode": "sweep", "host": "local"})
    assert "mode" in [complaint.input for complaint in caught.value.complaints]
