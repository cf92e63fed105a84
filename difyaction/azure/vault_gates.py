"""Which of a Key Vault's gates refused a read: firewall, private endpoint, role, access policy. Pure.

The outer code is always ``Forbidden``; the inner one tells. The firewall names the address that it saw.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from difyaction.azure.wire import NO_ANSWER, Answer
from difyaction.errors import Failed

_CLIENT = re.compile(r"Client address: (\S+)")
_ASSIGNMENT: Final = "Key Vault Secrets User"


class Gate(enum.StrEnum):
    """What stands between us and the secret."""

    NONE = "none"
    FIREWALL = "firewall"
    PRIVATE = "private"  # public network access is off: a private endpoint is the only way
    ROLE = "role"
    POLICY = "policy"
    NO_SECRET = "no-secret"  # noqa: S105 - the word for one that is not there
    DISABLED = "disabled"
    UNREACHABLE = "unreachable"
    OTHER = "other"


_INNER: Final = {
    "ForbiddenByFirewall": Gate.FIREWALL,
    "ForbiddenByConnection": Gate.PRIVATE,
    "ForbiddenByRbac": Gate.ROLE,
    "ForbiddenByPolicy": Gate.POLICY,
    "AccessDenied": Gate.POLICY,
    "SecretDisabled": Gate.DISABLED,
}


def gate(answer: Answer) -> Gate:
    """Return what refused, by the answer to a read."""
    if answer.ok:
        return Gate.NONE
    if answer.status == NO_ANSWER:
        return Gate.UNREACHABLE
    for code, found in _INNER.items():
        if code in answer.codes:
            return found
    if answer.status == HTTPStatus.NOT_FOUND:
        return Gate.NO_SECRET
    if answer.status == HTTPStatus.FORBIDDEN and "client address is not authorized" in answer.message.lower():
        return Gate.FIREWALL
    return Gate.OTHER


def seen_address(answer: Answer) -> str:
    """Return the address that the vault saw us come from: in its refusal, or in the header of every answer."""
    found = _CLIENT.search(answer.message)
    if found:
        return found[1].rstrip(",;")
    fields = (part.partition("=") for part in answer.headers.get("x-ms-keyvault-network-info", "").split(";"))
    info: Mapping[str, str] = {name.strip(): value.strip() for name, _, value in fields}
    return info.get("addr", "") if info.get("conn_type", "Ipv4") == "Ipv4" else ""


def vault_refused(found: Gate, answer: Answer, vault: str, secret: str) -> Failed:
    """Return the error for a read that was refused, with the fix for the very gate that refused it."""
    facts: dict[str, Any] = {
        "vault": vault,
        "secret": secret,
        "says": answer.message,
        "address": seen_address(answer) or "ours",
    }
    match found:
        case Gate.FIREWALL:
            return Failed(
                "vault-firewall",
                "The firewall of Key Vault {vault} refuses the address {address}.",
                next_step="Set open-key-vault: true to let it in for the seconds of one read, let the runner's subnet "
                "in, give the key as ssh-key, or use connection: run-command.",
                **facts,
            )
        case Gate.PRIVATE:
            return Failed(
                "vault-private",
                "Key Vault {vault} has public network access switched off; this runner is not on a private endpoint. "
                "We never switch it on.",
                next_step="Run on a self-hosted runner in that network, give the key as ssh-key, or use "
                "connection: run-command.",
                **facts,
            )
        case Gate.ROLE:
            return Failed(
                "vault-role",
                "We have no role that may read the secret {secret} of Key Vault {vault}: {says}",
                next_step="Assign the role {role} to the application on this vault or secret; it takes some minutes.",
                role=_ASSIGNMENT,
                **facts,
            )
        case Gate.POLICY:
            return Failed(
                "vault-policy",
                "The access policies of Key Vault {vault} do not let us read secrets: {says}",
                next_step="Run: az keyvault set-policy --name {vault} --spn CLIENT-ID --secret-permissions get",
                **facts,
            )
        case _:
            return _other(found, facts)


def no_vault(vault: str) -> Failed:
    """Return the error for a vault's id that Azure does not know."""
    return Failed(
        "vault-unknown",
        "Azure knows no Key Vault {whole}.",
        next_step="Check key-vault. A vault of another resource group is named by its whole id: give key-vault what "
        "`az keyvault show --name {vault} --query id --output tsv` prints.",
        vault=vault.rpartition("/")[2],
        whole=vault,
    )


def _other(found: Gate, facts: Mapping[str, Any]) -> Failed:
    if found is Gate.NO_SECRET:
        return Failed(
            "vault-secret-unknown",
            "Key Vault {vault} has no secret {secret}.",
            next_step="Check key-vault-secret; put the key there with: az keyvault secret set --vault-name {vault} "
            "--name {secret} --file KEYFILE",
            **facts,
        )
    if found is Gate.DISABLED:
        return Failed(
            "vault-secret-disabled",
            "The secret {secret} of Key Vault {vault} is disabled, has expired or is not valid yet: {says}",
            next_step="Enable it, or name another one.",
            **facts,
        )
    if found is Gate.UNREACHABLE:
        return Failed(
            "vault-unreachable",
            "Key Vault {vault} cannot be reached: {says}",
            next_step="Check key-vault; with a private endpoint, its name must resolve on this runner.",
            **facts,
        )
    return Failed(
        "vault-refused",
        "Key Vault {vault} did not give the secret {secret}: {says}",
        next_step="Look the sentence up in Azure's documentation.",
        **facts,
    )
