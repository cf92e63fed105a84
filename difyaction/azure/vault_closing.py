"""Closes a vault's door, and looks whether it is closed. Standard library only, as `closing`."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from difyaction.azure.arm import VAULTS, Arm
from difyaction.azure.closed import Closed, How
from difyaction.azure.door import VaultDoor
from difyaction.azure.leases import vault_leases
from difyaction.azure.vault_rules import closing, keepers


def close_vault(arm: Arm, door: VaultDoor, until: float) -> Closed:
    """Take the door's addresses and its tag out, until they are seen gone.

    A tag that may not be taken out is no open door, where none of its addresses is let in.
    """
    why: list[str] = []
    quiet = accepted = stood = False
    vault: Mapping[str, Any] | None = None
    body: Mapping[str, Any] | None = None
    for attempt in range(1000):
        vault = arm.look(door.vault, version=VAULTS, until=until)
        body = closing(vault, door, arm.now()) if vault else None
        if body is None:
            others = any(each.lease.run.text != door.lease.run.text for each in vault_leases((vault or {}).get("tags")))
            if quiet or not others:
                keeping = _keeping(arm, vault, door)
                return Closed(door, How.HELD if keeping else How.GONE, (*why, *keeping), stood)
            quiet = True  # another run may have read before and written after us: look once more
        else:
            quiet, stood = False, True
            answer = arm.ask("PATCH", door.vault, body, version=VAULTS, until=until, repeats=False)
            accepted = accepted or answer.ok
            if answer.ok:
                continue  # look at once; the vault answers a PATCH when it is done
            why.append(f"PATCH: {answer.status} {answer.code} {answer.message}")
            if answer.status in {HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST} or "ScopeLocked" in answer.codes:
                break
        if not arm.pace.back_off(attempt, until=until, longest=3.0):
            break
    if body is not None and "properties" not in body:  # nothing of the firewall was to be changed any more
        keeping = _keeping(arm, vault, door)
        return Closed(door, How.HELD if keeping else How.TAGGED, (*why, *keeping), stood)
    return Closed(door, How.ASKED if accepted else How.OPEN, tuple(why))


def _keeping(arm: Arm, vault: Mapping[str, Any] | None, door: VaultDoor) -> tuple[str, ...]:
    return tuple(f"run {each.lease.run.text} holds it" for each in keepers(vault or {}, door, arm.now()))


def look_at_vault(arm: Arm, door: VaultDoor, until: float) -> How:
    """Look once. `How.OPEN`: it stands, or its tag does."""
    vault = arm.look(door.vault, version=VAULTS, until=until)
    if vault is None:
        return How.GONE
    return How.OPEN if closing(vault, door, arm.now()) else How.HELD if keepers(vault, door, arm.now()) else How.GONE
