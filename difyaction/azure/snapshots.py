"""Keeps the disks as they are: a snapshot of one, a restore point of several at one moment; verified, or an error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from difyaction.azure.arm import COMPUTE, DISKS, Arm, Unanswered, last_name, properties, same
from difyaction.azure.machine import Disk, Machine
from difyaction.azure.naming import Label, point_name, snapshot_name
from difyaction.azure.refusals import refused
from difyaction.azure.wire import Answer, bounded
from difyaction.errors import Failed

PATIENCE: Final = 1800.0  # seconds; usual disks take seconds, Premium SSD v2 and Ultra copy in the background
_DOING: Final = "keeping the disks"
_UNABLE: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT})


@dataclass(frozen=True)
class Kept:
    """One disk as it was: the id of what holds it (a snapshot, or a disk's restore point), and its size in bytes."""

    disk: Disk
    source: str
    size_bytes: int


@dataclass(frozen=True)
class Keepsake:
    """All disks as they were. ``point``: the restore point's id; empty when each disk has a snapshot of its own.

    ``at_one_moment`` is false for several disks that were snapshotted one after the other; ``why`` tells the reason.
    """

    kept: tuple[Kept, ...]
    point: str = ""
    at_one_moment: bool = True
    why: str = ""


@dataclass(frozen=True)
class Order:
    """What to call it and how to tag it. ``group``: the id of the resource group that it is put in."""

    machine: Machine
    group: str
    label: Label
    when: datetime
    timezone: str


def keep(arm: Arm, order: Order, *, patience: float = PATIENCE) -> Keepsake:
    """Keep every disk and return what was seen to be kept. ``Failed`` otherwise; what was made is pruned by its tags.

    Where the machine's size or disks allow no restore point, each disk gets a snapshot of its own.
    """
    until = arm.pace.until(patience)
    disks = order.machine.disks
    try:
        if len(disks) > 1:
            made, answer = _point(arm, order, until)
            if made is not None:
                return made
            kept = _snapshots(arm, order, until)
            return Keepsake(kept, at_one_moment=False, why=bounded(answer.message))
        return Keepsake(_snapshots(arm, order, until))
    except Unanswered as error:
        raise refused(error, _DOING) from error


def _snapshots(arm: Arm, order: Order, until: float) -> tuple[Kept, ...]:
    begun = []
    for disk in order.machine.disks:
        name = _snapshot_id(order, disk)
        answer = arm.ask("PUT", name, _body(order, disk), version=DISKS, until=until)
        if not answer.ok:
            raise Unanswered(answer, f"PUT {name}")
        begun.append((disk, name, answer))
    return tuple(_verified(arm, disk, name, arm.finished(answer, until=until), until) for disk, name, answer in begun)


def _snapshot_id(order: Order, disk: Disk) -> str:
    label = order.label
    name = snapshot_name(disk.name, label.version, order.when, order.timezone, label.run)
    return f"{order.group}/providers/Microsoft.Compute/snapshots/{name}"


def _body(order: Order, disk: Disk) -> dict[str, Any]:
    return {
        "location": disk.location or order.machine.location,
        "tags": order.label.tags(),
        "sku": {"name": "Standard_LRS"},
        "properties": {
            "creationData": {"createOption": "Copy", "sourceResourceId": disk.id},
            "incremental": True,
            "publicNetworkAccess": "Disabled",
            "networkAccessPolicy": "DenyAll",
        },
    }


def _verified(arm: Arm, disk: Disk, snapshot: str, ended: Answer, until: float) -> Kept:
    """Look until the snapshot is complete, and compare what it is of. ``ended``: how its creation did."""
    if not ended.ok:
        raise _not_this_disk(disk, snapshot, f"its creation failed ({ended.code}: {ended.message})")
    for attempt in range(100_000):
        record = properties(arm.look(snapshot, version=DISKS, until=until))
        percent = float(record.get("completionPercent", 100) or 0)
        # The part of a restore point that a disk has says nothing of its own provisioning.
        if record.get("provisioningState", "Succeeded") == "Succeeded" and percent >= 100:  # noqa: PLR2004 - all of it
            return _compared(disk, snapshot, record)
        if record.get("provisioningState") == "Failed":
            break
        if not arm.pace.back_off(attempt, until=until, longest=5.0):
            raise _unfinished(disk, snapshot, percent)
    raise _not_this_disk(disk, snapshot, "its creation failed")


def _compared(disk: Disk, source: str, record: Mapping[str, Any]) -> Kept:
    creation = record.get("creationData") or {}
    of = str(record.get("sourceResourceId") or creation.get("sourceResourceId") or "nothing")
    unique = str(record.get("sourceUniqueId") or creation.get("sourceUniqueId") or "")
    size = int(record.get("diskSizeBytes") or 0)
    if not same(of, disk.id) or (disk.unique_id and unique != disk.unique_id):
        raise _not_this_disk(disk, source, f"it is of {of} ({unique or 'no unique id'})")
    if disk.size_bytes and size and size != disk.size_bytes:
        raise _not_this_disk(disk, source, f"it has {size} bytes and the disk {disk.size_bytes}")
    return Kept(disk, source, size or disk.size_bytes)


def _point(arm: Arm, order: Order, until: float) -> tuple[Keepsake | None, Answer]:
    """Make a restore point; None, with Azure's reason, where the machine can have none."""
    machine, label = order.machine, order.label
    name = point_name(machine.name, label.version, order.when, order.timezone, label.run)
    collection = f"{order.group}/providers/Microsoft.Compute/restorePointCollections/{name}"
    point = f"{collection}/restorePoints/{name}"
    body = {
        "location": machine.location,
        "tags": label.tags(),
        "properties": {"source": {"id": machine.id}},
    }
    answer = arm.ask("PUT", collection, body, version=COMPUTE, until=until)
    if answer.ok:
        wish = {"properties": {"consistencyMode": "CrashConsistent"}}
        answer = arm.ask("PUT", point, wish, version=COMPUTE, until=until)
        if answer.ok:
            answer = arm.finished(answer, until=until)
    if answer.status in _UNABLE:
        arm.ask("DELETE", collection, version=COMPUTE, until=until)
        return None, answer
    if not answer.ok:
        raise Unanswered(answer, f"PUT {point}")
    return Keepsake(_kept_by(arm, machine, point, until), point), answer


def _kept_by(arm: Arm, machine: Machine, point: str, until: float) -> tuple[Kept, ...]:
    found = properties(arm.look(point, version=COMPUTE, until=until))
    storage = (found.get("sourceMetadata") or {}).get("storageProfile") or {}
    attached: Sequence[Mapping[str, Any]] = [storage.get("osDisk") or {}, *(storage.get("dataDisks") or ())]
    sources = {
        str((each.get("managedDisk") or {}).get("id")).lower(): str(
            (each.get("diskRestorePoint") or {}).get("id") or ""
        )
        for each in attached
    }
    kept = []
    for disk in machine.disks:
        source = sources.get(disk.id.lower(), "")
        if not source or found.get("provisioningState") != "Succeeded":
            raise _not_this_disk(disk, point, "the restore point does not hold it")
        kept.append(_part(arm, disk, source, until))
    return tuple(kept)


def _part(arm: Arm, disk: Disk, source: str, until: float) -> Kept:
    """Verify one disk's part of a restore point; where its own record may not be read, the point's word has to do."""
    answer = arm.ask("GET", source, version=DISKS, until=until)
    if answer.status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
        return Kept(disk, source, disk.size_bytes)
    return _verified(arm, disk, source, answer, until)


@dataclass(frozen=True)
class Old:
    """Something of ours that an earlier run kept: its id and its label."""

    id: str
    label: Label

    @property
    def version(self) -> str:
        """The api-version that it is asked with."""
        return DISKS if "/snapshots/" in self.id else COMPUTE


def ours(arm: Arm, group: str, machine: str) -> tuple[Old, ...]:
    """Return what earlier runs kept of a machine (its id) in a resource group, by tags alone, newest first."""
    kinds = (("snapshots", DISKS), ("restorePointCollections", COMPUTE))
    try:
        found = [
            each
            for kind, version in kinds
            for each in arm.listed(f"{group}/providers/Microsoft.Compute/{kind}", version=version)
        ]
    except Unanswered as error:
        raise refused(error, "looking for old snapshots") from error
    return tuple(sorted(_labelled(found, machine), key=lambda old: (-old.label.run.id, -old.label.run.attempt, old.id)))


def _labelled(found: Iterable[Mapping[str, Any]], machine: str) -> Iterator[Old]:
    for each in found:
        label = Label.of(each.get("tags"))
        if label is not None and same(label.machine, machine):
            yield Old(str(each["id"]), label)


def expendable(found: Iterable[Old], *, keep: int | None, now: float, sparing: str = "") -> tuple[Old, ...]:
    """Return what may go: expired, or of a run beyond the newest ``keep``. The run ``sparing`` keeps all of its own."""
    found = tuple(found)
    runs = list(dict.fromkeys(old.label.run.text for old in found))
    newest = set(runs if keep is None else runs[:keep]) | {sparing}
    return tuple(
        old
        for old in found
        if old.label.run.text != sparing and (old.label.run.text not in newest or old.label.expires <= now)
    )


def prune(arm: Arm, going: Iterable[Old], *, patience: float = 120.0) -> tuple[tuple[str, str], ...]:
    """Remove what may go. Return name and reason of what could not be removed: a lock, most likely. Never raises."""
    until = arm.pace.until(patience)
    left = []
    for old in going:
        answer = arm.ask("DELETE", old.id, version=old.version, until=until)
        if not answer.ok and answer.status != HTTPStatus.NOT_FOUND:
            left.append((last_name(old.id), f"{answer.status} {answer.code} {answer.message}"))
    return tuple(left)


def _unfinished(disk: Disk, snapshot: str, percent: float) -> Failed:
    return Failed(
        "azure-snapshot-unfinished",
        "The snapshot {snapshot} of {disk} was at {percent} % when the time for it was up.",
        next_step="Run again later; disks of some kinds are copied in the background for hours.",
        snapshot=last_name(snapshot),
        disk=disk.name,
        percent=round(percent),
    )


def _not_this_disk(disk: Disk, snapshot: str, why: str) -> Failed:
    return Failed(
        "azure-snapshot-wrong",
        "What was kept of the disk {disk} is no copy of it ({snapshot}): {why}.",
        next_step="Look at it in the portal, and run again.",
        disk=disk.name,
        snapshot=last_name(snapshot),
        why=why,
    )
