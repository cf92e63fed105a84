"""Keeps the disks before anything is touched, tells how a person would put them back, and lets the oldest go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from difyaction.azure import snapshots, swap
from difyaction.azure.arm import last_name
from difyaction.azure.machine import Machine
from difyaction.azure.naming import Label
from difyaction.azure.snapshots import Keepsake, Order
from difyaction.azure_vm.clients import Clients
from difyaction.errors import Stranded
from difyaction.inputs import Inputs
from difyaction.language import N_
from difyaction.target import Document

LAST_RUNG = N_(
    "The last rung puts the disks back as {snapshots} hold them, and loses all that was written since; "
    "docs/restore.md explains it: {swap}"
)
_DAYS = 30
_RUNS = 3


@dataclass(frozen=True)
class Kept:
    """What was kept, and the commands that put it back."""

    keepsake: Keepsake
    commands: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What holds the disks, by name."""
        return tuple(last_name(each.source) for each in self.keepsake.kept)

    @property
    def documents(self) -> tuple[Document, ...]:
        """The way back that is left to a person."""
        return (Document(N_("Putting the disks back"), "\n".join(self.commands), "sh"),)


@dataclass
class Shelf:
    """All that one run kept, in order: before anything was touched, and once more when nobody wrote.

    ``begun``: ids of what Azure was asked to make, and nobody has seen complete.
    """

    sets: list[Kept] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)

    @property
    def names(self) -> tuple[str, ...]:
        """What holds the disks, by name."""
        return tuple(name for each in self.sets for name in each.names)

    @property
    def documents(self) -> tuple[Document, ...]:
        """The way back that is left to a person: to the last state that was kept."""
        return self.sets[-1].documents if self.sets else ()

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs that these make: every copy's id, and the commands for the last state that was kept."""
        if not self.sets:
            return {}
        return {
            "snapshot-ids": "\n".join(each.source for kept in self.sets for each in kept.keepsake.kept),
            "swap-commands": "\n".join(self.sets[-1].commands),
        }


def snapshot_group(inputs: Inputs, machine: Machine) -> str:
    """Return the id of the resource group that snapshots are put in, empty when none are made."""
    if not inputs.snapshot:
        return ""
    named = inputs.snapshot_resource_group
    return f"{machine.group.rpartition('/')[0]}/{named}" if named else machine.group


def keep(  # noqa: PLR0913 - of what, called what, until when
    inputs: Inputs, clients: Clients, machine: Machine, shelf: Shelf, *, version: str, now: datetime, patience: float
) -> Kept:
    """Keep every disk, and put it on the shelf. Returns when each copy was seen to be complete and of the right disk.

    ``version`` stands in the names: what the machine ran then. ``Failed`` otherwise.
    """
    expires = now + timedelta(days=inputs.snapshot_days or _DAYS)
    label = Label(clients.run, machine.id, version, int(expires.timestamp()))
    order = Order(machine, snapshot_group(inputs, machine), label, now, inputs.timezone)
    keepsake = snapshots.keep(clients.azure, order, patience=patience, begun=shelf.begun)
    shelf.begun.clear()
    shelf.sets.append(Kept(keepsake, swap.commands(machine, keepsake, mark=clients.run.nonce)))
    return shelf.sets[-1]


def let_go(inputs: Inputs, clients: Clients, machine: Machine, say: Callable[[str], None], *, sparing: str = "") -> int:
    """Remove what is beyond ``snapshot-keep`` or has expired, by its tags alone. Return how many went."""
    found = snapshots.ours(clients.azure, snapshot_group(inputs, machine) or machine.group, machine.id)
    going = snapshots.expendable(
        found, keep=inputs.snapshot_keep or _RUNS, now=clients.arm.now(), sparing=sparing or clients.run.text
    )
    stuck = snapshots.prune(clients.azure, going)
    for name, why in stuck:
        say(f"{name} could not be removed: {why}")
    for each in going:
        if last_name(each.id) not in {name for name, _ in stuck}:
            say(f"removed {last_name(each.id)}")
    return len(going) - len(stuck)


def with_last_rung(error: Stranded, kept: Kept) -> Stranded:
    """Add the way back that is left to what a person is told."""
    error.next_step = f"{error.next_step} {LAST_RUNG}"
    error.facts |= {"snapshots": ", ".join(kept.names), "swap": "; ".join(kept.commands)}
    return error
