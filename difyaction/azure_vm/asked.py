"""What must be true together of the inputs of the target `azure-vm`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from difyaction.errors import Complaint
from difyaction.input_table import SSH_PORT
from difyaction.ssh_inputs import legible

if TYPE_CHECKING:
    from difyaction.inputs import Inputs

_LAST_PORT = 65535
_HOST = re.compile(r"(?:https://)?(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?/*")


def complaints(inputs: Inputs) -> Iterator[Complaint]:
    """Yield a complaint for everything that is missing or contradicts something else."""
    yield from _needed(
        ("azure-subscription-id", inputs.azure_subscription_id, "say in which subscription the machine is."),
        ("resource-group", inputs.resource_group, "say in which resource group the machine is."),
        ("vm-name", inputs.vm_name, "say which virtual machine runs Dify."),
    )
    yield from _login(inputs)
    yield from _addresses(inputs)
    if inputs.open_key_vault and not inputs.key_vault:
        yield _missing("key-vault", "key-vault: open-key-vault asks to open a vault, and none is named.")
    if inputs.final_backup == "snapshot" and not inputs.snapshot:
        yield _conflict("final-backup", "final-backup: snapshot keeps the disks, and snapshot: false forbids that.")
    if inputs.jump_host:
        yield _conflict("jump-host", "jump-host: target azure-vm goes through a machine in Azure; name it in jump-vm.")
    if inputs.mode == "sweep":
        return  # doors are swept, whoever came through them: how this run would go in is beside the point
    if inputs.connection == "run-command":
        yield from _no_port(inputs)
    else:
        yield from _key(inputs)
        yield from _source(inputs)
        yield from _through(inputs)
        yield from legible(inputs)


def _no_port(inputs: Inputs) -> Iterator[Complaint]:
    """Yield what only SSH uses. A vault may be named: an earlier run may have left its door open."""
    for name, given in (
        ("ssh-key", inputs.ssh_key),
        ("ssh-key-passphrase", inputs.ssh_key_passphrase),
        ("ssh-known-hosts", inputs.ssh_known_hosts),
        ("key-vault-secret", inputs.key_vault_secret),
        ("open-key-vault", inputs.open_key_vault),
        ("nsg-name", inputs.nsg_name),
        ("source-address", inputs.source_address),
        ("jump-vm", inputs.jump_vm),
        ("jump-ssh-key", inputs.jump_ssh_key),
        ("host", inputs.host),
        ("port", inputs.port not in {None, SSH_PORT}),
    ):
        if given:
            yield _conflict(name, f"{name}: connection run-command goes through Azure and uses none.")


def _through(inputs: Inputs) -> Iterator[Complaint]:
    if inputs.jump_vm and inputs.host:
        yield _conflict("host", "host: through jump-vm, the machine is reached by its private address.")
    if inputs.jump_ssh_key and not inputs.jump_vm:
        yield _conflict("jump-ssh-key", "jump-ssh-key: there is no jump-vm.")
    port = inputs.jump_vm.rpartition(":")[2]
    if port.isdigit() and ":" in inputs.jump_vm and not _is_port(port):
        yield Complaint(id="input-invalid", text=f"jump-vm: there is no port {port}.", input="jump-vm")


def _addresses(inputs: Inputs) -> Iterator[Complaint]:
    """Yield what is wrong with the addresses of an Azure of one's own."""
    for name, text in (
        ("azure-authority", inputs.azure_authority),
        ("azure-resource-manager", inputs.azure_resource_manager),
    ):
        found = _HOST.fullmatch(text or "unasked")
        if found is None or not _is_port(found["port"] or "443"):
            why = f"{name}: {text!r} is no https address of a host."
            yield Complaint(id="azure-address", text=why, input=name)


def _login(inputs: Inputs) -> Iterator[Complaint]:
    if inputs.azure_login != "managed-identity":
        yield from _needed(
            ("azure-tenant-id", inputs.azure_tenant_id, "say in which tenant the application is."),
            ("azure-client-id", inputs.azure_client_id, "say which application logs in."),
        )
    if inputs.azure_login == "client-secret" and not inputs.azure_client_secret:
        yield _missing("azure-client-secret", "azure-client-secret: azure-login client-secret needs one.")
    if inputs.azure_login != "client-secret" and inputs.azure_client_secret:
        text = f"azure-client-secret: azure-login {inputs.azure_login} uses none; leave it out, or say client-secret."
        yield _conflict("azure-client-secret", text)


def _key(inputs: Inputs) -> Iterator[Complaint]:
    if not inputs.user:
        yield _missing("user", "user: say whom to log in as.")
    if inputs.host == "local":
        yield _conflict("host", "host: target azure-vm is a machine in Azure; local is this one.")
    if inputs.key_vault_secret and not inputs.key_vault:
        yield _missing("key-vault", "key-vault: key-vault-secret is in a vault; name it.")
    if inputs.ssh_key and inputs.key_vault_secret:
        yield _conflict("ssh-key", "ssh-key: the key comes from the input or from key-vault-secret, not from both.")
    if not inputs.ssh_key and not inputs.key_vault:
        text = "ssh-key: logging in needs a private key; give it, or name its key-vault."
        yield _missing("ssh-key", text, instead="key-vault")
    elif not inputs.ssh_key and not inputs.key_vault_secret:
        yield _missing("key-vault-secret", "key-vault-secret: say which secret of the vault is the private key.")


def _source(inputs: Inputs) -> Iterator[Complaint]:
    if not inputs.source_address and not inputs.key_vault:
        text = "source-address: say from which address this runner comes, or name a key-vault, which tells it."
        yield _missing("source-address", text, instead="key-vault")


def _needed(*inputs: tuple[str, str, str]) -> Iterator[Complaint]:
    yield from (_missing(name, f"{name}: {text}") for name, given, text in inputs if not given)


def _missing(name: str, text: str, *, instead: str = "") -> Complaint:
    return Complaint(id="input-missing", text=text, input=name, instead=instead)


def _conflict(name: str, text: str) -> Complaint:
    return Complaint(id="input-conflict", text=text, input=name)


def _is_port(text: str) -> bool:
    return 1 <= int(text) <= _LAST_PORT
