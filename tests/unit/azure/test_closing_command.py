"""What a person is given to close a door can be pasted as it stands: into a shell, from a log, from the summary."""

from __future__ import annotations

import shlex

import pytest

from difyaction.azure.closed import Closed, How
from difyaction.azure.closing import command, insist
from difyaction.azure.door import RuleDoor, VaultDoor
from difyaction.azure.doors import DoorOpen
from difyaction.azure.leases import Lease, Run

LEASE = Lease(Run(123, 1, "ab12cd", "acme/infra"), 1_764_000_900)
GROUP = "/subscriptions/1b2c/resourceGroups/rg(prod)/providers"
RULE = RuleDoor(f"{GROUP}/Microsoft.Network/networkSecurityGroups/nsg/securityRules/ours", LEASE)
VAULT = VaultDoor(f"{GROUP}/Microsoft.KeyVault/vaults/kv", ("203.0.113.10", "203.0.113.11"), LEASE)


def test_a_shell_reads_the_id_of_a_group_with_parentheses_as_one_word() -> None:
    assert shlex.split(command(RULE)) == ["az", "network", "nsg", "rule", "delete", "--ids", RULE.rule]


def test_a_vault_is_named_with_its_subscription_and_loses_the_tag_too() -> None:
    first, second, tag = command(VAULT).split("; ")
    expected = "az keyvault network-rule remove --subscription 1b2c --name kv --ip-address"
    assert (first, second) == (f"{expected} 203.0.113.10", f"{expected} 203.0.113.11")
    words = ["az", "tag", "update", "--resource-id", VAULT.vault, "--operation", "Delete", "--tags"]
    assert shlex.split(tag) == [*words, "dify-upgrade:123.1.ab12cd=203.0.113.10 203.0.113.11|1764000900"]


def test_in_an_error_the_command_is_code_and_nothing_follows_it() -> None:
    with pytest.raises(DoorOpen) as raised:
        insist([Closed(RULE, How.OPEN, ("DELETE: 403",))])
    assert str(raised.value).endswith(f" To remove it now: `{command(RULE)}`")
