"""Mode sweep: closes what dead runs left open, also when their machine is gone, and lets old snapshots go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from difyaction.azure import nsg
from difyaction.azure.arm import Arm, Unanswered, group_of, last_name
from difyaction.azure.closing import command
from difyaction.azure.dead_leases import LOOKING, groups_in
from difyaction.azure.machine import Machine, besides, find_machine, machine_id, unknown
from difyaction.azure.refusals import refused
from difyaction.azure_vm import jump, keeping
from difyaction.azure_vm.clients import Clients
from difyaction.azure_vm.ssh_key import vault_id
from difyaction.azure_vm.tidying import NO_RIGHT, Tidied, close_expired, tell_the_time, unseen_on_the_way, until
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
GONE = N_(
    "There is no machine {vm} any more. Its doors were looked for in {groups}, and in all other security groups of the "
    "subscription that this login may read; what was kept of its disks stays."
)
GONE_NEAR = N_(
    "There is no machine {vm} any more. Its doors were looked for in {groups}; this login may not list those of other "
    "resource groups: nsg-name takes the whole id of one. What was kept of its disks stays."
)
_GROUPS = "providers/Microsoft.Network/networkSecurityGroups"


@dataclass(frozen=True)
class _Places:
    """Where doors may be. ``machine`` is None when it is gone, ``missing`` names it or the one in between.

    ``others``: groups in which the upgrades, as the sweep knows them, open nothing. ``wide``: the groups of the whole
    subscription could be listed. ``why``: why no group could be found, or not the one that is named.
    """

    machine: Machine | None
    groups: tuple[str, ...]
    others: tuple[str, ...] = ()
    missing: str = ""
    wide: bool = False
    why: Failed | None = None


def swept(inputs: Inputs, surroundings: Surroundings, clients: Clients) -> Outcome:
    """Close doors, then remove snapshots. Nobody goes in.

    The vault's door is looked at whenever a vault is named: an earlier run may have had leave to open it.
    """
    places = _places(inputs, clients)
    vaults = (vault_id(inputs),) if inputs.key_vault else ()
    tidied = close_expired(clients, (*places.groups, *places.others), vaults, surroundings.say)
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
        names = ", ".join(last_name(each) for each in (*places.groups, *places.others))
        facts = {"vm": places.missing, "groups": names or "-"}
        gone_from = GONE if places.wide else GONE_NEAR
        surroundings.runner.warning(gone_from.format(**facts), title="azure-vm-unknown")
        told.append(language.say(gone_from, **facts))
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
    """Find the groups on the way to the machine that is entered, and where one is gone, all that may be seen."""
    vm = machine_id(inputs.azure_subscription_id, inputs.resource_group, inputs.vm_name)
    machine, between = find_machine(clients.azure, vm), jump.asked(inputs)
    door, named = find_machine(clients.azure, between.id) if between else machine, inputs.nsg_name
    own = machine.nic.groups if machine else ()
    if door is None:
        entered = between.id if between else vm
        around = _all_around(named, clients.arm, entered)
        others = besides(around.groups, own)
        return _Places(machine, around.groups, others, missing=entered, wide=around.wide, why=around.why)
    groups = tuple(each for each in door.nic.groups if nsg.is_named(each, named))
    why = None if groups or not named else nsg.elsewhere(named, door.nic.groups)
    if machine is None:
        around = _all_around("", clients.arm, vm)
        others = besides(groups, (*door.nic.groups, *around.groups))
        return _Places(None, groups, others, missing=vm, wide=around.wide, why=why)
    return _Places(machine, groups, besides(groups, (*door.nic.groups, *own)), why=why)


@dataclass(frozen=True)
class _Around:
    """See `_Places`."""

    groups: tuple[str, ...]
    wide: bool
    why: Failed | None


def _all_around(named: str, arm: Arm, gone: str) -> _Around:
    """Find the groups of the resource group of a machine that is gone, and those of the subscription that may be ours.

    Who may not list them looks into the one that is named. One that is named by its whole id is looked into anyhow.
    """
    scope = group_of(gone)
    explicit = (named,) if named.startswith("/") else ()
    instead = explicit or ((f"{scope}/{_GROUPS}/{named}",) if named else ())
    near, unseen = _listed(arm, scope)
    far, beyond = _listed(arm, "/".join(scope.split("/")[:3]))
    groups = (*near, *(each for each, ours in far.items() if ours), *(instead if unseen else explicit))
    why = unseen if unseen and not (instead or far) else None
    if beyond and beyond.id != NO_RIGHT:
        why = why or beyond
    if not (near or unseen or explicit):
        why = unknown(gone)
    return _Around(besides((), groups), wide=beyond is None, why=why)


def _listed(arm: Arm, scope: str) -> tuple[Mapping[str, bool], Failed | None]:
    try:
        return groups_in(arm, scope), None
    except Unanswered as error:
        return {}, refused(error, LOOKING)


def _insist_on_sight(inputs: Inputs, surroundings: Surroundings, places: _Places, tidied: Tidied) -> None:
    """Raise when doors may stand where nobody looked. Who never had leave to open a vault need not see it."""
    if places.why:
        raise _after(tidied, places.why)
    vault = vault_id(inputs)
    for scope, why in unseen_on_the_way(tidied, places.others, surroundings.runner):
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
