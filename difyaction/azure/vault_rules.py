"""What to write to a Key Vault so that an address is let in, and so that it is not any more. Pure.

Standard library only: closing decides with it too. A vault has no ETag and its addresses carry no names, so the
lease is a tag, written in the same PATCH as the address; both are replaced as wholes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from difyaction.azure.door import VaultDoor
from difyaction.azure.leases import VaultLease, vault_leases


def bare(address: str) -> str:
    """Return an address without ``/32``: the vault writes it back with it."""
    return address.removesuffix("/32")


def listed(vault: Mapping[str, Any]) -> frozenset[str]:
    """Return the single addresses and ranges on the vault's firewall."""
    return frozenset(bare(str(rule.get("value"))) for rule in _acls(vault).get("ipRules") or ())


def stood_before(vault: Mapping[str, Any], address: str) -> bool:
    """Whether the address is on the firewall and no run of ours put it there: then it is not ours to remove."""
    leased = {each for lease in vault_leases(vault.get("tags")) for each in lease.addresses}
    return address in listed(vault) and address not in leased


def opening(vault: Mapping[str, Any], door: VaultDoor) -> dict[str, Any] | None:
    """Return the PATCH that opens the door, or nothing when it stands open, lease and all."""
    missing = [each for each in door.addresses if each not in listed(vault)]
    held = [each for each in vault_leases(vault.get("tags")) if each.lease.run.text == door.lease.run.text]
    if not missing and held and set(door.addresses) <= set(held[0].addresses):
        return None
    name, value = VaultLease(door.lease, door.addresses).tag
    rules = [*(_acls(vault).get("ipRules") or ()), *({"value": f"{each}/32"} for each in missing)]
    return _patch(vault, rules, {**(vault.get("tags") or {}), name: value})


def closing(vault: Mapping[str, Any], door: VaultDoor, now: float) -> dict[str, Any] | None:
    """Return the PATCH that closes the door, or nothing when it is closed and its lease is gone.

    An address that another run holds by a lease that is alive stays, until that run closes it.
    """
    leases = vault_leases(vault.get("tags"))
    mine = [each for each in leases if each.lease.run.text == door.lease.run.text]
    others = [each for each in leases if each not in mine and not each.lease.is_dead(now)]
    ours = {*door.addresses, *(address for lease in mine for address in lease.addresses)}
    going = ours - {address for lease in others for address in lease.addresses}
    rules = [rule for rule in _acls(vault).get("ipRules") or () if bare(str(rule.get("value"))) not in going]
    if not mine and len(rules) == len(_acls(vault).get("ipRules") or ()):
        return None
    gone = {lease.tag[0] for lease in mine}
    return _patch(vault, rules, {name: text for name, text in (vault.get("tags") or {}).items() if name not in gone})


def keepers(vault: Mapping[str, Any], door: VaultDoor, now: float) -> tuple[VaultLease, ...]:
    """Return the living leases of other runs that keep an address of the door on the firewall, true or forged."""
    standing = set(door.addresses) & listed(vault)
    others = (each for each in vault_leases(vault.get("tags")) if each.lease.run.text != door.lease.run.text)
    return tuple(each for each in others if standing & set(each.addresses) and not each.lease.is_dead(now))


def _acls(vault: Mapping[str, Any]) -> Mapping[str, Any]:
    found = (vault.get("properties") or {}).get("networkAcls")
    return found if isinstance(found, Mapping) else {}


def _patch(vault: Mapping[str, Any], rules: list[Any], tags: Mapping[str, str]) -> dict[str, Any]:
    if rules == list(_acls(vault).get("ipRules") or ()):
        return {"tags": dict(tags)}  # what an owner changes of the firewall meanwhile stays
    acls = {"bypass": "AzureServices", "defaultAction": "Allow", **_acls(vault), "ipRules": rules}
    return {"tags": dict(tags), "properties": {"networkAcls": acls}}
