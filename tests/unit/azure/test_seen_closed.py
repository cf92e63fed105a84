"""Nothing counts as closed because somebody on the way answered in Azure's place."""

from __future__ import annotations

import pytest

from difyaction.azure.closing import close
from difyaction.azure.doors import Door, RuleDoor, VaultDoor
from difyaction.azure.leases import Lease, Run
from difyaction.azure.wire import Answer
from tests.unit.azure.scripted import FakeTime, arm, error, ok

LEASE = Lease(Run(123, 1, "ab12cd", "acme/infra"), 1_764_000_900)
GROUP = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/nsg"
RULE = RuleDoor(f"{GROUP}/securityRules/ours", LEASE)
VAULT = VaultDoor("/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv", ("203.0.113.10",), LEASE)
PAGES = (
    ok({"message": "<html>Sign in to the guest network</html>"}),
    Answer(404, {}, {"message": "<html>No such page</html>"}),
    error(404, "SubscriptionNotFound"),
)


@pytest.mark.parametrize("door", [RULE, VAULT])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_in_azures_place_is_no_closed_door(door: Door, page: Answer) -> None:
    time = FakeTime()
    client, _ = arm(*[page] * 60, time=time)
    assert not close(client, door, until=time.now + 20).shut


@pytest.mark.parametrize("door", [RULE, VAULT])
def test_what_azure_itself_says_is_not_there_is_closed(door: Door) -> None:
    time = FakeTime()
    client, _ = arm(*[error(404, "ResourceNotFound")] * 3, time=time)
    assert close(client, door, until=time.now + 20).shut
