"""How a person puts the disks of before back: commands with the ids of this run. The last rung. Pure.

All that was written since is lost, and the machine stands still meanwhile, so no run does this by itself.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from difyaction.azure.arm import parsed
from difyaction.azure.machine import Machine
from difyaction.azure.naming import fitted
from difyaction.azure.snapshots import Keepsake, Kept


def commands(machine: Machine, keepsake: Keepsake, *, mark: str) -> tuple[str, ...]:
    """Return the commands, one after the other. ``mark`` tells the new disks from the old ones, as a run's nonce."""
    return tuple(_commands(machine, keepsake, mark))


def _commands(machine: Machine, keepsake: Keepsake, mark: str) -> Iterator[str]:
    where = f"--subscription {parsed(machine.id)['subscriptions']}"
    vm = f"{where} --resource-group {shlex.quote(parsed(machine.id)['resourcegroups'])}"
    name = shlex.quote(machine.name)
    yield f"az vm deallocate {vm} --name {name}"
    for kept in keepsake.kept:
        yield _new_disk(kept, where, mark)
    for kept in keepsake.kept:
        new = shlex.quote(_new_id(kept, mark))
        if kept.disk.is_system:
            yield f"az vm update {vm} --name {name} --os-disk {new}"
            continue
        yield f"az vm disk detach {vm} --vm-name {name} --name {shlex.quote(kept.disk.name)}"
        caching = kept.disk.caching
        yield f"az vm disk attach {vm} --vm-name {name} --name {new} --lun {kept.disk.lun} --caching {caching}"
    yield f"az vm start {vm} --name {name}"


def _new_disk(kept: Kept, where: str, mark: str) -> str:
    group = shlex.quote(parsed(kept.disk.id)["resourcegroups"])
    zone = f" --zone {kept.disk.zones[0]}" if kept.disk.zones else ""
    return (
        f"az disk create {where} --resource-group {group} --name {shlex.quote(_name(kept, mark))}"
        f" --location {kept.disk.location} --sku {kept.disk.sku}{zone} --source {shlex.quote(kept.source)}"
    )


def _name(kept: Kept, mark: str) -> str:
    return fitted(kept.disk.name, f"-back-{mark}")


def _new_id(kept: Kept, mark: str) -> str:
    return f"{kept.disk.id.rpartition('/')[0]}/{_name(kept, mark)}"
