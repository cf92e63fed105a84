"""Keeps the disks before anything is touched, tells how a person would put them back, and lets the oldest go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs that these make."""
        return {
            "snapshot-ids": "\n".join(each.source for each in self.keepsake.kept),
            "swap-commands": "\n".join(self.commands),
        }


def snapshot_group(inputs: Inputs, machine: Machine) -> str:
    """Return the id of the resource group that snapshots are put in, empty when none are made."""
    if not inputs.snapshot:
        return ""
    named = inputs.snapshot_resource_group
    return f"{machine.group.rpartition('/')[0]}/{named}" if named else machine.group


def keep(  # noqa: PLR0913 - of what, called what, until when
    inputs: Inputs, clients: Clients, machine: Machine, *, version: str, now: datetime, patience: float
) -> Kept:
    """Keep every disk. Returns when each copy was seen to be complete and of the right disk; ``Failed`` otherwise.

    ``version`` stands in the names: what the machine ran then.
    """
    expires = now + timedelta(days=inputs.snapshot_days or _DAYS)
    label = Label(clients.run, machine.id, version, int(expires.timestamp()))
    order = Order(machine, snapshot_group(inputs, machine), label, now, inputs.timezone)
    keepsake = snapshots.keep(clients.azure, order, patience=patience)
    return Kept(keepsake, swap.commands(machine, keepsake, mark=clients.run.nonce))


def let_go(inputs: Inputs, clients: Clients, machine: Machine, say: Callable[[str], None], *, sparing: str = "") -> int:
    """Remove what is beyond ``snapshot-keep`` or has expired, by its tags alone. Return how many went."""
    found = snapshots.ours(clients.azure, snapshot_group(inputs, machine) or machine.group, machine.id)
    going = snapshots.expendable(
        found, keep=inputs.snapshot_keep or _RUNS, now=clients.pace.clock(), sparing=sparing or clients.run.text
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
