"""The roles that docs/azure.md ships are what a run asks for: nothing less, nothing more, in JSON and in Bicep."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from difyaction.azure.rights import ASKING, GROUP_WRITE, Asked, Need, needs
from tests.unit.azure.test_rights import DISK, GROUP, MACHINE, NSG, VAULT

PAGE = (Path(__file__).resolve().parents[3] / "docs/azure.md").read_text(encoding="utf-8")
SEVERAL = replace(MACHINE, disks=(DISK, replace(DISK, id=f"{DISK.id}-data")))
WHOLE = tuple(needs(Asked(SEVERAL, door_groups=(NSG,), vault=VAULT, snapshot_group=GROUP, run_command=True)))
DOORS = {NSG: "SSH door", VAULT: "vault door"}


def role_of(need: Need) -> str:
    return DOORS.get(need.scope, "machine")


def asked_of(role: str) -> set[str]:
    """Return what a role has to give. Writing a whole security group is an optional line beside the role."""
    return {need.action for need in WHOLE if role_of(need) == role} - {GROUP_WRITE} | set(ASKING)


def in_json(role: str) -> dict[str, Any]:
    blocks = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    (found,) = [block for block in blocks if block["Name"] == f"Dify upgrade: {role}"]
    return found


def in_bicep(variable: str) -> list[str]:
    (block,) = re.findall(rf"^var {variable} = \[\n(.*?)^\]", PAGE, re.MULTILINE | re.DOTALL)
    return re.findall(r"'([^']+)'", block)


@pytest.mark.parametrize("role", ["machine", *DOORS.values()])
def test_a_role_as_json_gives_what_is_asked_for_and_nothing_else(role: str) -> None:
    found = in_json(role)
    assert set(found["Actions"]) == asked_of(role)
    assert len(found["Actions"]) == len(set(found["Actions"]))
    assert [found[name] for name in ("NotActions", "DataActions", "NotDataActions")] == [[], [], []]


@pytest.mark.parametrize(
    ("role", "variable"), [("machine", "machine"), ("SSH door", "sshDoor"), ("vault door", "vaultDoor")]
)
def test_a_role_as_bicep_is_the_role_as_json(role: str, variable: str) -> None:
    assert [*in_bicep("standing"), *in_bicep(variable)] == in_json(role)["Actions"]


def test_the_line_for_whole_groups_is_told_beside_the_role() -> None:
    assert f'`"{GROUP_WRITE}"`' in " ".join(PAGE.split())


def test_every_action_stands_in_the_table_that_says_what_it_is_for() -> None:
    table = PAGE.split("## What each action is for", 1)[1].split("\n## ", 1)[0]
    for action in {*ASKING, *(need.action for need in WHOLE)}:
        parts = action.split("/")
        written = [f"`{'/'.join(parts[start:])}`" for start in range(len(parts) - 1)] + [f"`/{parts[-1]}`"]
        assert any(each in table for each in written), f"{action} has no row"


def test_without_an_inbound_port_the_role_of_the_machine_is_enough() -> None:
    asked = {need.action for need in needs(Asked(SEVERAL, snapshot_group=GROUP, run_command=True))}
    assert asked <= set(in_json("machine")["Actions"])
