"""Names that lead nowhere are told: nobody looked there."""

from __future__ import annotations

import pytest

from difyaction.azure.dead_leases import leased
from difyaction.errors import Failed
from tests.unit.azure.scripted import arm, error

PLACE = "/subscriptions/s/resourceGroups/g/providers"
GROUP = f"{PLACE}/Microsoft.Network/networkSecurityGroups/nsg"
VAULT = f"{PLACE}/Microsoft.KeyVault/vaults/kv"


def test_a_group_that_is_not_there_is_no_group_without_doors() -> None:
    client, _ = arm(error(404, "ResourceNotFound"))
    with pytest.raises(Failed, match="looking for doors") as raised:
        list(leased(client, [GROUP], []))
    assert raised.value.id == "azure-not-found"


def test_a_vault_that_is_not_there_is_no_vault_without_doors() -> None:
    client, _ = arm(error(404, "ResourceNotFound"))
    with pytest.raises(Failed, match=VAULT) as raised:
        list(leased(client, [], [VAULT]))
    assert raised.value.id == "vault-unknown"
