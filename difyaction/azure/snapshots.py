"""Keeps the disks as they are: a snapshot of one, a restore point of several at one moment; verified, or an error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from difyaction.azure.arm import Unanswered, last_name, parsed, properties, same
from difyaction.azure.kept_wrong import BROKE, not_this_disk, unfinished
from difyaction.azure.machine import Disk, Machine
from difyaction.azure.management import Management
from difyaction.azure.naming import Label, point_name, snapshot_name
from difyaction.azure.pace import Pace
from difyaction.azure.refusals import refused
from difyaction.azure.wire import bounded
from difyaction.language import N_

if TYPE_CHECKING:
    from azure.core.polling import LROPoller

PATIENCE: Final = 1800.0  # seconds; usual disks take seconds, Premium SSD v2 and Ultra copy in the background
_DOING: Final = "keeping the disks"
_UNABLE: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT})
_MUTE: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


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


def keep(azure: Management, order: Order, *, patience: float = PATIENCE, begun: list[str] | None = None) -> Keepsake:
    """Keep every disk and return what was seen to be kept. ``Failed`` otherwise; what was made is pruned by its tags.

    Where the machine's size or disks allow no restore point, each disk gets a snapshot of its own. ``begun`` gains the
    id of each before it is asked for, whatever happens then.
    """
    from difyaction.azure.answers import told  # noqa: PLC0415 - only those who go to Azure pay for the library

    until, begun = azure.pace.until(patience), [] if begun is None else begun
    with told(_DOING):
        if len(order.machine.disks) <= 1:
            return Keepsake(_snapshots(azure, order, until, begun))
        point, why = _point(azure, order, until, begun)
        if point:
            return Keepsake(_kept_by(azure, order.machine, point, until), point)
        return Keepsake(_snapshots(azure, order, until, begun), at_one_moment=False, why=bounded(why))


def _snapshots(azure: Management, order: Order, until: float, begun: list[str]) -> tuple[Kept, ...]:
    under_way = []
    for disk in order.machine.disks:
        snapshot, body = _snapshot_id(order, disk), _body(order, disk)
        group, name = parsed(snapshot)["resourcegroups"], last_name(snapshot)
        begun.append(snapshot)
        made = azure.compute(snapshot).snapshots.begin_create_or_update(group, name, body, until=until)
        under_way.append((disk, snapshot, made))
    return tuple(_complete(azure, disk, snapshot, made, until) for disk, snapshot, made in under_way)


def _complete(azure: Management, disk: Disk, snapshot: str, made: LROPoller[Any], until: float) -> Kept:
    """Wait for a snapshot's creation, and verify what it made."""
    from difyaction.azure.answers import tried  # noqa: PLC0415 - as above

    ended = tried(made.wait)
    if not ended.ok:
        raise not_this_disk(disk, snapshot, BROKE, says=f"{ended.code}: {ended.message}")
    get, group = azure.compute(snapshot).snapshots.get, parsed(snapshot)["resourcegroups"]
    return _verified(disk, snapshot, partial(get, group, last_name(snapshot), until=until), azure.pace, until=until)


def _snapshot_id(order: Order, disk: Disk) -> str:
    label = order.label
    name = snapshot_name(disk.name, label.version, order.when, order.timezone, label.run)
    return f"{order.group}/providers/Microsoft.Compute/snapshots/{name}"


def _body(order: Order, disk: Disk) -> Any:  # noqa: ANN401 - one of three kinds that the SDK takes
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


def _verified(disk: Disk, source: str, look: Callable[[], Mapping[str, Any]], pace: Pace, *, until: float) -> Kept:
    """Look until what holds a disk is complete, and compare what it is of."""
    from difyaction.azure.answers import there  # noqa: PLC0415 - as above

    for attempt in range(100_000):
        record = properties(there(look))
        percent = float(record.get("completionPercent", 100) or 0)
        # The part of a restore point that a disk has says nothing of its own provisioning.
        if record.get("provisioningState", "Succeeded") == "Succeeded" and percent >= 100:  # noqa: PLR2004 - all of it
            return _compared(disk, source, record)
        if record.get("provisioningState") == "Failed":
            break
        if not pace.back_off(attempt, until=until, longest=5.0):
            raise unfinished(disk, source, percent)
    raise not_this_disk(disk, source, BROKE, says="-")


def _compared(disk: Disk, source: str, record: Mapping[str, Any]) -> Kept:
    creation = record.get("creationData") or {}
    of = str(record.get("sourceResourceId") or creation.get("sourceResourceId") or "nothing")
    unique = str(record.get("sourceUniqueId") or creation.get("sourceUniqueId") or "")
    size = int(record.get("diskSizeBytes") or 0)
    if not same(of, disk.id) or (disk.unique_id and unique != disk.unique_id):
        raise not_this_disk(disk, source, N_("It is of {of} ({unique})."), of=of, unique=unique or "-")
    if disk.size_bytes and size and size != disk.size_bytes:
        sizes = {"size": size, "wanted": disk.size_bytes}
        raise not_this_disk(disk, source, N_("It has {size} bytes and the disk {wanted}."), **sizes)
    return Kept(disk, source, size or disk.size_bytes)


def _point(azure: Management, order: Order, until: float, begun: list[str]) -> tuple[str, str]:
    """Make a restore point and return its id; empty, with Azure's reason, where the machine can have none."""
    from difyaction.azure.answers import tried  # noqa: PLC0415 - as above

    machine, label = order.machine, order.label
    name = point_name(machine.name, label.version, order.when, order.timezone, label.run)
    collection = f"{order.group}/providers/Microsoft.Compute/restorePointCollections/{name}"
    group, compute = parsed(order.group)["resourcegroups"], azure.compute(order.group)
    source: Any = {"location": machine.location, "tags": label.tags(), "properties": {"source": {"id": machine.id}}}
    wish: Any = {"properties": {"consistencyMode": "CrashConsistent"}}

    point = f"{collection}/restorePoints/{name}"
    begun.append(point)

    def make() -> None:
        compute.restore_point_collections.create_or_update(group, name, source, until=until)
        compute.restore_points.begin_create(group, name, name, wish, until=until).wait()

    answer = tried(make)
    if answer.status in _UNABLE:
        if not _discard(azure, collection, until):
            begun.remove(point)
        return "", answer.message
    if not answer.ok:
        raise refused(Unanswered(answer, f"PUT {collection}"), _DOING)
    return point, ""


def _kept_by(azure: Management, machine: Machine, point: str, until: float) -> tuple[Kept, ...]:
    parts = parsed(point)
    names = (parts["resourcegroups"], parts["restorepointcollections"], parts["restorepoints"])
    found = properties(azure.compute(point).restore_points.get(*names, until=until))
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
            raise not_this_disk(disk, point, N_("The restore point does not hold it."))
        kept.append(_part(azure, disk, source, until))
    return tuple(kept)


def _part(azure: Management, disk: Disk, source: str, until: float) -> Kept:
    """Verify one disk's part of a restore point; where its own record may not be read, the point's word has to do."""
    from difyaction.azure.answers import tried  # noqa: PLC0415 - as above

    parts, get = parsed(source), azure.compute(source).disk_restore_point.get
    names = ("resourcegroups", "restorepointcollections", "restorepoints", "diskrestorepoints")
    look = partial(get, *(parts[name] for name in names), until=until)
    if tried(look).status in _MUTE:
        return Kept(disk, source, disk.size_bytes)
    return _verified(disk, source, look, azure.pace, until=until)


def _discard(azure: Management, kept: str, until: float) -> str:
    """Remove a snapshot or a restore point collection; return why that could not be done, empty when it could."""
    from difyaction.azure.answers import tried  # noqa: PLC0415 - as above

    compute, group, name = azure.compute(kept), parsed(kept)["resourcegroups"], last_name(kept)
    is_snapshot = "snapshots" in parsed(kept)
    delete = compute.snapshots.begin_delete if is_snapshot else compute.restore_point_collections.begin_delete
    answer = tried(partial(delete, group, name, polling=False, until=until))
    is_gone = answer.ok or answer.status == HTTPStatus.NOT_FOUND
    return "" if is_gone else f"{answer.status} {answer.code} {answer.message}"


@dataclass(frozen=True)
class Old:
    """Something of ours that an earlier run kept: its id and its label."""

    id: str
    label: Label


def ours(azure: Management, group: str, machine: str) -> tuple[Old, ...]:
    """Return what earlier runs kept of a machine (its id) in a resource group, by tags alone, newest first."""
    from difyaction.azure.answers import told  # noqa: PLC0415 - as above

    compute, name = azure.compute(group), parsed(group)["resourcegroups"]
    with told("looking for old snapshots", state=""):  # after an upgrade, or after doors were closed
        found: list[Mapping[str, Any]] = [
            *compute.snapshots.list_by_resource_group(name),
            *compute.restore_point_collections.list(name),
        ]
    return tuple(sorted(_labelled(found, machine), key=_age))


def _age(old: Old) -> tuple[int, int, int, str]:
    """Sort newest first. Away from GitHub all runs have the number 0: then the one that expires last is the newest."""
    run = old.label.run
    return -run.id, -run.attempt, -old.label.expires, old.id


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


def prune(azure: Management, going: Iterable[Old], *, patience: float = 120.0) -> tuple[tuple[str, str], ...]:
    """Remove what may go. Return name and reason of what could not be removed: a lock, most likely. Never raises."""
    until = azure.pace.until(patience)
    tried = [(last_name(old.id), _discard(azure, old.id, until)) for old in going]
    return tuple((name, why) for name, why in tried if why)
