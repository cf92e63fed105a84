"""What going back does with the stores beside the database, whose data an older image may be unable to read."""

from __future__ import annotations

from dataclasses import replace

from difyaction.compose.facts import Backup
from tests.unit.compose.backups import (
    NEW,
    OLD,
    SAME_SCHEMA,
    back,
    done,
    made,
    objection,
    of_run,
    standing,
    two_upgrades,
    undone,
    weaviate,
)
from tests.unit.compose.machines import FOLDER

SOURCE = f"{FOLDER}/volumes/weaviate"


def of_a_quick_upgrade() -> Backup:
    """Return the backup of an upgrade that changed neither schema nor stores; somebody moves Weaviate on since."""
    return made(1, *SAME_SCHEMA, **weaviate(OLD), upstream={"daemon": "0.5.3-local", "weaviate": OLD})


def test_where_only_a_store_gets_an_older_image_the_databases_stay_and_an_undo_has_both_of_one_moment() -> None:
    _, new = SAME_SCHEMA
    plan = back(standing(new, **weaviate(NEW)), new, of_a_quick_upgrade(), given=("store-not-saved@b1",))
    assert plan.stopping == ()
    names = [step.name for step in plan.steps]
    assert names.index("stop") < names.index("final-backup") < names.index("save-volumes") < names.index("restore")
    assert done(plan)["restore"] == "nobody_writes"
    assert "undo_migration" in undone(plan)["restore"]
    assert f'unpack {SOURCE} "$BACKUP/weaviate-0.tar"' in undone(plan)["save-volumes"]
    assert "migrate" not in names


def test_a_newer_store_is_not_started_again_on_what_an_older_one_worked_on_with_users() -> None:
    _, new = SAME_SCHEMA
    plan = back(standing(new, **weaviate(NEW)), new, of_a_quick_upgrade())
    assert undone(plan)["open"].startswith("serve_on ")
    assert "went-back" not in undone(plan)["open"]


def test_whoever_goes_forward_again_gets_store_and_databases_of_then() -> None:
    old, new = SAME_SCHEMA
    quick = of_a_quick_upgrade()
    made_now = of_run(back(standing(new, **weaviate(NEW)), new, quick), 2)
    assert (made_now.manifest["volumes"], made_now.manifest["schema-changes"]) == ({"weaviate-0": SOURCE}, True)
    plan = back(standing(old, **weaviate(OLD)), old, made_now, quick)
    assert f"read_back {SOURCE} /srv/backups/b2/weaviate-0.tar" in done(plan)["restore"]
    assert "read_databases_back /srv/backups/b2" in done(plan)["restore"]
    assert [each.rule for each in plan.stopping] == ["lose-writes"]


def test_copies_are_read_back_whatever_is_said_of_the_schema() -> None:
    _, new = SAME_SCHEMA
    quick = of_a_quick_upgrade()
    odd = replace(quick, manifest={**quick.manifest, "volumes": {"weaviate-0": SOURCE}})
    plan = back(standing(new, **weaviate(NEW)), new, odd)
    assert f"read_back {SOURCE} /srv/backups/b1/weaviate-0.tar" in done(plan)["restore"]


def test_another_name_of_the_same_image_is_no_other_store_and_no_other_plugin_daemon() -> None:
    old, new = SAME_SCHEMA
    quick = made(1, old, new, upstream={"daemon": "0.5.3-local"}, **weaviate(NEW))
    mirror = {"langgenius/dify-plugin-daemon": "mirror.example/daemon"}
    for image in (f"mirror.example/{NEW}", f"{NEW}@sha256:{'a' * 64}"):
        there = standing(new, mirrored=mirror, wishes={"image_map": mirror}, **weaviate(image))
        plan = back(there, new, quick, image_map=mirror)
        assert (plan.stopping, "restore" in done(plan), "save-volumes" in done(plan)) == ((), False, False)
    for image in (f"mirror.example/{OLD}", "mirror.example/own/weaviate:1.27.0"):
        assert "weaviate (" in objection(back(standing(new, **weaviate(image)), new, quick), "store-not-saved")


def test_a_store_whose_data_were_moved_since_has_no_copy() -> None:
    _, second = two_upgrades()
    elsewhere = {"kind": "bind", "source": "/data2/weaviate", "target": "/var/lib/weaviate"}
    moved_on = standing("1.9.2", running={"weaviate": NEW}, containers={"weaviate": {"mounts": [elsewhere]}})
    plan = back(moved_on, "1.9.2", second)
    assert f"weaviate ({NEW} -> {OLD})" in objection(plan, "store-not-saved")
    assert done(plan)["save-volumes"] == 'pack /data2/weaviate "$BACKUP/weaviate-0.tar"'
    assert "read_back" not in done(plan)["restore"]


def test_a_store_that_nothing_runs_now_is_named_where_a_later_upgrade_rewrote_its_data() -> None:
    first, second = two_upgrades()
    plan = back(standing("1.9.2", running={"weaviate": NEW}, absent=["weaviate"]), "1.9.2", first, second)
    assert f"weaviate ((none) -> {OLD})" in objection(plan, "store-not-saved")
    assert done(plan)["save-volumes"] == f'pack {SOURCE} "$BACKUP/weaviate-0.tar"'
    held = back(standing("1.9.2", running={"weaviate": NEW}, absent=["weaviate"]), "1.9.2", second, first)
    assert [each.rule for each in held.stopping] == ["lose-writes"]


def test_newer_backups_are_named_only_where_they_have_a_copy() -> None:
    first, second = two_upgrades()
    there = back(standing("1.9.2", **weaviate(NEW)), "1.9.2", first, second)
    assert "Go back to newer backups first, which have copies: b2." in objection(there, "store-not-saved")
    _, new = SAME_SCHEMA
    alone = back(standing(new, **weaviate(NEW)), new, of_a_quick_upgrade())
    assert "newer backups" not in objection(alone, "store-not-saved")
