"""Closes what dead runs left open: at the start of every run, and in mode sweep."""

from __future__ import annotations

from collections.abc import Callable

from difyaction.azure.closing import close_all, expired, insist
from difyaction.azure_vm.clients import Clients
from difyaction.azure_vm.way_in import Approach


def close_expired(clients: Clients, approach: Approach, say: Callable[[str], None]) -> int:
    """Close the doors of dead leases, and return how many there were. `DoorOpen` for one that stays open."""
    dead = tuple(expired(clients.arm, approach.groups, approach.vaults, run=clients.run))
    ended = close_all(clients.arm, dead)
    for each in ended:
        if each.shut:
            say(f"closed what run {each.door.lease.run.text} left open ({each.how}): {each.door.where}")
    insist(ended)
    return len(dead)
