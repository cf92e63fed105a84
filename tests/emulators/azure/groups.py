"""A resource group, and what a test puts into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tests.emulators.azure import machines, security_groups, vaults
from tests.emulators.azure.cloud import Cloud
from tests.emulators.azure.machines import Machine, Power
from tests.emulators.azure.resources import Resource, new_etag, new_guid
from tests.emulators.azure.security_groups import SecurityGroup
from tests.emulators.azure.vaults import Firewall, Vault

NET = "Microsoft.Network"
SUCCEEDED = {"provisioningState": "Succeeded"}


class ResourceGroup:
    """One group; everything in it is at one location."""

    def __init__(self, cloud: Cloud, name: str, location: str, open_vault: Callable[[Vault], None]) -> None:
        self._cloud, self.name, self.location = cloud, name, location
        self._open_vault = open_vault
        self.id = f"{cloud.root}/resourceGroups/{name}"
        cloud.groups[name.lower()] = location
        self._hosts = 4

    def security_group(self, name: str) -> SecurityGroup:
        """Make an NSG without rules of its own."""
        resource_id = f"{self.id}/providers/{security_groups.TYPE}/{name}"
        return self._cloud.store.add(SecurityGroup(self._cloud, resource_id, self.location))

    def machine(  # noqa: PLR0913 - a VM has these traits; all have defaults
        self,
        name: str,
        *,
        nic_group: SecurityGroup | None = None,
        subnet_group: SecurityGroup | None = None,
        private_address: str = "",
        public_address: str | None = "127.0.0.1",
        data_disks: int = 0,
        disk_sku: str = "Premium_LRS",
        power: Power = "running",
    ) -> Machine:
        """Make a VM with an OS disk, a NIC, a subnet and (unless None) a public address."""
        resource_id = f"{self.id}/providers/{machines.TYPE}/{name}"
        machine = self._cloud.store.add(Machine(self._cloud, resource_id, self.location))
        machine.power = power
        machine.private_address = private_address or f"10.0.0.{self._hosts}"
        self._hosts += 1
        machine.public_address = public_address
        machine.groups = [group for group in (subnet_group, nic_group) if group is not None]
        machine.add_disk(disk_sku, 30)
        for _ in range(data_disks):
            machine.add_disk(disk_sku, 64)
        machine.nic_id = self._interface(machine, nic_group, self._subnet(name, subnet_group))
        return machine

    def vault(  # noqa: PLR0913 - a vault has these traits; all have defaults
        self,
        name: str,
        *,
        default_action: str = "Deny",
        addresses: Sequence[str] = (),
        rbac: bool = True,
        policies: Mapping[str, Sequence[str]] | None = None,
        secrets: Mapping[str, str] | None = None,
        public_network_access: str = "Enabled",
        private_endpoint: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Vault:
        """Make a vault. ``private_endpoint`` is the address that we come from when we reach it by private link."""
        firewall = Firewall(public_network_access, default_action, tuple(addresses))
        resource_id = f"{self.id}/providers/{vaults.TYPE}/{name}"
        vault = Vault(self._cloud, resource_id, self.location, firewall)
        vault.rbac, vault.private_endpoint = rbac, private_endpoint
        vault.policies = dict(policies or {})
        vault.tags = dict(tags or {})
        for secret, value in (secrets or {}).items():
            vault.put_secret(secret, value)
        self._open_vault(vault)
        return self._cloud.store.add(vault)

    def _network(self, place: str, name: str, properties: Mapping[str, object], **top: object) -> Resource:
        resource = Resource(f"{self.id}/providers/{NET}/{place}/{name}", f"{NET}/{place}", self.location)
        resource.top = {"etag": new_etag(), **top}
        resource.properties = {**SUCCEEDED, **properties}
        return self._cloud.store.add(resource)

    def _subnet(self, machine: str, group: SecurityGroup | None) -> Resource:
        gated = {"networkSecurityGroup": {"id": group.id}} if group else {}
        path = f"{self.id}/providers/{NET}/virtualNetworks/{machine}VNET/subnets/{machine}Subnet"
        subnet = Resource(path, f"{NET}/virtualNetworks/subnets", self.location, top={"etag": new_etag()})
        policies = {"privateEndpointNetworkPolicies": "Disabled", "privateLinkServiceNetworkPolicies": "Enabled"}
        subnet.properties = {**SUCCEEDED, "addressPrefix": "10.0.0.0/24", **gated, "delegations": [], **policies}
        return self._cloud.store.add(subnet)

    def _interface(self, machine: Machine, group: SecurityGroup | None, subnet: Resource) -> str:
        """Make NIC and public address; return the NIC's id."""
        name = f"{machine.name}VMNic"
        configuration_id = f"{self.id}/providers/{NET}/networkInterfaces/{name}/ipConfigurations/ipconfig{machine.name}"
        public: dict[str, object] = {}
        if machine.public_address is not None:
            address = self._address(machine, configuration_id)
            public = {"publicIPAddress": {"id": address.id}}
        etag = new_etag()
        configuration = {
            "name": f"ipconfig{machine.name}",
            "id": configuration_id,
            "etag": etag,
            "type": f"{NET}/networkInterfaces/ipConfigurations",
            "properties": {
                **SUCCEEDED,
                "privateIPAddress": machine.private_address,
                "privateIPAllocationMethod": "Dynamic",
                **public,
                "subnet": {"id": subnet.id},
                "primary": True,
                "privateIPAddressVersion": "IPv4",
            },
        }
        gated = {"networkSecurityGroup": {"id": group.id}} if group else {}
        properties: dict[str, object] = {
            "resourceGuid": new_guid(),
            "ipConfigurations": [configuration],
            "dnsSettings": {"dnsServers": [], "appliedDnsServers": []},
            "macAddress": "00-0D-3A-37-79-1F",
            "enableIPForwarding": False,
            **gated,
            "primary": True,
            "virtualMachine": {"id": machine.id},
            "hostedWorkloads": [],
            "tapConfigurations": [],
            "nicType": "Standard",
        }
        return self._network("networkInterfaces", name, properties, etag=etag, kind="Regular").id

    def _address(self, machine: Machine, configuration_id: str) -> Resource:
        properties: dict[str, object] = {
            "resourceGuid": new_guid(),
            "ipAddress": machine.public_address,
            "publicIPAddressVersion": "IPv4",
            "publicIPAllocationMethod": "Static",
            "idleTimeoutInMinutes": 4,
            "ipTags": [],
            "ipConfiguration": {"id": configuration_id},
        }
        sku = {"name": "Standard", "tier": "Regional"}
        return self._network("publicIPAddresses", f"{machine.name}PublicIP", properties, sku=sku)
