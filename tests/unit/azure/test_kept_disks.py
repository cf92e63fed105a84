from __future__ import annotations

from dataclasses import replace

from difyaction.azure.leases import Run
from difyaction.azure.machine import Disk
from difyaction.azure.naming import Label
from difyaction.azure.snapshots import Keepsake, Kept, Old, expendable, ours
from difyaction.azure.swap import commands
from tests.unit.azure.scripted import ok
from tests.unit.azure.scripted_sdk import sdk
from tests.unit.azure.test_rights import GROUP, MACHINE, VM

NOW = 1_764_000_000
DATA = Disk(
    f"{GROUP}/providers/Microsoft.Compute/disks/data", "data", "u2", 2, "Premium_LRS", "westus", 0, "ReadOnly", ("1",)
)


def old(run: int, *, expires: int = NOW + 1, name: str = "x") -> Old:
    return Old(f"/g/snapshots/{name}-{run}", Label(Run(run, 1, "aa"), VM, "1.14.1", expires))


def test_the_newest_runs_are_kept_with_all_their_disks() -> None:
    found = [old(9, name="os"), old(9, name="data"), old(8), old(7)]
    assert expendable(found, keep=2, now=NOW) == (old(7),)
    assert expendable(found, keep=None, now=NOW) == ()


def test_what_has_expired_goes_and_this_runs_own_never_does() -> None:
    found = [old(9, expires=NOW), old(8, expires=NOW), old(7)]
    assert expendable(found, keep=3, now=NOW, sparing="9.1.aa") == (old(8, expires=NOW),)
    assert old(9, expires=NOW) not in expendable(found, keep=0, now=NOW, sparing="9.1.aa")


def test_only_tags_tell_what_is_ours() -> None:
    label = Label(Run(9, 1, "aa"), VM, "1.14.1", NOW)
    listed = [
        {"id": "/g/snapshots/ours", "tags": label.tags()},
        {"id": "/g/snapshots/dify-before-1.14.1", "tags": {}},
        {"id": "/g/snapshots/other-machine", "tags": {**label.tags(), "dify-upgrade-machine": "/other"}},
    ]
    with sdk(ok({"value": listed}), ok({"value": []})) as (azure, _):
        assert [each.id for each in ours(azure, GROUP, VM.upper())] == ["/g/snapshots/ours"]


def test_away_from_github_the_run_that_expires_last_is_the_newest() -> None:
    labels = [Label(Run(0, 1, nonce), VM, "1.14.1", expires) for nonce, expires in (("aa", NOW), ("bb", NOW + 9))]
    listed = [{"id": f"/g/snapshots/{label.run.nonce}", "tags": label.tags()} for label in labels]
    with sdk(ok({"value": listed}), ok({"value": []})) as (azure, _):
        found = ours(azure, GROUP, VM)
    assert [each.id for each in expendable(found, keep=1, now=NOW - 1)] == ["/g/snapshots/aa"]


def test_a_groups_name_with_brackets_is_quoted_for_the_shell() -> None:
    machine = replace(MACHINE, id=VM.replace("/resourceGroups/g/", "/resourceGroups/rg(prod)/"))
    lines = commands(machine, Keepsake((Kept(MACHINE.disks[0], "/point/os", 1),), "/point"), mark="ab12cd")
    assert lines[0] == "az vm deallocate --subscription s --resource-group 'rg(prod)' --name vm"


def test_the_way_back_is_commands_with_this_runs_ids() -> None:
    keepsake = Keepsake((Kept(MACHINE.disks[0], "/point/os", 1), Kept(DATA, "/point/data", 2)), "/point")
    lines = commands(MACHINE, keepsake, mark="ab12cd")
    assert lines[0] == "az vm deallocate --subscription s --resource-group g --name vm"
    assert lines[1].endswith("--name os-back-ab12cd --location westus --sku Premium_LRS --source /point/os")
    assert "--zone 1 --source /point/data" in lines[2]
    assert lines[3].endswith(f"--os-disk {GROUP}/providers/Microsoft.Compute/disks/os-back-ab12cd")
    assert lines[4].endswith("--vm-name vm --name data")
    assert lines[5].endswith("data-back-ab12cd --lun 0 --caching ReadOnly")
    assert lines[6].startswith("az vm start ")
