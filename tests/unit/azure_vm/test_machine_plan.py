"""What Azure adds to the plan for a machine's Dify, and sets against it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from difyaction.azure_vm.machine_plan import AzureFacts, make_azure_plan
from difyaction.azure_vm.way_in import Approach
from difyaction.compose.server_plan import ServerPlan, make_plan
from difyaction.report import plan_json
from difyaction.target import Objection, Severity
from tests import published
from tests.unit.azure.test_rights import DISK, GROUP, MACHINE, NSG, VAULT
from tests.unit.compose import machines

LOOSE = Objection("azure-disk-loose", "", Severity.ACKNOWLEDGE, "{disks} is loose.", {"disks": "tmp"})
STANDS = Objection("azure-not-running", "", Severity.NEVER, "{machine} stands.", {"machine": "vm"})


@cache
def server() -> ServerPlan:
    return make_plan(machines.facts({}))


def facts(**changed: object) -> AzureFacts:
    usual = AzureFacts(
        machine=MACHINE,
        approach=Approach(groups=(NSG,), vaults=(VAULT,), told=("way in: SSH",)),
        objections=(),
        server=machines.facts({}),
        keeps=True,
        asked="latest",
    )
    return replace(usual, **changed)  # type: ignore[arg-type]


def test_the_plan_is_that_of_its_dify_and_says_which_disks_are_kept_first() -> None:
    plan = make_azure_plan(facts(), server())
    assert (plan.from_version, plan.to_version) == (server().from_version, server().to_version)
    assert plan.changes == server().changes
    assert plan.keeps
    assert plan.remarks[0] == "Before anything is touched, os are kept as they are, and what was kept is verified."
    assert plan.documents[0].title == "Azure"
    for part in (MACHINE.id, NSG, VAULT, "way in: SSH", DISK.name):
        assert part in plan.documents[0].text


def test_where_nobody_gets_in_the_plan_says_what_was_asked_and_why_not() -> None:
    plan = make_azure_plan(facts(server=None, objections=(STANDS,)), None)
    (change,) = plan.changes
    assert (change.where, change.before, change.after) == ("vm", "", "latest")
    assert [each.consent for each in plan.stopping] == ["azure-not-running@latest"]
    assert not plan.keeps
    assert not plan.settled


@pytest.mark.parametrize(("asked", "told"), [("1.14.1", "1.14.1"), ("latest", ""), ("1.14.x", ""), ("last-backup", "")])
def test_where_nobody_gets_in_only_a_release_that_was_named_is_the_wanted_one(asked: str, told: str) -> None:
    assert make_azure_plan(facts(server=None, objections=(STANDS,), asked=asked), None).to_version == told


def test_consent_to_what_azure_objects_is_for_one_release() -> None:
    plan = make_azure_plan(facts(objections=(LOOSE,)), server())
    consent = f"azure-disk-loose@{server().to_version}"
    assert [each.consent for each in plan.objections if each.rule == LOOSE.rule] == [consent]
    assert LOOSE.rule in [each.rule for each in plan.stopping]
    given = make_azure_plan(facts(objections=(LOOSE,), acknowledge=(consent,)), server())
    assert LOOSE.rule not in [each.rule for each in given.stopping]
    assert given.plan_id == plan.plan_id, "consent makes no other plan of it"


@pytest.mark.parametrize(
    "other",
    [
        {"machine": replace(MACHINE, vm_id="made anew")},
        {"machine": replace(MACHINE, disks=(replace(DISK, unique_id="another"),))},
        {"machine": replace(MACHINE, disks=(DISK, replace(DISK, id=f"{DISK.id}2", lun=0)))},
        {"keeps": False},
        {"approach": Approach(groups=(f"{NSG}2",), vaults=(VAULT,))},
        {"approach": Approach(groups=(NSG,))},
        {"objections": (LOOSE,)},
    ],
)
def test_the_id_binds_an_approval_to_this_machine_its_disks_and_its_doors(other: dict[str, object]) -> None:
    assert make_azure_plan(facts(**other), server()).plan_id != make_azure_plan(facts(), server()).plan_id


def test_the_id_does_not_hang_on_how_azure_writes_ids() -> None:
    shouted = replace(MACHINE, id=MACHINE.id.upper())
    assert make_azure_plan(facts(machine=shouted), server()).plan_id == make_azure_plan(facts(), server()).plan_id


def test_without_snapshots_the_plan_says_that_the_last_rung_is_missing() -> None:
    plan = make_azure_plan(facts(keeps=False), server())
    assert "The disks are not kept (snapshot: false): the last rung of the way back is missing." in plan.remarks
    assert not plan.keeps
    assert GROUP in plan.machine.id


def test_the_plan_is_told_as_the_published_schema_says_whether_or_not_anybody_gets_in() -> None:
    assert published.valid("plan", plan_json(make_azure_plan(facts(), server())))["changes"]
    assert published.valid("plan", plan_json(make_azure_plan(facts(server=None), None)))["changes"]
