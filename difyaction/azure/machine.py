"""The machine as Azure knows it: power, addresses, the security groups on the way to it, its disks. Only reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from difyaction.azure.arm import COMPUTE, DISKS, NETWORK, Arm, Unanswered, group_of, last_name, properties, same
from difyaction.azure.refusals import refused
from difyaction.errors import Failed
from difyaction.language import N_
from difyaction.target import Objection, Severity

READING: Final = "reading the machine"


@dataclass(frozen=True)
class Disk:
    """A managed disk. ``lun`` is None for the system disk; ``zones`` is empty where it is not zonal."""

    id: str
    name: str
    unique_id: str
    size_bytes: int
    sku: str
    location: str
    lun: int | None = None
    caching: str = "None"
    zones: tuple[str, ...] = ()

    @property
    def is_system(self) -> bool:
        """Whether the machine starts from it."""
        return self.lun is None


@dataclass(frozen=True)
class Nic:
    """A network interface. ``groups``: ids of the security groups on the way in, the subnet's first."""

    id: str
    private: str
    public: str
    subnet: str
    groups: tuple[str, ...]
    primary: bool = True


@dataclass(frozen=True)
class Machine:
    """A virtual machine. ``power`` is ``running``, ``deallocated``, ...; ``agent`` whether its guest agent answers."""

    id: str
    name: str
    location: str
    vm_id: str
    power: str
    agent: bool
    linux: bool
    nics: tuple[Nic, ...]
    disks: tuple[Disk, ...]
    loose_disks: tuple[str, ...] = ()  # names of disks that cannot be snapshotted: ephemeral or unmanaged

    @property
    def group(self) -> str:
        """The id of its resource group."""
        return group_of(self.id)

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self.power == "running"

    @property
    def nic(self) -> Nic:
        """The interface that connections come in by."""
        return next((nic for nic in self.nics if nic.primary), self.nics[0])


def machine_id(subscription: str, group: str, name: str) -> str:
    """Return the id of a machine by its names."""
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{name}"


def read_machine(arm: Arm, vm: str) -> Machine:
    """Return the machine with this id. ``Failed`` when it is not there, or may not be read."""
    try:
        found = arm.look(vm, version=COMPUTE, query={"$expand": "instanceView"})
        if found is None:
            raise _unknown(vm)
        return _machine(arm, found)
    except Unanswered as error:
        raise refused(error, READING) from error


def objections(machine: Machine, version: str, *, snapshots: bool, agent: bool) -> Iterator[Objection]:
    """Yield what stands in the way of an upgrade: ``snapshots`` and ``agent`` (Run Command) when they are needed."""
    facts: Mapping[str, object] = {"machine": machine.name}
    if not machine.linux:
        text = N_("{machine} does not run Linux.")
        yield Objection("azure-not-linux", version, Severity.NEVER, text, facts)
    if not machine.running:
        text = N_("{machine} does not run ({power}). Start it first; we do not.")
        yield Objection("azure-not-running", version, Severity.NEVER, text, {**facts, "power": machine.power})
    elif agent and not machine.agent:
        text = N_("The guest agent of {machine} does not answer, and Run Command needs it.")
        yield Objection("azure-agent-silent", version, Severity.NEVER, text, facts)
    if snapshots and machine.loose_disks:
        text = N_("{disks} of {machine} cannot be snapshotted: it is ephemeral or not managed.")
        names = ", ".join(machine.loose_disks)
        yield Objection("azure-disk-loose", version, Severity.ACKNOWLEDGE, text, {**facts, "disks": names})


def _machine(arm: Arm, found: Mapping[str, Any]) -> Machine:
    record = properties(found)
    view: Mapping[str, Any] = record.get("instanceView") or {}
    codes = [str(status.get("code")) for status in view.get("statuses") or ()]
    agent = [str(each.get("displayStatus")) for each in (view.get("vmAgent") or {}).get("statuses") or ()]
    storage: Mapping[str, Any] = record.get("storageProfile") or {}
    attached = [
        (storage.get("osDisk") or {}, None),
        *((each, each.get("lun")) for each in storage.get("dataDisks") or ()),
    ]
    interfaces = (record.get("networkProfile") or {}).get("networkInterfaces") or ()
    return Machine(
        id=str(found["id"]),
        name=str(found["name"]),
        location=str(found["location"]),
        vm_id=str(record.get("vmId", "")),
        power=next((code.partition("/")[2] for code in codes if code.startswith("PowerState/")), "unknown"),
        agent="Ready" in agent,
        linux=str((storage.get("osDisk") or {}).get("osType")) == "Linux",
        nics=tuple(_nic(arm, each, alone=len(interfaces) == 1) for each in interfaces),
        disks=tuple(_disk(arm, each, lun) for each, lun in attached if _is_managed(each)),
        loose_disks=tuple(str(each.get("name")) for each, _ in attached if not _is_managed(each)),
    )


def _is_managed(attached: Mapping[str, Any]) -> bool:
    return bool(attached.get("managedDisk")) and not attached.get("diffDiskSettings")


def _nic(arm: Arm, reference: Mapping[str, Any], *, alone: bool) -> Nic:
    found = arm.look(str(reference["id"]), version=NETWORK) or {}
    record = properties(found)
    configurations = [properties(each) for each in record.get("ipConfigurations") or ()]
    first = next((each for each in configurations if each.get("primary")), configurations[0] if configurations else {})
    public = str((first.get("publicIPAddress") or {}).get("id") or "")
    subnet = str((first.get("subnet") or {}).get("id") or "")
    groups = [_group(arm.look(subnet, version=NETWORK)) if subnet else "", _group(found)]
    return Nic(
        id=str(reference["id"]),
        private=str(first.get("privateIPAddress", "")),
        public=str(properties(arm.look(public, version=NETWORK)).get("ipAddress", "")) if public else "",
        subnet=subnet,
        groups=tuple(_distinct(group for group in groups if group)),
        primary=alone or bool((reference.get("properties") or {}).get("primary")),
    )


def _distinct(groups: Iterator[str]) -> Iterator[str]:
    seen: list[str] = []
    for group in groups:
        if not any(same(group, other) for other in seen):
            seen.append(group)
            yield group


def _group(holder: Mapping[str, Any] | None) -> str:
    return str((properties(holder).get("networkSecurityGroup") or {}).get("id") or "")


def _disk(arm: Arm, attached: Mapping[str, Any], lun: object) -> Disk:
    id_ = str(attached["managedDisk"]["id"])
    found = arm.look(id_, version=DISKS) or {}
    record = properties(found)
    return Disk(
        id=id_,
        name=last_name(id_),
        unique_id=str(record.get("uniqueId", "")),
        size_bytes=int(record.get("diskSizeBytes") or 0),
        sku=str((found.get("sku") or {}).get("name", "")),
        location=str(found.get("location", "")),
        lun=None if lun is None else int(str(lun)),
        caching=str(attached.get("caching") or "None"),
        zones=tuple(str(zone) for zone in found.get("zones") or ()),
    )


def _unknown(vm: str) -> Failed:
    return Failed(
        "azure-vm-unknown",
        "There is no virtual machine {vm}.",
        next_step="Check azure-subscription-id, resource-group and vm-name; without the right to read it, Azure "
        "answers the same.",
        vm=vm,
    )
