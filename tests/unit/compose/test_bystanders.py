"""Whoever shares the project with Dify, and is none of it, runs on untouched; and the plan says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from difyaction.compose.facts import Backup, Container, Machine, Mount
from difyaction.compose.restore_plan import RestoreFacts, make_restore_plan
from difyaction.compose.server_plan import ServerFacts, ServerPlan, make_plan
from difyaction.compose.wishes import Wishes
from difyaction.releases.version import Version
from difyaction.secret import Secret
from tests.unit.compose.machines import FOLDER, facts

OTHERS = {
    "elastic": "elasticsearch:8.11.3",
    "ragdb": "mysql:8.0.39",
    "edge": "nginx:1.27",  # sorts before Dify's own
    "tunnel": "cloudflare/cloudflared:2025.1.0",
}
CROSSING = {"installed": "1.9.2", "wanted": "1.14.1", "heads": ["ae662b25d9bc"]}
SAME_SCHEMA = {"installed": "1.13.1", "wanted": "1.13.3", "upstream": {"daemon": "0.5.3-local"}}


def container(service: str, image: str) -> Container:
    name = f"docker-{service}-1"
    return Container(id=f"id-of-{service}", name=name, service=service, image=image, image_id="sha256:x")


def others(state: str = "running") -> tuple[Container, ...]:
    return tuple(replace(container(service, image), state=state) for service, image in OTHERS.items())


def among(machine: Machine, *found: Container) -> Machine:
    return replace(machine, containers=tuple(sorted((*machine.containers, *found), key=lambda each: each.service)))


def shared(given: ServerFacts, *found: Container) -> ServerFacts:
    return replace(given, machine=among(given.machine, *found))


def told(plan: ServerPlan) -> list[str]:
    return [remark for remark in plan.remarks if "left as they are" in remark]


@pytest.mark.parametrize("changes", [{}, CROSSING, SAME_SCHEMA], ids=["plain", "moved", "same schema"])
def test_an_upgrade_beside_others_does_what_it_would_do_alone_and_names_them(changes: dict[str, Any]) -> None:
    alone, plan = make_plan(facts(changes)), make_plan(shared(facts(changes), *others()))
    assert plan.script == alone.script
    assert plan.delivered == alone.delivered
    assert [each.rule for each in plan.objections] == [each.rule for each in alone.objections]
    (remark,) = told(plan)
    assert remark.endswith("project docker, which are left as they are: edge, elastic, ragdb, tunnel.")
    assert not told(alone)


def test_a_stopped_container_of_somebody_elses_ends_no_upgrade() -> None:
    plan = make_plan(shared(facts({}), *others(state="exited")))
    assert not plan.stopping
    assert plan.script == make_plan(facts({})).script


def test_what_only_a_profile_starts_that_is_not_chosen_was_started_by_hand_and_stays() -> None:
    plan = make_plan(facts({"without": ["weaviate"]}))
    assert "id-of-weaviate" not in plan.script
    assert "remove_old" not in plan.steps[-1].do
    assert told(plan)[0].endswith(": weaviate.")


def test_a_second_file_with_difys_own_image_stops_with_it_and_starts_as_it_was() -> None:
    image, mode = "langgenius/dify-api:1.13.3", {"MODE": Secret("worker")}
    more = replace(container("worker_night", image), environment=mode)
    steps = {step.name: step for step in make_plan(shared(facts({}), more)).steps}
    assert "id-of-worker_night" in steps["stop"].do
    assert "remove_old worker_night" in steps["tidy"].do
    serve, by_id = steps["stop"].undo.split(" && ")
    assert "worker_night" not in serve.partition("'")[2].partition("'")[0]
    assert by_id == "start_by_id id-of-worker_night; }"


def test_where_compose_refuses_the_files_nobody_can_tell_who_is_a_stranger() -> None:
    assert not told(make_plan(shared(facts({"compose_says": "yaml: line 3"}), *others())))


def test_their_data_in_difys_folder_are_no_part_of_its_configuration() -> None:
    data = Mount(kind="bind", source=f"{FOLDER}/rag", target="/var/lib/mysql", size=40_000_000_000)
    plan = make_plan(shared(facts({}), replace(container("ragdb", "mysql:8.0.39"), mounts=(data,))))
    assert "--exclude=./rag" in plan.script
    assert not plan.stopping


def test_a_database_in_a_file_of_its_own_is_not_moved_into_difys() -> None:
    given = shared(facts({}), container("pg", "postgres:15-alpine"))
    found = given.machine.database
    assert found is not None
    database = replace(found, service="pg", host="pg", container="id-of-pg")
    plan = make_plan(replace(given, machine=replace(given.machine, database=database)))
    assert "database-lost" in [each.rule for each in plan.stopping]
    assert "move-database" not in [step.name for step in plan.steps]
    assert "remove_old" not in plan.steps[-1].do


def gone_back(machine: Machine, *manifests: Mapping[str, Any]) -> ServerPlan:
    """Return the plan that goes back to the first of these backups."""
    made = tuple(
        Backup(id=f"b{number}", folder=f"/srv/b{number}", epoch=number, complete=True, manifest=manifest)
        for number, manifest in enumerate(manifests)
    )
    wanted = RestoreFacts(
        machine=replace(machine, backups=made), installed=Version.parse("1.14.1"), backup=made[0], wishes=Wishes()
    )
    return make_restore_plan(wanted)


def manifest(given: ServerFacts) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(bytes(make_plan(given).delivered[".manifest.json"]))  # type: ignore[arg-type]
    return found


AFTER: dict[str, Any] = {"installed": "1.14.1", "heads": ["a4f2d8c9b731"]}
PROBE = {"probe": {"image": "busybox:1"}}


def test_going_back_leaves_them_alone_and_takes_away_what_upgrades_have_brought() -> None:
    upgraded = shared(facts(CROSSING), *others())
    brought = facts({"installed": "1.13.3", "beside": PROBE})
    machine = among(facts(AFTER).machine, container("probe", "busybox:1"), *others())
    plan = gone_back(machine, manifest(upgraded), manifest(brought))
    steps = {step.name: step for step in plan.steps}
    assert not [name for name in OTHERS if f"id-of-{name}" in plan.script or f" {name}" in steps["tidy"].do]
    assert told(plan)[0].endswith(": edge, elastic, ragdb, tunnel.")
    assert "id-of-probe" in steps["stop"].do
    assert "remove_old db_postgres probe" in steps["tidy"].do


def test_a_service_that_no_upgrade_brought_is_nobody_to_take_away() -> None:
    plan = gone_back(among(facts(AFTER).machine, container("probe", "busybox:1")), manifest(facts(CROSSING)))
    assert "id-of-probe" not in plan.script
    assert told(plan)[0].endswith(": probe.")
