"""What is read before anything is touched, and what is kept: machine, rights, locks, disks, host keys, commands."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from difyaction.azure.host_key import SCRIPT, known_hosts, read_host_keys
from difyaction.azure.machine import objections
from difyaction.azure.naming import Label
from difyaction.azure.rights import Asked, needs, scopes
from difyaction.azure.rights import objections as rights_objections
from difyaction.azure.run_command import RunCommand
from difyaction.azure.snapshots import Order, expendable, keep, ours, prune
from difyaction.azure.standing import read_standing
from difyaction.azure_vm.objections import standing
from difyaction.azure_vm.way_in import Approach
from difyaction.errors import Failed
from difyaction.secret import Secret
from difyaction.target import Severity
from tests.contract.azure_setting import Bench, bench
from tests.emulators.azure.emulator import AzureEmulator
from tests.emulators.azure.faults import AGENT_SILENT, OPERATION_FAILED, THROTTLED, refusal
from tests.emulators.azure.groups import ResourceGroup
from tests.emulators.azure.machines import Machine
from tests.emulators.azure.shells import FakeShell, Ran

WHEN = datetime(2026, 11, 20, 12, 7, 33, tzinfo=UTC)
ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKlFbgp32kG+8bN33aF/MDxPyvxYo3AGTlAS2ssUh7rI"


@pytest.fixture
def group(azure: AzureEmulator) -> ResourceGroup:
    return azure.group("dify-rg")


@pytest.fixture
def vm(group: ResourceGroup) -> Machine:
    nsgs = {name: group.security_group(name) for name in ("subnet-nsg", "nic-nsg")}
    return group.machine("dify", nic_group=nsgs["nic-nsg"], subnet_group=nsgs["subnet-nsg"])


def test_a_machine_is_read_whole(azure: AzureEmulator, vm: Machine) -> None:
    machine = bench(azure).machine(vm.id)
    assert (machine.name, machine.power, machine.agent, machine.linux) == ("dify", "running", True, True)
    assert (machine.nic.private, machine.nic.public) == (vm.private_address, "127.0.0.1")
    assert [each.rpartition("/")[2] for each in machine.nic.groups] == ["subnet-nsg", "nic-nsg"]
    (disk,) = machine.disks
    assert disk.is_system
    assert disk.unique_id
    assert disk.size_bytes > 0
    assert list(objections(machine, "1.14.1", snapshots=True, agent=True)) == []


def test_one_group_on_both_places_is_one_door(azure: AzureEmulator, group: ResourceGroup) -> None:
    nsg = group.security_group("nsg")
    vm = group.machine("dify", nic_group=nsg, subnet_group=nsg, public_address=None, data_disks=2)
    machine = bench(azure).machine(vm.id)
    assert machine.nic.groups == (nsg.id,)
    assert machine.nic.public == ""
    assert [disk.lun for disk in machine.disks] == [None, 0, 1]


def test_a_stopped_machine_is_an_objection(azure: AzureEmulator, group: ResourceGroup) -> None:
    machine = bench(azure).machine(group.machine("dify", power="deallocated").id)
    assert [each.rule for each in objections(machine, "1.14.1", snapshots=True, agent=True)] == ["azure-not-running"]


def test_a_machine_that_is_not_there_is_told(azure: AzureEmulator, group: ResourceGroup) -> None:
    with pytest.raises(Failed) as raised:
        bench(azure).machine(f"{group.id}/providers/Microsoft.Compute/virtualMachines/none")
    assert raised.value.id == "azure-vm-unknown"


def test_no_right_to_read_names_the_right(azure: AzureEmulator, vm: Machine) -> None:
    setting = bench(azure)
    azure.allow(setting.application, "Microsoft.Network/*")
    with pytest.raises(Failed, match=r"Microsoft\.Compute/virtualMachines/read") as raised:
        setting.machine(vm.id)
    assert raised.value.id == "azure-right-missing"


def judged(setting: Bench, vm: Machine) -> list[str]:
    machine = setting.machine(vm.id)
    wanted = list(needs(Asked(machine, door_groups=machine.nic.groups, snapshot_group=machine.group, run_command=True)))
    known = read_standing(setting.arm, scopes(wanted))
    return sorted(each.rule for each in rights_objections(wanted, known, "1.14.1"))


def test_rights_and_locks_are_known_before_anything_is_touched(
    azure: AzureEmulator, group: ResourceGroup, vm: Machine
) -> None:
    setting = bench(azure)
    assert judged(setting, vm) == []
    azure.allow(
        setting.application,
        "*/read",
        "Microsoft.Network/networkSecurityGroups/securityRules/*",
        "Microsoft.Compute/snapshots/*",
        "Microsoft.Compute/disks/beginGetAccess/action",
    )
    assert judged(setting, vm) == ["azure-right-missing"]
    lock = azure.lock(group)
    assert judged(setting, vm) == [
        "azure-door-stays",
        "azure-door-stays",
        "azure-right-missing",
        "azure-snapshots-stay",
    ]
    lock.remove()
    azure.lock(None, "ReadOnly")
    assert judged(setting, vm).count("azure-locked") == 4


@pytest.mark.parametrize(("named", "found"), [("dify-rg-snapshots", ["azure-group-unknown"]), ("", [])])
def test_a_group_for_snapshots_that_is_not_there_is_an_objection_before_anything_is_touched(
    azure: AzureEmulator, vm: Machine, named: str, found: list[str]
) -> None:
    setting = bench(azure)
    machine = setting.machine(vm.id)
    group = f"{machine.group.rpartition('/')[0]}/{named}" if named else machine.group
    judgement = standing(setting.arm, machine, Approach(), snapshot_group=group)
    assert [each.rule for each in judgement.keeping] == found
    assert all(each.severity is Severity.NEVER for each in judgement.keeping)


def order(setting: Bench, vm: Machine, *, expires: int = 4_000_000_000) -> Order:
    machine = setting.machine(vm.id)
    return Order(machine, machine.group, Label(setting.run, machine.id, "1.14.1", expires), WHEN, "Asia/Tokyo")


def test_one_disk_is_kept_by_a_verified_snapshot(azure: AzureEmulator, vm: Machine) -> None:
    azure.timing.compute = 5.0
    setting = bench(azure)
    kept = keep(setting.sdk, order(setting, vm))
    (snapshot,) = azure.snapshots
    assert [each.source for each in kept.kept] == [snapshot.id]
    assert len(snapshot.name) <= 80
    assert "-before-1.14.1-20261120-210733-JST-ab12cd" in snapshot.name
    assert snapshot.tags["dify-upgrade-run"] == "acme/infra#123.1.ab12cd"


def test_a_background_copy_is_waited_for(azure: AzureEmulator, group: ResourceGroup) -> None:
    azure.timing.background_copy = 300.0
    setting = bench(azure)
    vm = group.machine("fast", disk_sku="PremiumV2_LRS")
    began = setting.time.ahead
    keep(setting.sdk, order(setting, vm))
    assert setting.time.ahead - began >= 250
    azure.timing.background_copy = 10_000.0
    with pytest.raises(Failed) as raised:
        keep(setting.sdk, order(setting, group.machine("slow", disk_sku="PremiumV2_LRS")), patience=60)
    assert raised.value.id == "azure-snapshot-unfinished"


def test_several_disks_are_kept_at_one_moment(azure: AzureEmulator, group: ResourceGroup) -> None:
    setting = bench(azure)
    kept = keep(setting.sdk, order(setting, group.machine("big", data_disks=2)))
    assert kept.at_one_moment
    assert kept.point
    assert len({each.source for each in kept.kept}) == 3
    assert azure.snapshots == []


def test_where_no_restore_point_can_be_had_each_disk_gets_a_snapshot(
    azure: AzureEmulator, group: ResourceGroup
) -> None:
    setting = bench(azure)
    azure.faults.add("PUT */restorePoints/*", **refusal(409, "OperationNotAllowed", "VM size is not supported."))
    begun: list[str] = []
    kept = keep(setting.sdk, order(setting, group.machine("odd", data_disks=1)), begun=begun)
    assert (kept.at_one_moment, kept.point, len(azure.snapshots)) == (False, "", 2)
    assert begun == [each.id for each in azure.snapshots], "the restore point is gone again"
    assert "not supported" in kept.why


def test_throttling_is_outlived_and_a_failed_snapshot_is_an_error(azure: AzureEmulator, vm: Machine) -> None:
    setting = bench(azure)
    azure.faults.add("PUT */snapshots/*", **THROTTLED)
    assert keep(setting.sdk, order(setting, vm)).kept
    azure.operations.upset("PUT */snapshots/*", error=OPERATION_FAILED)
    with pytest.raises(Failed) as raised:
        keep(setting.sdk, Order(**{**order(setting, vm).__dict__, "timezone": "UTC"}))
    assert raised.value.id == "azure-snapshot-wrong"


@pytest.mark.parametrize(("disks", "kind"), [(0, "snapshots"), (1, "restorePoints")])
def test_what_is_asked_for_is_written_down_before(
    azure: AzureEmulator, group: ResourceGroup, disks: int, kind: str
) -> None:
    setting, begun = bench(azure), list[str]()
    seen: list[list[str]] = []
    refused = refusal(403, "AuthorizationFailed", "No.")
    azure.faults.add(f"PUT */{kind}/*", before=lambda _: seen.append(list(begun)), **refused)
    with pytest.raises(Failed):
        keep(setting.sdk, order(setting, group.machine("vm", data_disks=disks)), begun=begun)
    assert seen == [begun]
    assert f"/{kind}/" in begun[0]


def test_old_snapshots_go_by_their_tags_and_nobody_elses(azure: AzureEmulator, group: ResourceGroup) -> None:
    setting = bench(azure)
    vm = group.machine("big", data_disks=1)
    keep(setting.sdk, order(setting, vm))
    keep(setting.sdk, order(setting, group.machine("other")))
    found = ours(setting.sdk, group.id, vm.id)
    assert [each.id.rpartition("/")[0].rpartition("/")[2] for each in found] == ["restorePointCollections"]
    assert expendable(found, keep=1, now=0) == ()
    assert prune(setting.sdk, expendable(found, keep=0, now=0)) == ()
    setting.time.pause(60)
    assert ours(setting.sdk, group.id, vm.id) == ()
    assert len(azure.snapshots) == 1


def test_a_snapshot_under_a_lock_is_named_and_left(azure: AzureEmulator, group: ResourceGroup, vm: Machine) -> None:
    setting = bench(azure)
    keep(setting.sdk, order(setting, vm))
    azure.lock(group)
    ((name, why),) = prune(setting.sdk, ours(setting.sdk, group.id, vm.id))
    assert name == azure.snapshots[0].name
    assert "ScopeLocked" in why


def test_a_command_runs_without_any_port(azure: AzureEmulator, vm: Machine, tmp_path: Path) -> None:
    # Waiting takes no time here and the shell does: shorter waits give it more of them before the deadline.
    connection = RunCommand(bench(azure).sdk, vm.id, interval=0.1)
    ran = connection.run("echo out; cat; echo err >&2; exit 3", stdin=b"in\n", timeout=10)
    assert (ran.exit_code, ran.out, ran.err) == (3, b"out\nin\n", b"err\n")
    big = connection.run("head -c 30000 /dev/urandom | od -An -tx1", timeout=10)
    assert len(big.out) > 60_000
    connection.put(str(tmp_path / "run"), {"key": Secret("s3cret\n")})
    assert (tmp_path / "run" / "key").read_text() == "s3cret\n"


def test_a_silent_agent_is_an_error(azure: AzureEmulator, vm: Machine) -> None:
    azure.operations.upset("POST */runCommand", error=AGENT_SILENT)
    with pytest.raises(Failed, match="VM agent"):
        RunCommand(bench(azure).sdk, vm.id, interval=0.1).run("true", timeout=60)


def test_host_keys_come_over_the_control_plane(azure: AzureEmulator, vm: Machine) -> None:
    vm.shell = FakeShell({SCRIPT: Ran(output=f"{ED25519}\n")})
    (key,) = read_host_keys(bench(azure).sdk, vm.id)
    assert known_hosts((key,), "127.0.0.1", 2222) == f"[127.0.0.1]:2222 {ED25519}\n"
    vm.shell = FakeShell({SCRIPT: Ran(error="no sshd")})
    with pytest.raises(Failed) as raised:
        read_host_keys(bench(azure).sdk, vm.id)
    assert raised.value.id == "azure-host-key-unread"
