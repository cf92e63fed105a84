"""Finds what dead runs left open, by the leases that it carries itself. Only reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from difyaction.azure.arm import NETWORK, VAULTS, Arm, Unanswered, properties
from difyaction.azure.door import Door, RuleDoor, VaultDoor
from difyaction.azure.leases import Run, described, vault_leases
from difyaction.azure.naming import named_lease
from difyaction.azure.refusals import refused
from difyaction.azure.vault_gates import no_vault
from difyaction.azure.wire import Answer

Look = Callable[[str], Mapping[str, Any] | None]
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


def leased(  # noqa: PLR0913 - where, for whom, how and until when
    arm: Arm,
    groups: Iterable[str],
    vaults: Iterable[str],
    *,
    run: Run | None = None,
    vault_of: Look | None = None,
    until: float | None = None,
) -> Iterator[Left]:
    """Yield what carries a lease in NSGs and vaults, by their ids. One of an earlier attempt of ``run`` is dead.

    ``vault_of``: looks at a vault; left out: Azure is asked. ``until``: the monotonic moment after which no question is
    repeated. ``Failed`` where Azure does not let us look.
    """
    look = vault_of or partial(arm.look, version=VAULTS, until=until)
    try:
        for group in groups:
            yield from _rules(arm, group, run, until)
        for vault in vaults:
            yield from _addresses(arm, vault, look, run)
    except Unanswered as error:
        raise refused(error, LOOKING) from error


def groups_in(arm: Arm, scope: str) -> Iterator[tuple[str, bool]]:
    """Yield the NSGs of a resource group or subscription: their ids, and whether a rule there looks like ours.

    ``scope``: its id. ``Unanswered``, or ``Failed`` where another page lies elsewhere, in the middle of it.
    """
    for group in arm.listed(f"{scope}/providers/Microsoft.Network/networkSecurityGroups", version=NETWORK):
        yield str(group["id"]), any(map(_is_ours, _rules_of(group)))


def _rules(arm: Arm, group: str, run: Run | None, until: float | None) -> Iterator[Left]:
    found = arm.look(group, version=NETWORK, until=until)
    if found is None:
        raise Unanswered(Answer(HTTPStatus.NOT_FOUND, {}, {"code": "NotFound", "message": group}), f"GET {group}")
    for rule in _rules_of(found):
        name = str(rule["name"])
        lease, given = described(properties(rule).get("description")), named_lease(name)
        if lease is not None:
            held = not lease.is_dead(arm.now(), run)
            yield Left(RuleDoor(f"{group}/securityRules/{name}", lease), _denies(rule), held)
        elif given is not None and not _denies(rule):
            yield Left(RuleDoor(f"{group}/securityRules/{name}", given), lost=True)


def _rules_of(group: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    return properties(group).get("securityRules") or ()


def _is_ours(rule: Mapping[str, Any]) -> bool:
    lease = described(properties(rule).get("description"))
    return lease is not None or named_lease(str(rule["name"])) is not None


def _addresses(arm: Arm, vault: str, look: Look, run: Run | None) -> Iterator[Left]:
    found = look(vault)
    if found is None:
        raise no_vault(vault)
    for held in vault_leases(found.get("tags")):
        door = VaultDoor(vault, held.addresses, held.lease)
        yield Left(door, held=not held.lease.is_dead(arm.now(), run))


def _denies(rule: Any) -> bool:  # noqa: ANN401 - JSON has no other type
    return str(properties(rule).get("access")) == "Deny"
