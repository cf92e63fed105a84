"""Snapshots and restore points: copies of disks, made in the background where the disk is a fast one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tests.emulators.azure.clock import stamp
from tests.emulators.azure.cloud import Cloud
from tests.emulators.azure.machines import Machine
from tests.emulators.azure.problems import Json, invalid_parameter
from tests.emulators.azure.resources import Resource, new_guid

SNAPSHOT = "Microsoft.Compute/snapshots"
COLLECTION = "Microsoft.Compute/restorePointCollections"
POINT = COLLECTION + "/restorePoints"
DISK_POINT = POINT + "/diskRestorePoints"
NAME = re.compile(r"[^_\W][\w\-.]{0,79}(?<![-.])")
FAST = ("PremiumV2_LRS", "UltraSSD_LRS")
OS_MEMBERS = ("osType", "hyperVGeneration")
ENCRYPTED = {"type": "EncryptionAtRestWithPlatformKey"}


def checked_name(name: str) -> str:
    if not NAME.fullmatch(name):
        pattern = r"^[^_\W][\w\-.]{0,79}(?<![-.])$"
        raise invalid_parameter(f"The entity name '{name}' is invalid according to its validation rule: {pattern}.")
    return name


@dataclass(frozen=True)
class Copy:
    """A copy of a disk that began at some time."""

    cloud: Cloud
    disk: Resource
    begun: float

    def facts(self) -> Mapping[str, Json]:
        """Return how far it is, where Azure says so."""
        seconds = self.cloud.timing.background_copy
        if seconds <= 0 and self.disk.top["sku"]["name"] not in FAST:
            return {}
        passed = self.cloud.clock() - self.begun
        percent = 100.0 if seconds <= 0 or passed >= seconds else round(100 * passed / seconds, 1)
        return {"completionPercent": percent}


class Snapshot(Resource):
    """A snapshot; ``copy.begun`` is the moment that it shows."""

    def __init__(self, resource_id: str, copy: Copy, given: Mapping[str, Json]) -> None:
        super().__init__(resource_id, SNAPSHOT, str(given["location"]), dict(given.get("tags") or {}))
        self.copy = copy
        asked = given.get("properties") or {}
        self.top["sku"] = dict(given.get("sku") or {"name": "Standard_LRS"})
        self.properties = {
            "creationData": {"createOption": "Copy", "sourceResourceId": copy.disk.id},
            "incremental": bool(asked.get("incremental", False)),
            "provisioningState": "Updating",
        }
        self._policies = {
            "networkAccessPolicy": asked.get("networkAccessPolicy", "AllowAll"),
            "publicNetworkAccess": asked.get("publicNetworkAccess", "Enabled"),
        }

    def finish(self, _when: float) -> Json:
        """Become a whole snapshot; return it as the operation's output."""
        disk = self.copy.disk.properties
        self.top["sku"] = {**self.top["sku"], "tier": "Standard"}
        os_members: dict[str, Json] = {name: disk[name] for name in OS_MEMBERS if name in disk}
        family = {"incrementalSnapshotFamilyId": _family(self.copy.disk)} if self.properties["incremental"] else {}
        self.properties = {
            **os_members,
            "creationData": {**self.properties["creationData"], "sourceUniqueId": disk["uniqueId"]},
            "diskSizeGB": disk["diskSizeGB"],
            "encryption": ENCRYPTED,
            "incremental": self.properties["incremental"],
            **self._policies,
            "timeCreated": stamp(self.copy.begun),
            "provisioningState": "Succeeded",
            "diskState": "Unattached",
            "diskSizeBytes": disk["diskSizeBytes"],
            "uniqueId": new_guid(),
            **family,
        }
        return self.show()

    def show(self) -> Json:
        shown = super().show()
        whole = self.properties["provisioningState"] == "Succeeded"
        return {**shown, "properties": {**self.properties, **(self.copy.facts() if whole else {})}}


def _family(disk: Resource) -> str:
    unique = str(disk.properties["uniqueId"])
    return unique[::-1].replace("-", "")[:8] + unique[8:]


class RestorePoint(Resource):
    """All disks of a VM at one moment."""

    def __init__(self, resource_id: str, machine: Machine, excluded: set[str], cloud: Cloud) -> None:
        super().__init__(resource_id, POINT, machine.location)
        self._cloud, self._machine = cloud, machine
        self.begun = cloud.clock()
        self.copies = [Copy(cloud, disk, self.begun) for disk in machine.disks if disk.id.lower() not in excluded]
        self.mode = "CrashConsistent"
        self.state = "Creating"
        self.excluded = excluded
        self.disk_points: dict[str, Resource] = {}

    def finish(self, _when: float) -> None:
        self.state = "Succeeded"
        for copy in self.copies:
            name = f"{copy.disk.name}_{new_guid()}"
            self.disk_points[copy.disk.id] = Resource(f"{self.id}/diskRestorePoints/{name}", DISK_POINT, self.location)

    def _entry(self, entry: dict[str, Json]) -> dict[str, Json]:
        kept = {name: value for name, value in entry.items() if name not in ("createOption", "deleteOption")}
        point = self.disk_points.get(entry["managedDisk"]["id"])
        return kept | ({"diskRestorePoint": {"encryption": ENCRYPTED, "id": point.id}} if point else {})

    def show(self) -> Json:
        profile = self._machine.storage_profile()
        copied = {copy.disk.id for copy in self.copies}
        data = [self._entry(disk) for disk in profile["dataDisks"] if disk["managedDisk"]["id"] in copied]
        metadata = {
            "vmId": self._machine.vm_id,
            "location": self.location,
            "hardwareProfile": {"vmSize": "Standard_D4s_v5"},
            "storageProfile": {"osDisk": self._entry(profile["osDisk"]), "dataDisks": data},
            "osProfile": self._machine.os_profile(),
            "hyperVGeneration": "V2",
        }
        properties: dict[str, Json] = {
            "sourceMetadata": metadata,
            "provisioningState": self.state,
            "consistencyMode": self.mode,
            "timeCreated": stamp(self.begun),
        }
        if self.excluded:
            properties["excludeDisks"] = [{"id": one} for one in sorted(self.excluded)]
        return {"name": self.name, "id": self.id, "properties": properties}

    def view(self) -> Json:
        """Return the instance view: how far each disk's copy is."""
        shown = []
        for copy in self.copies:
            point = self.disk_points.get(copy.disk.id)
            percent = copy.facts().get("completionPercent", 100.0)
            status = {"status": {"code": "ReplicationState/succeeded"}, "completionPercent": percent}
            shown.append({"id": point.id if point else "", "replicationStatus": status})
        return {"diskRestorePoints": shown, "statuses": []}

    def show_disk_point(self, name: str) -> Json | None:
        """Return one disk's part, by its name."""
        for copy in self.copies:
            point = self.disk_points.get(copy.disk.id)
            if point is None or point.name.lower() != name.lower():
                continue
            disk = copy.disk.properties
            os_members: dict[str, Json] = {key: disk[key] for key in OS_MEMBERS if key in disk}
            properties = {
                "timeCreated": stamp(self.begun),
                "sourceResourceId": copy.disk.id,
                **os_members,
                "familyId": _family(copy.disk),
                "sourceUniqueId": disk["uniqueId"],
                "encryption": ENCRYPTED,
                "networkAccessPolicy": "AllowAll",
                "publicNetworkAccess": "Enabled",
                **copy.facts(),
            }
            return {"name": point.name, "id": point.id, "type": DISK_POINT, "properties": properties}
        return None


class Collection(Resource):
    """A restore point collection of one VM."""

    def __init__(self, resource_id: str, machine: Machine, given: Mapping[str, Json]) -> None:
        super().__init__(resource_id, COLLECTION, str(given["location"]), dict(given.get("tags") or {}))
        self.machine = machine
        self.points: dict[str, RestorePoint] = {}
        self.properties = {
            "source": {"location": machine.location, "id": machine.id},
            "restorePointCollectionId": new_guid(),
            "provisioningState": "Succeeded",
        }

    def show(self, *, with_points: bool = False) -> Json:
        shown = super().show()
        if not self.tags:
            del shown["tags"]  # recorded: absent until there are some
        if with_points:
            points = {"restorePoints": [point.show() for point in self.points.values()]}
            shown["properties"] = {**self.properties, **points}
        return shown

    def point(self, name: str) -> RestorePoint | None:
        return self.points.get(name.lower())
