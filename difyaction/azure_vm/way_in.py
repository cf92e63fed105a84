"""The seam between the machine and how scripts reach it: SSH through a leased door, Run Command, a jump host.

The target asks a way in this order, and knows nothing else of it:

1. ``approach(machine)``: what the way will ask of Azure, by ids alone. Doors of dead leases on these groups and vaults,
   and on those that another way leads through, are closed next, and rights and locks are looked at for what is asked.
2. ``objections(version)``: why nobody could get in this way. It reads what it needs, and opens nothing.
3. ``connection()``: only when nothing stands in the way. It fetches keys and host keys (which may open the vault's
   door, closed again when it returns). Ways that need a port open it inside the connection, at each (re)connect.
4. ``close()``: lets go. Doors are not its to close: whoever holds `Doors` does that on every way out.

A new way in is a class of this shape, and a line in `targets.azure_vm.way_of`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from difyaction.azure.machine import Machine
from difyaction.azure.rights import Need
from difyaction.connections import Connection
from difyaction.target import Objection


@dataclass(frozen=True)
class Approach:
    """What a way in will ask of Azure: known before anything is asked.

    ``groups``: ids of the security groups that a rule is put into, or may be; ``vaults``: ids of vaults whose firewall
    may be opened; ``run_command``: whether commands run through the control plane (then the guest agent must answer);
    ``needs``: rights beyond those that follow from these; ``told``: facts for a reader, a line each.

    ``other_groups``, ``other_vaults``: those in which nothing is opened this way, and in which an earlier run by
    another way may have left a door: it is closed where we have the right to.
    """

    groups: tuple[str, ...] = ()
    vaults: tuple[str, ...] = ()
    other_groups: tuple[str, ...] = ()
    other_vaults: tuple[str, ...] = ()
    run_command: bool = False
    needs: tuple[Need, ...] = ()
    told: tuple[str, ...] = ()


class WayIn(Protocol):
    """How scripts reach one machine."""

    def approach(self, machine: Machine) -> Approach:
        """Say what it will ask of Azure to reach this machine. May read Azure, changes nothing."""
        ...

    def objections(self, version: str) -> Iterable[Objection]:
        """Yield why nobody gets in this way. Comes after `approach`; may read Azure, opens nothing."""
        ...

    def connection(self) -> Connection:
        """Return the connection, with its keys and pinned host keys. Comes after `approach`."""
        ...

    def close(self) -> None:
        """Let go of what is not a door. Safe to call twice, and before anything else."""
        ...
