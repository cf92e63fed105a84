"""Which actions a run needs, where, and what a lock or a missing right would do to it. Pure.

Asked before anything is touched, so that a door is never opened that could not be closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from difyaction.azure.machine import Machine
from difyaction.language import N_
from difyaction.target import Objection, Severity

RULE_DELETE: Final = "Microsoft.Network/networkSecurityGroups/securityRules/delete"
GROUP_WRITE: Final = "Microsoft.Network/networkSecurityGroups/write"
ASKING: Final = ("Microsoft.Authorization/locks/read", "Microsoft.Authorization/permissions/read")
_COPY: Final = "Microsoft.Compute/disks/beginGetAccess/action"
_GROUP_READ: Final = "Microsoft.Network/networkSecurityGroups/read"
_DOOR: Final = (
    _GROUP_READ,
    "Microsoft.Network/networkSecurityGroups/securityRules/read",
    "Microsoft.Network/networkSecurityGroups/securityRules/write",
)
_SNAPSHOT: Final = ("Microsoft.Compute/snapshots/read", "Microsoft.Compute/snapshots/write")
_POINT: Final = (
    "Microsoft.Compute/restorePointCollections/read",
    "Microsoft.Compute/restorePointCollections/write",
    "Microsoft.Compute/restorePointCollections/restorePoints/read",
    "Microsoft.Compute/restorePointCollections/restorePoints/write",
)
_POINT_PART: Final = "Microsoft.Compute/restorePointCollections/restorePoints/diskRestorePoints/read"
_POINT_DELETES: Final = (
    "Microsoft.Compute/restorePointCollections/delete",
    "Microsoft.Compute/restorePointCollections/restorePoints/delete",
)
_SNAPSHOT_DELETE: Final = "Microsoft.Compute/snapshots/delete"
_VAULT: Final = ("Microsoft.KeyVault/vaults/read", "Microsoft.KeyVault/vaults/write")
_COMMAND: Final = "Microsoft.Compute/virtualMachines/runCommand/action"


@dataclass(frozen=True)
class Need:
    """An action on a scope (a resource's or a group's id), and what for. ``writes``: a ReadOnly lock forbids it.

    ``proved``: that we may is known already, because what it reads was read.
    """

    action: str
    scope: str
    purpose: str
    required: bool = True
    proved: bool = False

    @property
    def writes(self) -> bool:
        """Whether it changes something. A disk is only copied by the right to: nothing is done to the disk itself."""
        return not self.action.endswith("/read") and self.action != _COPY


@dataclass(frozen=True)
class Asked:
    """What this run will do: empty for what it will not."""

    machine: Machine
    door_groups: tuple[str, ...] = ()
    vault: str = ""  # only when its firewall may be opened
    snapshot_group: str = ""
    run_command: bool = False


@dataclass(frozen=True)
class Standing:
    """What Azure says of one scope. ``permissions`` None: it does not tell us. ``locks``: level and id of each."""

    permissions: Sequence[Mapping[str, Any]] | None
    locks: tuple[tuple[str, str], ...] = ()

    def locked(self, level: str) -> str:
        """Return the id of a lock of that level, empty for none."""
        return next((lock for found, lock in self.locks if found.lower() == level.lower()), "")


def needs(asked: Asked) -> Iterator[Need]:
    """Yield every action that the run will ask for, or asked for when it read the machine."""
    machine = asked.machine
    yield from looking(machine)
    if asked.run_command:
        yield Need(_COMMAND, machine.id, N_("running commands on the machine"))
    for group in asked.door_groups:
        yield from (Need(action, group, N_("opening and closing the way to SSH")) for action in _DOOR)
        yield Need(RULE_DELETE, group, N_("removing the rule for SSH"), required=False)
        yield Need(GROUP_WRITE, group, N_("removing the rule for SSH under a lock"), required=False)
    if asked.vault:
        yield from (Need(action, asked.vault, N_("opening and closing the Key Vault")) for action in _VAULT)
    if asked.snapshot_group:
        yield from keeping(machine, asked.snapshot_group)


def looking(machine: Machine) -> Iterator[Need]:
    """Yield what reading a machine takes."""
    reads = [("Microsoft.Compute/virtualMachines/read", machine.id)]
    reads += [("Microsoft.Compute/disks/read", disk.id) for disk in machine.disks]
    for nic in machine.nics:
        reads.append(("Microsoft.Network/networkInterfaces/read", nic.id))
        reads.append(("Microsoft.Network/virtualNetworks/subnets/read", nic.subnet))
        reads.append(("Microsoft.Network/publicIPAddresses/read", nic.public_id))
    yield from (Need(action, scope, N_("looking at the machine"), proved=True) for action, scope in reads if scope)
    yield Need(_GROUP_READ, machine.group, N_("looking for doors that were left open"), required=False, proved=True)


def keeping(machine: Machine, group: str) -> Iterator[Need]:
    """Yield what keeping all disks in a resource group takes, and removing what has expired."""
    several = len(machine.disks) > 1
    for disk in machine.disks:
        yield Need(_COPY, disk.id, N_("keeping the disks as they are"))
    for action in (*_SNAPSHOT, *(_POINT if several else ())):
        yield Need(action, group, N_("keeping the disks as they are"))
    if several:
        yield Need(_POINT_PART, group, N_("verifying what was kept"), required=False)
    for action in (_SNAPSHOT_DELETE, *(_POINT_DELETES if several else ())):
        yield Need(action, group, N_("removing snapshots"), required=False)


def scopes(wanted: Iterable[Need]) -> tuple[str, ...]:
    """Return what Azure has to be asked about, each once."""
    return tuple(dict.fromkeys(need.scope for need in wanted if not need.proved))


def holds(permissions: Iterable[Mapping[str, Any]], action: str) -> bool:
    """Whether any of the assignments gives an action that it does not take away itself."""
    return any(
        any(_matches(pattern, action) for pattern in each.get("actions") or ())
        and not any(_matches(pattern, action) for pattern in each.get("notActions") or ())
        for each in permissions
    )


def objections(wanted: Iterable[Need], standing: Mapping[str, Standing], version: str) -> Iterator[Objection]:
    """Yield what is missing and what is locked. ``standing`` by scope; a scope that is not there is not judged."""
    by_scope: dict[str, list[Need]] = {}
    for need in wanted:
        by_scope.setdefault(need.scope, []).append(need)
    for scope, its_needs in by_scope.items():
        found = standing.get(scope)
        if found is not None:
            yield from _missing(scope, its_needs, found, version)
            yield from _locked(scope, its_needs, found, version)


def _missing(scope: str, wanted: Sequence[Need], found: Standing, version: str) -> Iterator[Objection]:
    if found.permissions is None:
        return
    missing = [need for need in wanted if need.required and not holds(found.permissions, need.action)]
    if missing:
        yield Objection(
            "azure-right-missing",
            version,
            Severity.NEVER,
            N_("We have no right to {actions} on {scope}, needed for {purpose}. Add to the role's actions: {lines}"),
            {
                "actions": ", ".join(need.action for need in missing),
                "scope": scope,
                "purpose": ", ".join(dict.fromkeys(need.purpose for need in missing)),
                "lines": ", ".join(f'"{need.action}"' for need in missing),
            },
        )


def _locked(scope: str, wanted: Sequence[Need], found: Standing, version: str) -> Iterator[Objection]:
    read_only, no_delete = found.locked("ReadOnly"), found.locked("CanNotDelete")
    if read_only and any(need.writes and need.required for need in wanted):
        text = N_("The lock {lock} forbids every change of {scope}. Remove it for the time of the upgrade.")
        yield Objection("azure-locked", version, Severity.NEVER, text, {"lock": read_only, "scope": scope})
        return
    actions = {need.action for need in wanted}
    may = found.permissions or ()
    opens = all(holds(may, need.action) for need in wanted if need.required)
    if RULE_DELETE in actions and opens:
        cannot = no_delete or ("" if holds(may, RULE_DELETE) else RULE_DELETE)
        if cannot:
            yield Objection(
                "azure-door-stays",
                version,
                Severity.AUTOMATIC,
                N_(
                    "The rule for SSH in {scope} can be made and not removed ({cause}): it will be turned into a Deny, "
                    "which lets nobody in, and stay. Mode sweep removes it as soon as no lock "
                    'forbids that and the role has the action "{line}".'
                ),
                {"scope": scope, "cause": cannot, "line": RULE_DELETE},
            )
    if _SNAPSHOT_DELETE in actions and no_delete:
        text = N_("The lock {lock} keeps old snapshots in {scope} from being removed; they pile up and cost.")
        yield Objection("azure-snapshots-stay", version, Severity.AUTOMATIC, text, {"lock": no_delete, "scope": scope})


def _matches(pattern: str, action: str) -> bool:
    return re.fullmatch(re.escape(str(pattern)).replace(r"\*", ".*"), action, re.IGNORECASE) is not None
