"""An emulated Azure with one VM, and the real SDKs logged in to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests
from azure.identity import ClientAssertionCredential
from azure.keyvault.secrets import SecretClient
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.network import NetworkManagementClient

from tests.emulators.azure.directory import Application
from tests.emulators.azure.emulator import AzureEmulator
from tests.emulators.azure.groups import ResourceGroup
from tests.emulators.azure.machines import Machine
from tests.emulators.azure.security_groups import SecurityGroup
from tests.emulators.azure.vaults import Vault

SUBJECT = "repo:acme/infra:environment:prod"
NO_RETRIES = {"retry_total": 0}


@dataclass
class Setting:
    """What most tests start from."""

    azure: AzureEmulator
    app: Application
    credential: ClientAssertionCredential
    group: ResourceGroup
    nsg: SecurityGroup
    vm: Machine
    network: NetworkManagementClient
    compute: ComputeManagementClient
    clients: contextlib.ExitStack

    def secrets(self, vault: Vault) -> SecretClient:
        return self.clients.enter_context(SecretClient(vault.url, self.credential, **NO_RETRIES))

    def ask(self, method: str, path: str, **sent: Any) -> requests.Response:  # noqa: ANN401 - what requests takes
        """Ask Resource Manager without an SDK."""
        token = self.credential.get_token("https://management.azure.com/.default").token
        headers = {"Authorization": f"Bearer {token}", **sent.pop("headers", {})}
        url = path if path.startswith("https://") else self.azure.url + path
        return requests.request(method, url, headers=headers, timeout=10, verify=str(self.azure.ca_file), **sent)

    def open_rule(self, name: str = "door", **properties: Any) -> Any:  # noqa: ANN401 - the SDK's poller
        return self.network.security_rules.begin_create_or_update(
            "rg", "nsg", name, {"properties": rule_properties(**properties)}
        )


def rule_properties(**changed: Any) -> dict[str, Any]:  # noqa: ANN401 - properties of a rule
    return {
        "protocol": "Tcp",
        "sourcePortRange": "*",
        "destinationPortRange": "22",
        "sourceAddressPrefix": "203.0.113.10/32",
        "destinationAddressPrefix": "10.0.0.4",
        "access": "Allow",
        "priority": 100,
        "direction": "Inbound",
        **changed,
    }


@contextlib.contextmanager
def azure_setting(azure: AzureEmulator) -> Iterator[Setting]:
    """Log in; ``REQUESTS_CA_BUNDLE`` must be set."""
    app = azure.application(subjects=[SUBJECT])
    group = azure.group("rg")
    nsg = group.security_group("nsg")
    vm = group.machine("vm", nic_group=nsg, data_disks=1)
    with contextlib.ExitStack() as clients:
        credential = clients.enter_context(
            ClientAssertionCredential(azure.tenant_id, app.client_id, azure.github.token, authority=azure.authority)
        )
        where = {"base_url": azure.url, "polling_interval": 0, **NO_RETRIES}
        network = clients.enter_context(NetworkManagementClient(credential, azure.subscription_id, **where))
        compute = clients.enter_context(ComputeManagementClient(credential, azure.subscription_id, **where))
        yield Setting(azure, app, credential, group, nsg, vm, network, compute, clients)
