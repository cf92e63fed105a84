"""Finds what dead runs left open, by the leases that it carries itself. Only reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from difyaction.azure.arm import NETWORK, VAULTS, Arm, Unanswered, is_absent, properties
from difyaction.azure.doors import Door, RuleDoor, VaultDoor
from difyaction.azure.leases import Run, described, vault_leases
from difyaction.azure.naming import named_lease
from difyaction.azure.refusals import refused
from difyaction.azure.vault_gates import no_vault
from difyaction.azure.wire import Answer

LOOKING = "looking for doors that were left open"


@dataclass(frozen=True)
class Left:
    """A door that carries a lease. ``denied``: it is a rule that was turned into a Deny, and lets nobody in.

    ``held``: its lease lives, and it is not ours to close. ``lost``: its name is one that we give, and its description
    holds no lease; nobody can tell whose it is now.
    """

    door: Door
    denied: bool = False
    held: bool = False
    lost: bool = False


def leased(arm: Arm, groups: Iterable[str], vaults: Iterable[str], *, run: Run | None = None) -> Iterator[Left]:
    """Yield what carries a lease in NSGs and vaults, by their ids. One of an earlier attempt of ``run`` is dead.

    ``Failed`` where Azure does not let us look.
    """
    try:
        for group in groups:
            yield from _rules(arm, group, run)
        for vault in vaults:
            yield from _addresses(arm, vault, run)
    except Unanswered as error:
        raise refused(error, LOOKING) from error


def groups_in(arm: Arm, resource_group: str) -> tuple[str, ...]:
    """Return the ids of all NSGs of a resource group, by its id; none where it is gone. ``Unanswered`` otherwise."""
    path = f"{resource_group}/providers/Microsoft.Network/networkSecurityGroups"
    try:
        return tuple(str(each["id"]) for each in arm.listed(path, version=NETWORK))
    except Unanswered as error:
        if is_absent(error.answer):
            return ()
        raise


def _rules(arm: Arm, group: str, run: Run | None) -> Iterator[Left]:
    found = arm.look(group, version=NETWORK)
    if found is None:
        raise Unanswered(Answer(HTTPStatus.NOT_FOUND, {}, {"code": "NotFound", "message": group}), f"GET {group}")
    for rule in properties(found).get("securityRules") or ():
        name = str(rule["name"])
        lease, given = described(properties(rule).get("description")), named_lease(name)
        if lease is not None:
            held = not lease.is_dead(arm.now(), run)
            yield Left(RuleDoor(f"{group}/securityRules/{name}", lease), _denies(rule), held)
        elif given is not None and not _denies(rule):
            yield Left(RuleDoor(f"{group}/securityRules/{name}", given), lost=True)


def _addresses(arm: Arm, vault: str, run: Run | None) -> Iterator[Left]:
    found = arm.look(vault, version=VAULTS)
    if found is None:
        raise no_vault(vault)
    for held in vault_leases(found.get("tags")):
        door = VaultDoor(vault, held.addresses, held.lease)
        yield Left(door, held=not held.lease.is_dead(arm.now(), run))


def _denies(rule: Any) -> bool:  # noqa: ANN401 - JSON has no other type
    return str(properties(rule).get("access")) == "Deny"
