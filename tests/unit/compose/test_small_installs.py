"""A plain install of any of upstream's releases, with its own mounts: what is weighed of it stands in nobody's way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ruamel.yaml import YAML

from difyaction.compose.facts import Machine, Mount
from difyaction.compose.folder import data_folders, folder_size
from difyaction.compose.server_plan import make_plan
from tests.unit.compose.machines import FOLDER, facts
from tests.upstream_releases import shipped, tags

ROOM = {"disk-space", "backup-too-large", "backup-unmeasured", "downtime-too-long"}


def mounted(machine: Machine, tag: str) -> Machine:
    """Return the machine with the mounts that the release gives to the services that run there."""
    services = YAML(typ="safe", pure=True).load(shipped(tag).compose)["services"]
    found = {
        name: tuple(
            Mount(kind="bind", source=f"{FOLDER}/{source.removeprefix('./')}", target=target, size=4096)
            for source, _, target in (str(volume).partition(":") for volume in service.get("volumes", ()))
            if source.startswith("./")
        )
        for name, service in services.items()
    }
    every = tuple(mount for mounts in found.values() for mount in mounts)  # of all profiles at once
    holders = [replace(each, mounts=(*found.get(each.service, ()), *each.mounts)) for each in machine.containers]
    return replace(machine, containers=(replace(holders[0], mounts=every), *holders[1:]))


@pytest.mark.parametrize("tag", tags())
def test_a_plain_install_has_room_and_nothing_of_its_folder_is_left_out(tag: str) -> None:
    found = facts({"database": {"sizes": {"dify": 300_000_000, "dify_plugin": 10_000_000}}})
    found = replace(found, machine=mounted(found.machine, tag))
    assert data_folders(found.machine, ()) == ()
    size = folder_size(found.machine, ())
    assert size is not None
    assert 1_000_000 < size < 2_000_000
    assert not ROOM & {objection.rule for objection in make_plan(found).objections}
