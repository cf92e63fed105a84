"""Backups of upgrades and of ways back, and the plans that go back to them, for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from difyaction.compose.facts import Backup, Machine
from difyaction.compose.restore_plan import RestoreFacts, make_restore_plan
from difyaction.compose.server_plan import ServerPlan, make_plan
from difyaction.compose.wishes import Wishes
from difyaction.releases.heads import head_of
from difyaction.releases.version import Version
from tests.unit.compose.machines import FOLDER, facts

DATA = {"kind": "bind", "source": f"{FOLDER}/volumes/weaviate", "target": "/var/lib/weaviate"}
OLD, NEW = "semitechnologies/weaviate:1.19.0", "semitechnologies/weaviate:1.27.0"
SAME_SCHEMA = ("1.13.2", "1.13.3")


def standing(version: str, **changes: object) -> Machine:
    """Return a machine that runs a release, with its schema."""
    found = {"installed": version, "heads": [head_of(Version.parse(version))], **changes}
    return facts(found).machine


def made(number: int, before: str, after: str, **changes: object) -> Backup:
    """Return the backup of an upgrade; the number is its time."""
    wanted = {"installed": before, "wanted": after, "heads": [head_of(Version.parse(before))], **changes}
    manifest = json.loads(bytes(make_plan(facts(wanted)).delivered[".manifest.json"]))  # type: ignore[arg-type]
    return kept(f"b{number}", number, manifest)


def kept(name: str, epoch: int, manifest: Mapping[str, object]) -> Backup:
    manifest = {**manifest, "id": name, "epoch": epoch}
    return Backup(id=name, folder=f"/srv/backups/{name}", epoch=epoch, complete=True, manifest=manifest)


def back(
    machine: Machine,
    installed: str,
    to: Backup,
    *others: Backup,
    given: tuple[str, ...] = (),
    image_map: Mapping[str, str] | None = None,
) -> ServerPlan:
    """Return the plan that goes back to one of the backups."""
    machine = replace(machine, backups=tuple(sorted((to, *others), key=lambda each: each.epoch)))
    wishes = Wishes(acknowledge=given, image_map=image_map or {})
    wanted = RestoreFacts(machine=machine, installed=Version.parse(installed), backup=to, wishes=wishes)
    return make_restore_plan(wanted)


def done(plan: ServerPlan) -> dict[str, str]:
    return {step.name: step.do for step in plan.steps}


def moved(plan: ServerPlan) -> list[str]:
    """Return what happens to single files, in order."""
    lines = done(plan)["switch"].splitlines()
    return [line for line in lines if line.startswith(("switch_file_back ", "take_away "))]


def weaviate(image: str) -> dict[str, object]:
    return {"running": {"weaviate": image}, "containers": {"weaviate": {"mounts": [DATA]}}}


def two_upgrades() -> tuple[Backup, Backup]:
    """Return the backups of 1.8.1 -> 1.9.1 and of 1.9.1 -> 1.9.2, which brings another Weaviate."""
    first = made(1, "1.8.1", "1.9.1", **weaviate(OLD), upstream={"weaviate": OLD})
    return first, made(2, "1.9.1", "1.9.2", **weaviate(OLD), upstream={"weaviate": NEW})


def of_run(plan: ServerPlan, number: int) -> Backup:
    """Return the backup that the run of a plan makes; the number is its time."""
    return kept(f"b{number}", number, json.loads(bytes(plan.delivered[".manifest.json"])))  # type: ignore[arg-type]


def undone(plan: ServerPlan) -> dict[str, str]:
    return {step.name: step.undo for step in plan.steps}


def objection(plan: ServerPlan, rule: str) -> str:
    (found,) = (each for each in plan.stopping if each.rule == rule)
    return found.text.format(**found.facts)
