from __future__ import annotations

import pytest

from difyaction.azure.machine import Disk, Machine, Nic
from difyaction.azure.rights import Asked, Need, Standing, holds, needs, objections, scopes
from difyaction.target import Severity

VM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm"
NSG = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/nsg"
GROUP = "/subscriptions/s/resourceGroups/g"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
NIC = f"{GROUP}/providers/Microsoft.Network/networkInterfaces/nic"
SUBNET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/net/subnets/one"
PUBLIC = f"{GROUP}/providers/Microsoft.Network/publicIPAddresses/ip"
DISK = Disk(f"{GROUP}/providers/Microsoft.Compute/disks/os", "os", "u", 1, "Premium_LRS", "westus")
MACHINE = Machine(
    id=VM,
    name="vm",
    location="westus",
    vm_id="v",
    power="running",
    agent=True,
    linux=True,
    nics=(Nic(NIC, "10.0.0.4", "203.0.113.20", SUBNET, (NSG,), public_id=PUBLIC),),
    disks=(DISK,),
)
EVERYTHING = Standing([{"actions": ["*"], "notActions": []}])
RULES = "Microsoft.Network/networkSecurityGroups/securityRules"


def test_a_right_is_given_by_pattern_and_taken_away_by_pattern() -> None:
    contributor = [{"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Delete"]}]
    assert holds(contributor, "Microsoft.Compute/virtualMachines/read")
    assert not holds(contributor, "Microsoft.Authorization/locks/delete")
    assert holds([{"actions": ["*/read"]}], "Microsoft.Network/NetworkInterfaces/Read")
    assert not holds([{"actions": ["*/read"]}], "Microsoft.Compute/virtualMachines/runCommand/action")
    assert not holds([], "x")


def test_what_one_assignment_takes_away_another_may_give() -> None:
    both = [{"actions": ["*"], "notActions": ["a/b"]}, {"actions": ["a/b"]}]
    assert holds(both, "a/b")


def test_only_what_will_be_done_is_asked_for() -> None:
    assert {need.scope for need in needs(Asked(MACHINE))} == {VM, DISK.id, NIC, SUBNET, PUBLIC, GROUP}
    asked = Asked(MACHINE, door_groups=(NSG,), vault=VAULT, snapshot_group=GROUP, run_command=True)
    actions = {need.action for need in needs(asked)}
    assert "Microsoft.Compute/virtualMachines/runCommand/action" in actions
    assert "Microsoft.KeyVault/vaults/write" in actions
    assert "Microsoft.Compute/snapshots/write" in actions
    assert "Microsoft.Compute/restorePointCollections/write" not in actions


def test_what_was_read_need_not_be_asked_about() -> None:
    assert scopes(needs(Asked(MACHINE))) == ()
    assert scopes(needs(Asked(MACHINE, run_command=True, snapshot_group=GROUP))) == (VM, DISK.id, GROUP)


def test_a_disk_that_may_not_be_copied_is_an_objection_and_a_lock_on_it_is_none() -> None:
    held = Standing([{"actions": ["Microsoft.Compute/snapshots/*", "*/read"]}])
    wanted = list(needs(Asked(MACHINE, snapshot_group=GROUP)))
    (found,) = objections(wanted, dict.fromkeys(scopes(wanted), held), "1.14.1")
    assert (found.facts["scope"], found.facts["actions"]) == (DISK.id, "Microsoft.Compute/disks/beginGetAccess/action")
    locked = Standing([{"actions": ["*"]}], (("ReadOnly", "/lock"),))
    assert list(objections(wanted, {DISK.id: locked}, "1.14.1")) == []


def test_several_disks_need_restore_points() -> None:
    machine = Machine(**{**MACHINE.__dict__, "disks": (DISK, DISK)})
    actions = {need.action for need in needs(Asked(machine, snapshot_group=GROUP))}
    assert "Microsoft.Compute/restorePointCollections/restorePoints/write" in actions


def test_a_missing_right_is_an_objection_that_names_the_line() -> None:
    held = Standing([{"actions": ["*/read"]}])
    (found,) = objections(needs(Asked(MACHINE, door_groups=(NSG,))), {NSG: held, VM: held}, "1.14.1")
    assert (found.rule, found.severity) == ("azure-right-missing", Severity.NEVER)
    assert found.facts["lines"] == f'"{RULES}/write"'
    assert found.facts["scope"] == NSG


def test_with_every_right_and_no_lock_nothing_is_objected() -> None:
    asked = Asked(MACHINE, door_groups=(NSG,), vault=VAULT, snapshot_group=GROUP, run_command=True)
    standing = dict.fromkeys((VM, NSG, VAULT, GROUP), EVERYTHING)
    assert list(objections(needs(asked), standing, "1.14.1")) == []


def test_where_azure_does_not_tell_nothing_is_claimed() -> None:
    assert list(objections(needs(Asked(MACHINE, door_groups=(NSG,))), {NSG: Standing(None)}, "1.14.1")) == []


def test_a_lock_against_all_changes_stops_us() -> None:
    locked = Standing([{"actions": ["*"]}], (("ReadOnly", "/lock"),))
    found = list(objections(needs(Asked(MACHINE, door_groups=(NSG,))), {NSG: locked}, "1.14.1"))
    assert [(each.rule, each.severity) for each in found] == [("azure-locked", Severity.NEVER)]


@pytest.mark.parametrize("action", [f"{RULES}/*", "Microsoft.Network/networkSecurityGroups/*"])
def test_a_lock_against_deleting_leaves_a_deny_whatever_else_may_be_written(action: str) -> None:
    locked = Standing([{"actions": [action, "*/read"]}], (("CanNotDelete", "/lock"),))
    (found,) = objections(needs(Asked(MACHINE, door_groups=(NSG,))), {NSG: locked}, "1.14.1")
    assert (found.rule, found.severity) == ("azure-door-stays", Severity.AUTOMATIC)
    assert found.facts["cause"] == "/lock"


def test_a_missing_right_to_delete_is_said_with_its_own_line() -> None:
    held = Standing([{"actions": [f"{RULES}/read", f"{RULES}/write", "Microsoft.Network/networkSecurityGroups/read"]}])
    (found,) = objections(needs(Asked(MACHINE, door_groups=(NSG,))), {NSG: held}, "1.14.1")
    assert found.facts["line"] == f"{RULES}/delete"


def test_reading_is_no_change() -> None:
    assert not Need("a/read", VM, "x").writes
    assert Need("a/runCommand/action", VM, "x").writes
