"""Where doors of dead runs may be, as a sweep knows it: on the way to the machines, and around those that are gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Final

from difyaction.azure import nsg
from difyaction.azure.arm import Arm, Unanswered, group_of, is_absent, last_name
from difyaction.azure.dead_leases import LOOKING, groups_in
from difyaction.azure.machine import Machine, distinct, find_machine, machine_id, unknown
from difyaction.azure.refusals import refused
from difyaction.azure_vm import jump
from difyaction.azure_vm.clients import Clients
from difyaction.azure_vm.tidying import NO_RIGHT
from difyaction.errors import Failed
from difyaction.inputs import Inputs
from difyaction.language import N_

_GROUPS: Final = "providers/Microsoft.Network/networkSecurityGroups"
_NOWHERE: Final = N_("nsg-name: no security group that this login may list is called {name} ({groups}).")


@dataclass(frozen=True)
class Around:
    """Where doors of a machine that is gone may be. ``machine``: its id.

    ``groups``: those to look into. ``shown``: those of its resource group, whose rules a list has shown already; None
    where they could not be listed. ``beyond``: why those of the whole subscription could not be. ``why``: why
    nobody can say that all doors will be found.
    """

    machine: str
    groups: tuple[str, ...]
    shown: tuple[str, ...] | None
    beyond: Failed | None
    why: Failed | None


@dataclass(frozen=True)
class Places:
    """Where doors may be. ``machine`` is None when it is gone; ``gone``: it, or the one in between, or both.

    ``others``: groups in which the upgrades, as the sweep knows them, open nothing. ``why``: why no group could be
    found, or not the one that is named.
    """

    machine: Machine | None
    groups: tuple[str, ...]
    others: tuple[str, ...] = ()
    gone: tuple[Around, ...] = ()
    why: Failed | None = None


@dataclass(frozen=True)
class _Listing:
    """The groups of a scope by their ids, and whether a rule there is ours. ``why``: there may be more.

    ``absent``: Azure knows no such scope.
    """

    groups: Mapping[str, bool] = field(default_factory=dict)
    why: Failed | None = None
    absent: bool = False


_Look = Callable[[str], _Listing]


def places(inputs: Inputs, clients: Clients) -> Places:
    """Find the groups on the way to the machine that is entered, and where one is gone, all that may be seen."""
    vm = machine_id(inputs.azure_subscription_id, inputs.resource_group, inputs.vm_name)
    machine, between = find_machine(clients.azure, vm), jump.asked(inputs)
    door, named = find_machine(clients.azure, between.id) if between else machine, inputs.nsg_name
    own = machine.nic.groups if machine else ()
    look = cache(partial(_listed, clients.arm))
    behind = _around(look, vm) if between and machine is None else None
    gone = () if behind is None else (behind,)
    if door is None:
        entered = _entered(look, between.id if between else vm, named)
        others = distinct((*own, *(each for around in gone for each in around.groups)), besides=entered.groups)
        return Places(machine, entered.groups, others, (entered, *gone), _first_reason(entered, *gone))
    groups = tuple(each for each in door.nic.groups if nsg.is_named(each, named))
    why = None if groups or not named else nsg.elsewhere(named, door.nic.groups)
    others = distinct((*door.nic.groups, *own, *(each for around in gone for each in around.groups)), besides=groups)
    return Places(machine, groups, others, gone, why or _first_reason(*gone))


def _first_reason(*gone: Around) -> Failed | None:
    return next((each.why for each in gone if each.why), None)


def _around(look: _Look, gone: str) -> Around:
    """Find the groups around a machine that is gone, in its resource group and subscription, that hold rules of ours.

    What a login may not list is no reason to end: the upgrades open nothing there.
    """
    scope = group_of(gone)
    near, far = look(scope), look(_subscription(scope))
    ours = distinct(each for each, has in (*near.groups.items(), *far.groups.items()) if has)
    failures = (each.why for each in (near, far) if each.why and not (each.absent and each is near))
    why = next((each for each in failures if each.id != NO_RIGHT), None)
    shown = None if near.why and not near.absent else tuple(near.groups)
    return Around(gone, ours, shown, far.why, why)


def _entered(look: _Look, gone: str, named: str) -> Around:
    """Find the same for the machine that is entered, where somebody has to see its groups.

    Who may not list them looks into the one that is named. One that is named by its whole id is looked into anyhow.
    """
    around, scope = _around(look, gone), group_of(gone)
    near, far = look(scope), look(_subscription(scope))
    known = any(nsg.is_named(each, named) for each in (*near.groups, *far.groups))
    explicit = (named,) if named.startswith("/") else ()
    guess = (f"{scope}/{_GROUPS}/{named}",) if named and near.why and not (near.absent or known) else ()
    instead = explicit or guess
    why = around.why
    if not (why or instead):
        if near.absent or not (near.groups or near.why or far.why is None):
            why = unknown(gone)
        elif named and not known:
            why = _nowhere(named, near)
        elif far.why is not None:
            why = near.why
    return replace(around, groups=distinct((*around.groups, *instead)), why=why)


def _subscription(scope: str) -> str:
    return "/".join(scope.split("/")[:3])


def _listed(arm: Arm, scope: str) -> _Listing:
    """List what can be listed: a page that cannot be had takes back none that was read before."""
    found: dict[str, bool] = {}
    try:
        found.update(groups_in(arm, scope))
    except Unanswered as error:
        return _Listing(found, refused(error, LOOKING), absent=is_absent(error.answer))
    except Failed as why:
        return _Listing(found, why)
    return _Listing(found)


def _nowhere(named: str, near: _Listing) -> Failed:
    return Failed(
        "azure-nsg-elsewhere",
        _NOWHERE,
        next_step="Name it by its whole id in nsg-name, or one of these, or leave it out.",
        name=named,
        groups=", ".join(last_name(each) for each in near.groups) or "-",
    )
