"""The address that others see this runner come from: as Key Vault's own refusal tells it, or as a server says."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from difyaction.azure.vault_gates import Gate, seen_address, vault_refused
from difyaction.azure.wire import NO_ANSWER, Wire
from difyaction.errors import Failed


def source_address(wire: Wire, *, vault: str = "", probes: Iterable[str] = ()) -> str:
    """Return our IPv4 address. ``vault``: a vault's address, asked without a token; ``probes``: servers that tell it.

    Key Vault names it even while its firewall refuses, so that nobody else has to be asked.
    """
    silence = None
    if vault:
        answer = wire.send("GET", f"{vault.rstrip('/')}/secrets?api-version=7.4", {}, timeout=10.0)
        if _is_ipv4(address := seen_address(answer)):
            return address
        silence = answer if answer.status == NO_ANSWER else None
    for probe in probes:
        answer = wire.send("GET", probe, {"Accept": "text/plain"}, timeout=10.0)  # no JSON: the text is the message
        if answer.ok and _is_ipv4(address := str(answer.error.get("message") or "").strip()):
            return address
    if silence:
        raise vault_refused(Gate.UNREACHABLE, silence, urlsplit(vault).hostname or vault, "")
    raise Failed(
        "azure-source-unknown",
        "Nobody told the address that this runner is seen to come from.",
        next_step="Name it (source-address), give a Key Vault, or use connection: run-command.",
    )


def _is_ipv4(text: str) -> bool:
    try:
        return isinstance(ipaddress.ip_address(text), ipaddress.IPv4Address)
    except ValueError:
        return False
