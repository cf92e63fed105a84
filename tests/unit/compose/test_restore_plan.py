from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from difyaction.compose.facts import Backup, Machine
from difyaction.compose.restore_plan import RestoreFacts, chosen, make_restore_plan
from difyaction.compose.server_plan import make_plan
from difyaction.compose.wishes import Wishes
from difyaction.errors import Failed
from difyaction.releases.version import Version
from difyaction.report import plan_json
from tests.published import valid
from tests.unit.compose.machines import facts

SHELLCHECK = Path(sys.executable).with_name("shellcheck")


def after_an_upgrade(**changes: object) -> tuple[Machine, Backup]:
    """Return the machine as the upgrade left it, with the backup that the upgrade made."""
    upgrade = make_plan(facts({"installed": "1.10.0", "heads": ["669ffd70119c"], **changes}))
    manifest = json.loads(bytes(upgrade.delivered[".manifest.json"]))  # type: ignore[arg-type]
    machine = facts({"installed": "1.14.1", "heads": ["a4f2d8c9b731"]}).machine
    name = manifest["id"]
    backup = Backup(id=name, folder=f"/srv/backups/{name}", complete=True, manifest=manifest)
    return replace(machine, backups=(backup,)), backup


def plan(acknowledge: tuple[str, ...] = ()) -> object:
    machine, backup = after_an_upgrade()
    wishes = Wishes(acknowledge=acknowledge)
    return make_restore_plan(
        RestoreFacts(machine=machine, installed=Version.parse("1.14.1"), backup=backup, wishes=wishes)
    )


def test_losing_what_was_written_since_needs_consent_for_that_backup() -> None:
    _, backup = after_an_upgrade()
    assert [objection.rule for objection in plan().stopping] == ["lose-writes"]  # type: ignore[attr-defined]
    assert plan((f"lose-writes@{backup.id}",)).stopping == ()  # type: ignore[attr-defined]


def test_on_the_way_back_another_nginx_is_no_proxy_either() -> None:
    docs = {"beside": {"docs": {"image": "nginx:1.27-alpine"}}, "containers": {"docs": {}}}
    _, backup = after_an_upgrade(**docs)
    there = facts({"installed": "1.14.1", "heads": ["a4f2d8c9b731"], **docs}).machine
    back = RestoreFacts(machine=there, installed=Version.parse("1.14.1"), backup=backup, wishes=Wishes())
    steps = {step.name: step for step in make_restore_plan(back).steps}
    assert steps["open"].do == "open_proxy nginx"
    assert "start_services docs worker_beat" in steps["watch"].do
    assert "serve_again nginx " in steps["stop"].undo


def test_what_is_there_is_saved_before_it_is_replaced() -> None:
    names = [step.name for step in plan().steps]  # type: ignore[attr-defined]
    assert names.index("dump") < names.index("stop") < names.index("final-backup") < names.index("restore")
    assert names.index("move-database") < names.index("restore") < names.index("verify") < names.index("open")
    assert not {"migrate", "fetch-tag"} & set(names)


def test_the_old_images_and_the_old_database_service_come_back() -> None:
    steps = {step.name: step for step in plan().steps}  # type: ignore[attr-defined]
    assert "pull_image langgenius/dify-api:1.10.0" in steps["pull"].do
    assert steps["move-database"].do == "move_database id-of-db_postgres db"


def test_rows_are_proven_before_anything_runs_that_could_write_more() -> None:
    steps = {step.name: step for step in plan().steps}  # type: ignore[attr-defined]
    assert steps["restore"].do.splitlines()[-1].startswith("prove_rows_of /srv/backups/")
    assert not [name for name, step in steps.items() if name != "restore" and "prove_rows" in step.do]


def test_what_the_upgrade_left_alone_because_it_had_ended_is_left_alone_on_the_way_back() -> None:
    ended = {"state": "exited", "exit_code": 0}
    job = {"beside": {"buckets": {"image": "minio/mc:1"}}, "containers": {"buckets": ended}}
    _, backup = after_an_upgrade(**job)
    machine = facts({"installed": "1.14.1", "heads": ["a4f2d8c9b731"], **job}).machine
    back = make_restore_plan(
        RestoreFacts(machine=machine, installed=Version.parse("1.14.1"), backup=backup, wishes=Wishes())
    )
    told = {step.name: step.do for step in back.steps}
    assert "buckets" not in told["start"] + told["verify"]
    assert "run_once init_permissions" in told["start"]


def test_what_later_steps_are_told_of_it_is_as_published() -> None:
    assert valid("plan", plan_json(plan()))["changes"]  # type: ignore[arg-type]


def test_the_script_passes_shellcheck() -> None:
    command = [str(SHELLCHECK), "-s", "sh", "-"]
    script = plan().script  # type: ignore[attr-defined]
    assert subprocess.run(command, input=script.encode(), capture_output=True, check=False).stdout.decode() == ""


def test_the_last_whole_backup_is_meant_when_none_is_named() -> None:
    machine, backup = after_an_upgrade()
    half = Backup(id="z", folder="/srv/backups/z", complete=False)
    assert chosen(replace(machine, backups=(backup, half)), "") == backup


def test_the_last_backup_of_this_dify_is_meant_although_another_on_the_host_made_one_since() -> None:
    machine, backup = after_an_upgrade()
    other = replace(backup, id="z", manifest={**backup.manifest, "folder": "/srv/prod/docker"})
    assert chosen(replace(machine, backups=(backup, other)), "") == backup
    with pytest.raises(Failed) as caught:
        chosen(replace(machine, backups=(other,)), "")
    assert caught.value.id == "backup-unknown"


def test_keys_are_saved_on_the_way_back_too() -> None:
    saved = next(step.do for step in plan().steps if step.name == "save-files")  # type: ignore[attr-defined]
    assert "save_keys /opt/dify/docker/volumes/app/storage" in saved


@pytest.mark.parametrize(
    ("name", "error"), [("other", "backup-unknown"), ("half", "backup-incomplete"), ("moved", "backup-elsewhere")]
)
def test_a_backup_that_cannot_be_gone_back_to_is_refused(name: str, error: str) -> None:
    machine, backup = after_an_upgrade()
    half = Backup(id="half", folder="/srv/backups/half", complete=False)
    moved = replace(backup, id="moved", manifest={**backup.manifest, "folder": "/srv/dify"})
    with pytest.raises(Failed) as caught:
        chosen(replace(machine, backups=(half, backup, moved)), name)
    assert caught.value.id == error


def test_a_manifest_cannot_name_files_outside_of_the_folder() -> None:
    machine, backup = after_an_upgrade()
    evil = replace(backup, manifest={**backup.manifest, "files": ["../../etc/passwd", "/etc/passwd", ".env"]})
    made = make_restore_plan(
        RestoreFacts(machine=machine, installed=Version.parse("1.14.1"), backup=evil, wishes=Wishes())
    )
    assert "passwd" not in made.script
