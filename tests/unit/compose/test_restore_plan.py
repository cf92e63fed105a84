from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from difyaction.compose.facts import Backup, Machine
from difyaction.compose.restore_plan import RestoreFacts, make_restore_plan
from difyaction.compose.server_plan import make_plan
from difyaction.compose.ways_back import chosen
from difyaction.compose.wishes import Wishes
from difyaction.errors import Failed
from difyaction.releases.heads import head_of
from difyaction.releases.version import Version
from difyaction.report import plan_json
from tests.published import valid
from tests.unit.compose.backups import (
    NEW,
    OLD,
    SAME_SCHEMA,
    back,
    done,
    made,
    objection,
    standing,
    two_upgrades,
    weaviate,
)
from tests.unit.compose.machines import FOLDER, facts

NOW = Version.parse("1.14.1")
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
    assert "serve_again 600 nginx " in steps["stop"].undo


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
    assert chosen(replace(machine, backups=(backup, half)), "", NOW) == backup


def test_the_last_backup_of_this_dify_is_meant_although_another_on_the_host_made_one_since() -> None:
    machine, backup = after_an_upgrade()
    other = replace(backup, id="z", manifest={**backup.manifest, "folder": "/srv/prod/docker"})
    assert chosen(replace(machine, backups=(backup, other)), "", NOW) == backup
    with pytest.raises(Failed) as caught:
        chosen(replace(machine, backups=(other,)), "", NOW)
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
        chosen(replace(machine, backups=(half, backup, moved)), name, NOW)
    assert caught.value.id == error


def test_a_manifest_cannot_name_files_outside_of_the_folder() -> None:
    machine, backup = after_an_upgrade()
    evil = replace(backup, manifest={**backup.manifest, "files": ["../../etc/passwd", "/etc/passwd", ".env"]})
    made = make_restore_plan(
        RestoreFacts(machine=machine, installed=Version.parse("1.14.1"), backup=evil, wishes=Wishes())
    )
    assert "passwd" not in made.script


def test_a_store_that_was_rewritten_since_is_named_where_the_backup_has_no_copy_of_it() -> None:
    first, second = two_upgrades()
    plan = back(standing("1.9.2", **weaviate(NEW)), "1.9.2", first, second)
    assert f"weaviate ({NEW} -> {OLD})" in objection(plan, "store-not-saved")
    steps = {step.name: step for step in plan.steps}
    source = f"{FOLDER}/volumes/weaviate"
    assert steps["save-volumes"].do == f'pack {source} "$BACKUP/weaviate-0.tar"'
    assert f'unpack {source} "$BACKUP/weaviate-0.tar"' in steps["save-volumes"].undo
    assert "read_back" not in steps["restore"].do
    assert json.loads(bytes(plan.delivered[".manifest.json"]))["volumes"] == {"weaviate-0": source}  # type: ignore[arg-type]


def test_a_store_of_which_the_backup_has_a_copy_is_read_back_and_not_named() -> None:
    first, second = two_upgrades()
    plan = back(standing("1.9.2", **weaviate(NEW)), "1.9.2", second, first)
    assert f"read_back {FOLDER}/volumes/weaviate /srv/backups/b2/weaviate-0.tar" in done(plan)["restore"]
    assert "store-not-saved" not in [each.rule for each in plan.objections]


def test_a_store_without_data_of_its_own_may_get_its_image_back() -> None:
    first, second = two_upgrades()
    plan = back(standing("1.9.2", running={"weaviate": NEW}), "1.9.2", first, second)
    assert "store-not-saved" not in [each.rule for each in plan.objections]


def test_etcd_and_minio_are_saved_with_a_milvus_of_which_no_copy_is() -> None:
    def milvus(tag: str) -> dict[str, object]:
        where = {"etcd": "/etcd", "minio": "/minio_data", "milvus": "/var/lib/milvus"}
        images = {"etcd": "quay.io/coreos/etcd:v3.5.5", "minio": "minio/minio:1", "milvus": f"milvusdb/milvus:{tag}"}
        data = {name: {"kind": "volume", "source": f"docker_{name}", "target": at} for name, at in where.items()}
        return {
            "beside": {name: {"image": image} for name, image in images.items()},
            "containers": {name: {"mounts": [mount]} for name, mount in data.items()},
        }

    plan = back(standing("1.9.2", **milvus("v2.5.15")), "1.9.2", made(1, "1.9.1", "1.9.2", **milvus("v2.3.1")))
    assert "milvus (milvusdb/milvus:v2.5.15 -> milvusdb/milvus:v2.3.1)." in objection(plan, "store-not-saved")
    saved = done(plan)["save-volumes"]
    assert sorted(line.split()[1] for line in saved.splitlines()) == ["docker_etcd", "docker_milvus", "docker_minio"]
    assert done(plan)["stop"].endswith("id-of-milvus 'id-of-etcd id-of-minio'")


def test_the_databases_are_read_back_whatever_was_planned_once_their_schema_is_another_one() -> None:
    old, new = SAME_SCHEMA
    quick = made(1, old, new, upstream={"daemon": "0.5.3-local"})
    assert quick.manifest["schema-changes"] is False
    as_it_was = back(standing(new), new, quick)
    assert (as_it_was.stopping, "restore" in done(as_it_was)) == ((), False)
    for heads in ([], ["f00dfeed0001"], [head_of(Version.parse(new)), "f00dfeed0001"]):
        plan = back(standing(new, heads=heads), new, quick)
        assert [each.rule for each in plan.stopping] == ["lose-writes"]
        assert {"final-backup", "restore"} <= done(plan).keys()
        assert "migrate" not in done(plan)


def test_they_are_read_back_where_another_plugin_daemon_may_have_migrated_its_own() -> None:
    old, new = SAME_SCHEMA
    quick = made(1, old, new)
    plan = back(standing(new, running={"daemon": "0.6.0-local"}), new, quick)
    assert [each.rule for each in plan.stopping] == ["lose-writes"]
    assert back(standing(new, absent=["plugin_daemon"]), new, quick).stopping == ()


def test_a_backup_that_does_not_know_its_schema_says_itself_whether_it_has_to_be_read_back() -> None:
    old, new = SAME_SCHEMA
    quick = made(1, old, new)
    unknown = replace(quick, manifest={**quick.manifest, "head": ""})
    assert back(standing(new, heads=["f00dfeed0001"]), new, unknown).stopping == ()


def test_an_undone_way_back_puts_peoples_edits_of_a_checkout_back() -> None:
    edited = ["docker-compose.yaml", "nginx/nginx.conf.template", "gone.py"]
    there = standing("1.14.1", checkout={"tracked": edited, "edited": edited, "deleted": ["gone.py"]})
    backup = made(1, "1.13.3", "1.14.1", checkout={})
    backup = replace(backup, manifest={**backup.manifest, "files": ["docker-compose.yaml"]})
    plan = back(there, "1.14.1", backup)
    undo = next(step.undo for step in plan.steps if step.name == "switch").splitlines()
    assert "put_back nginx/nginx.conf.template || exit 1" in undo
    assert "take_away gone.py || exit 1" in undo
    assert "switch_file_back nginx/nginx.conf.template" not in done(plan)["switch"]
    assert "may_write docker-compose.yaml nginx/nginx.conf.template" in done(plan)["check"]
    (told,) = plan.remarks
    assert told.endswith("edits.diff: gone.py, nginx/nginx.conf.template.")


def test_edits_of_a_checkout_that_nobody_puts_back_stand_in_the_way_of_going_back_too() -> None:
    checkout = {"edited": ["fonts/large.ttc"], "outside": ["api/app.py"]}
    given = ("edited-outside@1.13.3", "lose-writes@b1")
    plan = back(standing("1.14.1", checkout=checkout), "1.14.1", made(1, "1.13.3", "1.14.1", checkout={}), given=given)
    assert "api/app.py, fonts/large.ttc. They would be lost" in objection(plan, "edited-outside")


def test_where_the_release_stays_it_is_said_that_only_writes_go() -> None:
    backup = made(1, "1.13.3", "1.14.1")
    said = objection(back(standing("1.13.3", heads=["f00dfeed0001"]), "1.13.3", backup), "lose-writes")
    assert "with Dify 1.13.3, which runs: the release stays" in said
    assert "stays" not in objection(back(standing("1.14.1"), "1.14.1", backup), "lose-writes")
