"""Closes doors for good: this run's at its end, and what dead runs left open."""

from __future__ import annotations

from collections.abc import Callable

from difyaction.azure.closing import IN_HASTE, Closed, close_all, insist, shut
from difyaction.azure.dead_leases import expired
from difyaction.azure_vm.clients import Clients
from difyaction.azure_vm.way_in import Approach
from difyaction.cancelled import Cancelled


def shut_for_good(clients: Clients) -> tuple[Closed, ...]:
    """Look once more at every door. Who cancels meanwhile is told of one that is not seen closed in time."""
    try:
        return shut(clients.arm, clients.doors, again=True)
    except Cancelled:
        insist(shut(clients.arm, clients.doors, seconds=IN_HASTE))
        raise


def close_expired(clients: Clients, approach: Approach, say: Callable[[str], None]) -> int:
    """Close the doors of dead leases, and return how many there were.

    `DoorOpen` for one that stays open; it counts as this run's from then on, whose end and post step look at it again.
    """
    dead = tuple(each.door for each in expired(clients.arm, approach.groups, approach.vaults, run=clients.run))
    ended = close_all(clients.arm, dead)
    for each in ended:
        if each.shut:
            say(f"closed what run {each.door.lease.run.text} left open ({each.how}): {each.door.where}")
        else:
            clients.doors.stands(each.door)
    insist(ended)
    return len(dead)
