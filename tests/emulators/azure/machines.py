"""Virtual machines: power, disks, where they stand in the network, and the shell inside."""

from __future__ import annotations

from typing import Any, Literal

from tests.emulators.azure.clock import stamp
from tests.emulators.azure.cloud import Cloud
from tests.emulators.azure.problems import Json
from tests.emulators.azure.resources import Resource, new_guid, new_hex
from tests.emulators.azure.security_groups import SecurityGroup
from tests.emulators.azure.shells import LocalShell, Shell

TYPE = "Microsoft.Compute/virtualMachines"
DISK_TYPE = "Microsoft.Compute/disks"
GIB = 2**30
Power = Literal["running", "stopped", "deallocated", "starting"]
SUCCEEDED = {"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded"}


class Machine(Resource):
    """A VM. ``power`` and ``agent`` (Ready, or not) may be set by a test; ``shell`` runs Run Command's scripts."""

    def __init__(self, cloud: Cloud, resource_id: str, location: str) -> None:
        super().__init__(resource_id, TYPE, location)
        self.top["etag"] = '"1"'
        self._cloud = cloud
        self.vm_id = new_guid()
        self.created = cloud.clock()
        self.power: Power = "running"
        self.agent: Literal["Ready", "Not Ready"] = "Ready"
        self.shell: Shell = LocalShell()
        self.commands: dict[str, Any] = {}  # managed run commands by name
        self.disks: list[Resource] = []
        self.groups: list[SecurityGroup] = []
        self.nic_id = ""
        self.private_address = ""
        self.public_address: str | None = None

    def admits(self, source: str, port: int, *, turn: int) -> bool:
        """Tell whether the subnet's NSG and then the NIC's let a connection from outside in."""
        if self.power != "running" or not self.groups:  # a Standard address without any NSG is closed
            return False
        return all(group.lets_in(source, self.private_address, port, turn=turn) for group in self.groups)

    def add_disk(self, sku: str, size: int) -> Resource:
        """Make a disk of ``size`` GiB; the first is the OS disk."""
        role = "DataDisk_" + str(len(self.disks) - 1) if self.disks else "OsDisk_1"
        mark = new_hex()
        group_id = self.id.rsplit("/providers/", 1)[0]
        made = stamp(self._cloud.clock())
        unique = f"{mark[:8]}-{mark[8:12]}-{mark[12:16]}-{mark[16:20]}-{mark[20:]}"
        os_members = {"osType": "Linux", "hyperVGeneration": "V2"} if not self.disks else {}
        disk = Resource(
            f"{group_id}/providers/{DISK_TYPE}/{self.name}_{role}_{mark}",
            DISK_TYPE,
            self.location,
            top={"managedBy": self.id, "sku": {"name": sku, "tier": sku.split("_", maxsplit=1)[0]}},
            properties={
                **os_members,
                "creationData": {"createOption": "Empty" if self.disks else "FromImage"},
                "diskSizeGB": size,
                "diskIOPSReadWrite": 120,
                "diskMBpsReadWrite": 25,
                "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
                "networkAccessPolicy": "AllowAll",
                "publicNetworkAccess": "Enabled",
                "timeCreated": made,
                "provisioningState": "Succeeded",
                "diskState": "Attached",
                "LastOwnershipUpdateTime": made,
                "diskSizeBytes": size * GIB,
                "uniqueId": unique,
                "tier": "P4",
            },
        )
        self.disks.append(self._cloud.store.add(disk))
        return disk

    def storage_profile(self) -> dict[str, Json]:
        """Return the disks as a VM and as a restore point list them."""
        os_disk, *others = [self._disk_entry(disk) for disk in self.disks]
        return {
            "osDisk": {"osType": "Linux", "createOption": "FromImage", **os_disk},
            "dataDisks": [{"lun": lun, "createOption": "Attach", **disk} for lun, disk in enumerate(others)],
        }

    @staticmethod
    def _disk_entry(disk: Resource) -> dict[str, Json]:
        return {
            "name": disk.name,
            "caching": "ReadWrite",
            "managedDisk": {"storageAccountType": disk.top["sku"]["name"], "id": disk.id},
            "deleteOption": "Detach",
            "diskSizeGB": disk.properties["diskSizeGB"],
        }

    def os_profile(self) -> dict[str, Json]:
        patching = {"patchMode": "ImageDefault", "assessmentMode": "ImageDefault"}
        return {
            "computerName": self.name,
            "adminUsername": "azureuser",
            "linuxConfiguration": {
                "disablePasswordAuthentication": True,
                "provisionVMAgent": True,
                "patchSettings": patching,
            },
            "secrets": [],
            "allowExtensionOperations": True,
            "requireGuestProvisionSignal": True,
        }

    def show(self, *, with_view: bool = False) -> Json:
        image = {"publisher": "Debian", "offer": "debian-12", "sku": "12-gen2", "version": "latest"}
        properties: dict[str, Any] = {
            "hardwareProfile": {"vmSize": "Standard_D4s_v5"},
            "provisioningState": "Succeeded",
            "vmId": self.vm_id,
            "storageProfile": {"imageReference": {**image, "exactVersion": "0.1"}, **self.storage_profile()},
            "osProfile": self.os_profile(),
            "networkProfile": {"networkInterfaces": [{"id": self.nic_id}]},
            "timeCreated": stamp(self.created),
        }
        if with_view:
            properties["instanceView"] = self.view()
        return {**super().show(), "properties": properties}

    def view(self) -> Json:
        """Return the instance view; a VM that does not run says nothing of its inside."""
        time = stamp(self.created)
        inside = {"computerName": self.name, "osName": "debian", "osVersion": "12", "vmAgent": self._agent_view()}
        disks = [{"name": disk.name, "statuses": [{**SUCCEEDED, "time": time}]} for disk in self.disks]
        power = {"code": f"PowerState/{self.power}", "level": "Info", "displayStatus": f"VM {self.power}"}
        return {
            **(inside if self.power == "running" else {}),
            "disks": disks,
            "hyperVGeneration": "V2",
            "statuses": [{**SUCCEEDED, "time": time}, power],
        }

    def _agent_view(self) -> Json:
        status = {"code": "ProvisioningState/succeeded", "level": "Info", "message": "Guest Agent is running"}
        if self.agent != "Ready":
            words = "VM status blob is found but not yet populated."
            status = {"code": "ProvisioningState/Unavailable", "level": "Warning", "message": words}
        shown = {**status, "displayStatus": self.agent, "time": stamp(self._cloud.clock(), digits="seconds")}
        return {"vmAgentVersion": "2.11.1.4", "statuses": [shown], "extensionHandlers": []}
