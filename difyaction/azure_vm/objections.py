"""What stands in the way in Azure: the machine, rights, locks. Only reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from difyaction.azure import machine as machines
from difyaction.azure import rights
from difyaction.azure.arm import Arm, last_name, same
from difyaction.azure.machine import Machine
from difyaction.azure.standing import read_standing
from difyaction.azure_vm.way_in import Approach
from difyaction.language import N_
from difyaction.target import Objection, Severity

_SNAPSHOTS: Final = "2023-10-02"


@dataclass(frozen=True)
class Standing:
    """``entering``: why nobody may go and look; ``keeping``: why the disks cannot be kept, or what stays of them."""

    entering: tuple[Objection, ...]
    keeping: tuple[Objection, ...]


def standing(arm: Arm, machine: Machine, approach: Approach, *, snapshot_group: str) -> Standing:
    """Ask what we may and what is locked, for everything that the run will do. ``snapshot_group`` empty: none made."""
    entering = tuple(_entering(machine, approach))
    keeping = tuple(rights.keeping(machine, snapshot_group)) if snapshot_group else ()
    known = read_standing(arm, rights.scopes((*entering, *keeping)))
    state = machines.objections(machine, "", snapshots=False, agent=approach.run_command)
    loose = machines.objections(machine, "", snapshots=True, agent=False) if snapshot_group else ()
    return Standing(
        entering=(*state, *rights.objections(entering, known, "")),
        keeping=(
            *(each for each in loose if each.rule == "azure-disk-loose"),
            *rights.objections(keeping, known, ""),
            *_no_group(arm, machine, snapshot_group),
        ),
    )


def _no_group(arm: Arm, machine: Machine, group: str) -> Iterator[Objection]:
    """Ask for the snapshots in a group of its own, as the role lets us: whether there is such a group, it does not."""
    if not group or same(group, machine.group):
        return
    answer = arm.ask("GET", f"{group}/providers/Microsoft.Compute/snapshots", version=_SNAPSHOTS)
    if "ResourceGroupNotFound" not in answer.codes:
        return
    text = N_("There is no resource group {group}, into which what is kept of the disks is to be put.")
    yield Objection("azure-group-unknown", "", Severity.NEVER, text, {"group": last_name(group)})


def _entering(machine: Machine, approach: Approach) -> Iterator[rights.Need]:
    asked = rights.Asked(machine, door_groups=approach.groups, run_command=approach.run_command)
    yield from rights.needs(asked)
    for vault in approach.vaults:
        yield from (need for need in rights.needs(rights.Asked(machine, vault=vault)) if need.scope == vault)
    yield from approach.needs
