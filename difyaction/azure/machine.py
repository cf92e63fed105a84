"""The machine as Azure knows it: power, addresses, the security groups on the way to it, its disks. Only reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from difyaction.azure.arm import group_of, last_name, parsed, properties, same
from difyaction.azure.management import Management
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
    """A network interface. ``groups``: ids of the security groups on the way in, the subnet's first.

    ``public`` is its public address, empty for none; ``public_id`` and ``subnet`` are ids.
    """

    id: str
    private: str
    public: str
    subnet: str
    groups: tuple[str, ...]
    primary: bool = True
    public_id: str = ""


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


def read_machine(azure: Management, vm: str) -> Machine:
    """Return a machine by its id. ``Failed`` when there is none."""
    found = find_machine(azure, vm)
    if found is None:
        raise unknown(vm)
    return found


def find_machine(azure: Management, vm: str) -> Machine | None:
    """Return a machine by its id, None when Azure knows none."""
    from difyaction.azure.answers import there, told  # noqa: PLC0415 - only those who go to Azure pay for the library

    group, name = parsed(vm)["resourcegroups"], last_name(vm)
    with told(READING):
        found = there(lambda: azure.compute(vm).virtual_machines.get(group, name, expand="instanceView"))
        return None if found is None else _machine(azure, found)


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


def _machine(azure: Management, found: Mapping[str, Any]) -> Machine:
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
        nics=tuple(_nic(azure, each, alone=len(interfaces) == 1) for each in interfaces),
        disks=tuple(_disk(azure, each, lun) for each, lun in attached if _is_managed(each)),
        loose_disks=tuple(str(each.get("name")) for each, _ in attached if not _is_managed(each)),
    )


def _is_managed(attached: Mapping[str, Any]) -> bool:
    return bool(attached.get("managedDisk")) and not attached.get("diffDiskSettings")


def _nic(azure: Management, reference: Mapping[str, Any], *, alone: bool) -> Nic:
    network = azure.network(reference["id"])
    found = _seen(network.network_interfaces.get, reference["id"], "networkinterfaces")
    record = properties(found)
    configurations = [properties(each) for each in record.get("ipConfigurations") or ()]
    first = next((each for each in configurations if each.get("primary")), configurations[0] if configurations else {})
    public = str((first.get("publicIPAddress") or {}).get("id") or "")
    subnet = str((first.get("subnet") or {}).get("id") or "")
    groups = [_group(_seen(network.subnets.get, subnet, "virtualnetworks", "subnets")), _group(found)]
    return Nic(
        id=str(reference["id"]),
        private=str(first.get("privateIPAddress", "")),
        public=_address(_seen(network.public_ip_addresses.get, public, "publicipaddresses")),
        subnet=subnet,
        groups=distinct(group for group in groups if group),
        primary=alone or bool((reference.get("properties") or {}).get("primary")),
        public_id=public,
    )


def _seen(get: Callable[..., Mapping[str, Any]], resource: str, *kinds: str) -> Mapping[str, Any]:
    """Return a resource by the call that gets one of its kind by names; empty when there is none."""
    from difyaction.azure.answers import there  # noqa: PLC0415 - as above

    if not resource:
        return {}
    parts = parsed(resource)
    return there(lambda: get(parts["resourcegroups"], *(parts[kind] for kind in kinds))) or {}


def _address(public: Mapping[str, Any]) -> str:
    return str(properties(public).get("ipAddress", ""))


def distinct(ids: Iterable[str], *, besides: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the ids, each once, without those of ``besides``."""
    seen, found = [*besides], list[str]()
    for each in ids:
        if not any(same(each, other) for other in seen):
            seen.append(each)
            found.append(each)
    return tuple(found)


def _group(holder: Mapping[str, Any]) -> str:
    return str((properties(holder).get("networkSecurityGroup") or {}).get("id") or "")


def _disk(azure: Management, attached: Mapping[str, Any], lun: object) -> Disk:
    id_ = str(attached["managedDisk"]["id"])
    found = _seen(azure.compute(id_).disks.get, id_, "disks")
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


def unknown(vm: str) -> Failed:
    """Return the error for a machine that Azure does not know."""
    return Failed(
        "azure-vm-unknown",
        "There is no virtual machine {vm}.",
        next_step="Check azure-subscription-id, resource-group and vm-name; without the right to read it, Azure "
        "answers the same.",
        vm=vm,
    )
