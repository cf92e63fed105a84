"""Mode sweep: closes what dead runs left open, also when their machine is gone, and lets old snapshots go."""

from __future__ import annotations

from collections.abc import Iterator

from difyaction.azure.arm import group_of, last_name
from difyaction.azure.closing import command
from difyaction.azure.machine import distinct
from difyaction.azure_vm import keeping
from difyaction.azure_vm.clients import Clients
from difyaction.azure_vm.places import Around, Places, places
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
    "There is no machine {vm} any more. Its doors were looked for in {groups}; this login may not list the others of "
    "the subscription: nsg-name takes the whole id of one. What was kept of its disks stays."
)
GONE_UNLISTED = N_(
    "There is no machine {vm} any more. Its doors were looked for in {groups}; the others of the subscription could "
    "not be listed, as Azure failed. What was kept of its disks stays."
)


def swept(inputs: Inputs, surroundings: Surroundings, clients: Clients) -> Outcome:
    """Close doors, then remove snapshots. Nobody goes in.

    The vault's door is looked at whenever a vault is named: an earlier run may have had leave to open it.
    """
    found = places(inputs, clients)
    vaults = (vault_id(inputs),) if inputs.key_vault else ()
    tidied = close_expired(clients, (*found.groups, *found.others), vaults, surroundings.say)
    tell_the_time(clients, surroundings.runner)
    language = Language.of(inputs.language)
    told = list(_told(tidied, language))
    for door in tidied.lost:
        surroundings.runner.warning(
            LOST.format(where=door.where, command=command(door)), title="A rule without a lease"
        )
    for around in found.gone:
        template, facts = _gone(around)
        surroundings.runner.warning(template.format(**facts), title="azure-vm-unknown")
        told.append(language.say(template, **facts))
    _insist_on_sight(inputs, surroundings, found, tidied)
    removed = 0
    if found.machine:
        removed = keeping.let_go(inputs, clients, found.machine, surroundings.say)
        told.append(language.say(REMOVED, count=removed))
    return Outcome("swept", changed=bool(tidied.closed or removed), sentences=tuple(told))


def _told(tidied: Tidied, language: Language) -> Iterator[str]:
    yield language.say(CLOSED, count=tidied.closed)
    if tidied.resting:
        where = "; ".join(door.where for door in tidied.resting)
        yield language.say(RESTING, where=where, commands="; ".join(command(door) for door in tidied.resting))
    for door in tidied.lost:
        yield language.say(LOST, where=door.where, command=command(door))
    for door in tidied.held:
        yield language.say(HELD, where=door.where, run=door.lease.run.text, until=until(door))


def _gone(around: Around) -> tuple[str, dict[str, str]]:
    """Return the sentence that says where doors of a machine that is gone were looked for, and its facts."""
    names = [last_name(each) for each in distinct((*(around.shown or ()), *around.groups))]
    if around.shown == ():
        names.insert(0, last_name(group_of(around.machine)))  # the resource group, which has none
    facts = {"vm": around.machine, "groups": ", ".join(names) or "-"}
    if around.beyond is None:
        return GONE, facts
    return (GONE_NEAR if around.beyond.id == NO_RIGHT else GONE_UNLISTED), facts


def _insist_on_sight(inputs: Inputs, surroundings: Surroundings, found: Places, tidied: Tidied) -> None:
    """Raise when doors may stand where nobody looked. Who never had leave to open a vault need not see it."""
    if found.why:
        raise _after(tidied, found.why)
    vault = vault_id(inputs)
    for scope, why in unseen_on_the_way(tidied, found.others, surroundings.runner):
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
