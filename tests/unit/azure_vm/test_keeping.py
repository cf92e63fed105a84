"""What a run tells of the disks that it kept, and where the snapshots go."""

from __future__ import annotations

import json

import pytest

from difyaction.azure.door import RuleDoor, VaultDoor
from difyaction.azure.doors import Exposure
from difyaction.azure.leases import Lease, Run
from difyaction.azure.snapshots import Keepsake
from difyaction.azure.snapshots import Kept as KeptDisk
from difyaction.azure.swap import commands
from difyaction.azure_vm import exposure
from difyaction.azure_vm.keeping import Kept, Shelf, snapshot_group, with_last_rung
from difyaction.azure_vm.ssh_key import vault_id
from difyaction.errors import Stranded
from difyaction.inputs import Inputs, read
from difyaction.language import Language
from tests.unit.azure.test_rights import DISK, GROUP, MACHINE
from tests.unit.azure_vm.test_roads import SSH

SOURCE = f"{GROUP}/providers/Microsoft.Compute/snapshots/os-before-1.13.3"
KEEPSAKE = Keepsake((KeptDisk(DISK, SOURCE, 1),))
KEPT = Kept(KEEPSAKE, commands(MACHINE, KEEPSAKE, mark="ab12cd"))
LEASE = Lease(Run(123, 1, "ab12cd"), 1_764_000_000)


def asked(**given: str) -> Inputs:
    return read({**SSH, **{name.replace("_", "-"): text for name, text in given.items()}})


def test_the_outputs_name_what_holds_the_disks_and_how_they_are_put_back() -> None:
    outputs = Shelf([KEPT]).outputs
    assert outputs["snapshot-ids"] == SOURCE
    swap = outputs["swap-commands"].splitlines()
    assert swap[0].startswith("az vm deallocate")
    assert swap[-1].startswith("az vm start")
    assert any(SOURCE in line for line in swap)
    (document,) = KEPT.documents
    assert document.text == outputs["swap-commands"]


def test_a_run_that_is_stranded_names_the_last_rung_with_its_own_ids() -> None:
    error = Stranded("undo-failed", "Step {step}.", state="Bad.", next_step="Look at {folder}.", step="x", folder="/r")
    text = str(with_last_rung(error, KEPT))
    assert "Look at /r. The last rung puts the disks back as os-before-1.13.3 hold them" in text
    assert f"--source {SOURCE}" in text


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, GROUP),
        ({"snapshot_resource_group": "backups"}, "/subscriptions/s/resourceGroups/backups"),
        ({"snapshot": "false"}, ""),
    ],
)
def test_snapshots_go_to_the_machines_group_or_to_the_one_that_is_named(given: dict[str, str], expected: str) -> None:
    assert snapshot_group(asked(**given), MACHINE) == expected


def test_a_vault_is_a_name_in_the_machines_group_or_a_whole_id() -> None:
    whole = "/subscriptions/x/resourceGroups/keys/providers/Microsoft.KeyVault/vaults/kv"
    subscription = SSH["azure-subscription-id"]
    assert vault_id(asked(key_vault=whole)) == whole
    found = vault_id(asked(key_vault="dify-kv"))
    assert found == f"/subscriptions/{subscription}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/dify-kv"
    assert vault_id(asked()) == ""


def test_each_door_is_told_with_its_seconds() -> None:
    doors = [
        Exposure(RuleDoor("/g/networkSecurityGroups/nsg/securityRules/ours", LEASE), 6.24),
        Exposure(VaultDoor("/g/vaults/kv", ("203.0.113.10",), LEASE), 11.0),
    ]
    assert exposure.sentences(doors)[0] == "Open for 6.2 s, and seen closed: NSG rule ours in nsg."
    held = Exposure(doors[1].door, 11.0, stands=True, held=True)
    assert "another run's keeps it open" in exposure.sentences([held])[0]
    assert '"open": true' in exposure.output([held])
    assert "閉じたことを確認" in exposure.sentences(doors, Language.of("ja"))[0]
    assert [each["seconds"] for each in json.loads(exposure.output(doors))] == [6.2, 11.0]
