"""Mode sweep: closes what dead runs left open, also when their machine is gone, and lets old snapshots go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from difyaction.azure import nsg
from difyaction.azure.arm import Unanswered, group_of, last_name
from difyaction.azure.closing import command
from difyaction.azure.dead_leases import LOOKING, groups_in
from difyaction.azure.machine import Machine, find_machine, machine_id, unknown
from difyaction.azure.refusals import refused
from difyaction.azure_vm import jump, keeping
from difyaction.azure_vm.clients import Clients
from difyaction.azure_vm.ssh_key import vault_id
from difyaction.azure_vm.tidying import NO_RIGHT, Tidied, close_expired, tell_the_time, until
from difyaction.errors import Failed
from difyaction.inputs import Inputs
from difyaction.language import N_, Language
from difyaction.surroundings import Surroundings
from difyaction.target import Outcome

CLOSED = N_("Doors closed: {count}.")
REMOVED = N_("Snapshots and restore points removed: {count}.")
RESTING = N_("Closed, and kept by a lock or a missing right: {where}. When that is gone, delete it: {commands}")
HELD = N_("Left alone, as run {run} holds it by a lease until {until}: {where}.")
LOST = N_("Left alone, though named as ours: {where}. Its description holds no lease; if nobody knows it: {command}")
GONE = N_("There is no machine {vm} any more. Its doors were looked for in {groups}; what was kept of its disks stays.")
_GROUPS = "providers/Microsoft.Network/networkSecurityGroups"


@dataclass(frozen=True)
class _Places:
    """Where doors may be. ``machine`` is None when it is gone, ``missing`` names it or the one in between."""

    machine: Machine | None
    groups: tuple[str, ...]
    missing: str = ""
    why: Failed | None = None  # why no group could be found, or not the one that is named


def swept(inputs: Inputs, surroundings: Surroundings, clients: Clients) -> Outcome:
    """Close doors, then remove snapshots. Nobody goes in.

    The vault's door is looked at whenever a vault is named: an earlier run may have had leave to open it.
    """
    places = _places(inputs, clients)
    vaults = (vault_id(inputs),) if inputs.key_vault else ()
    tidied = close_expired(clients, places.groups, vaults, surroundings.say)
    _insist_on_sight(inputs, surroundings, places, tidied)
    tell_the_time(clients, surroundings.runner)
    language = Language.of(inputs.language)
    told = list(_told(tidied, language))
    for door in tidied.lost:
        surroundings.runner.warning(
            LOST.format(where=door.where, command=command(door)), title="A rule without a lease"
        )
    gone = 0
    if places.missing:
        facts = {"vm": places.missing, "groups": ", ".join(last_name(each) for each in places.groups) or "-"}
        surroundings.runner.warning(GONE.format(**facts), title="azure-vm-unknown")
        told.append(language.say(GONE, **facts))
    if places.machine:
        gone = keeping.let_go(inputs, clients, places.machine, surroundings.say)
        told.append(language.say(REMOVED, count=gone))
    return Outcome("swept", changed=bool(tidied.closed or gone), sentences=tuple(told))


def _told(tidied: Tidied, language: Language) -> Iterator[str]:
    yield language.say(CLOSED, count=tidied.closed)
    if tidied.resting:
        where = "; ".join(door.where for door in tidied.resting)
        yield language.say(RESTING, where=where, commands="; ".join(command(door) for door in tidied.resting))
    for door in tidied.lost:
        yield language.say(LOST, where=door.where, command=command(door))
    for door in tidied.held:
        yield language.say(HELD, where=door.where, run=door.lease.run.text, until=until(door))


def _places(inputs: Inputs, clients: Clients) -> _Places:
    """Find the groups on the way to the machine that is entered; where it is gone, all of its resource group."""
    vm = machine_id(inputs.azure_subscription_id, inputs.resource_group, inputs.vm_name)
    machine, between = find_machine(clients.azure, vm), jump.asked(inputs)
    door = find_machine(clients.azure, between.id) if between else machine
    named = inputs.nsg_name.lower()
    if door:
        on_the_way = tuple(each for each in door.nic.groups if not named or last_name(each).lower() == named)
        why = None if on_the_way or not named else nsg.elsewhere(inputs.nsg_name, door.nic.groups)
        return _Places(machine, on_the_way, missing="" if machine else vm, why=why)
    entered = between.id if between else vm
    scope = group_of(entered)
    try:
        groups = groups_in(clients.arm, scope)
    except Unanswered as error:
        if named:
            return _Places(machine, (f"{scope}/{_GROUPS}/{inputs.nsg_name}",), missing=entered)
        return _Places(machine, (), missing=entered, why=refused(error, LOOKING))
    return _Places(machine, groups, missing=entered, why=None if groups else unknown(entered))


def _insist_on_sight(inputs: Inputs, surroundings: Surroundings, places: _Places, tidied: Tidied) -> None:
    """Raise when doors may stand where nobody looked. Who never had leave to open a vault need not see it."""
    if places.why:
        raise _after(tidied, places.why)
    vault = vault_id(inputs)
    for scope, why in tidied.unseen:
        if not (scope == vault and not inputs.open_key_vault and why.id == NO_RIGHT):
            raise _after(tidied, why)
        text = f"doors of lost runs are not looked for in {scope}: {why}"
        surroundings.runner.warning(text, title="Nobody looked at the vault")


def _after(tidied: Tidied, why: Failed) -> Failed:
    """Return the error with what was closed before it as its state."""
    if tidied.closed:
        why.state = CLOSED
        why.facts |= {"count": tidied.closed}
    return why
