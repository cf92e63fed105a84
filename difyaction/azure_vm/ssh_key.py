"""Where the SSH key comes from: the input, or a Key Vault, whose door is open for the read and no longer."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from difyaction.azure.arm import Unanswered, last_name, properties
from difyaction.azure.leases import LASTS, Lease
from difyaction.azure.refusals import refused
from difyaction.azure.vault import Opening, Vault, read_secret
from difyaction.azure_vm.clients import Clients
from difyaction.inputs import Inputs
from difyaction.secret import Secret

_MUTE = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.OK})


@dataclass(frozen=True)
class KeyVault:
    """The vault that the inputs name, by its id and the address of its secrets."""

    id: str
    url: str

    @property
    def name(self) -> str:
        """Its name."""
        return last_name(self.id)


def vault_id(inputs: Inputs) -> str:
    """Return the id of the vault, empty when none is named. A bare name lies in the machine's resource group."""
    if not inputs.key_vault or inputs.key_vault.startswith("/"):
        return inputs.key_vault
    group = f"/subscriptions/{inputs.azure_subscription_id}/resourceGroups/{inputs.resource_group}"
    return f"{group}/providers/Microsoft.KeyVault/vaults/{inputs.key_vault}"


def find_vault(inputs: Inputs, clients: Clients) -> KeyVault | None:
    """Return the vault, None when none is named. Who may not read it as a resource knows its usual address."""
    found = vault_id(inputs)
    if not found:
        return None
    try:
        uri = str(properties(clients.vault(found)).get("vaultUri") or "")
    except Unanswered as error:
        if error.answer.status not in _MUTE:
            raise refused(error, "looking for the Key Vault") from error
        uri = ""
    return KeyVault(found, uri.rstrip("/") or f"https://{last_name(found)}.{clients.identity.cloud.vault_suffix}")


def key_of(inputs: Inputs, clients: Clients, vault: KeyVault | None) -> Secret:
    """Return the private key. Its vault's door is closed when this returns, and also when it raises."""
    if inputs.ssh_key or vault is None:
        return inputs.ssh_key
    reader = Vault(vault.name, vault.url, clients.login, clients.arm)
    lease = Lease(clients.run, int(clients.arm.now()) + LASTS)
    leave = Opening(vault.id, lease, clients.doors) if inputs.open_key_vault else None
    try:
        return read_secret(reader, inputs.key_vault_secret, leave=leave)
    finally:
        reader.close()
