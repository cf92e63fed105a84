from __future__ import annotations

import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from difyaction.compose.facts import Mount
from difyaction.compose.folder import folder_size
from difyaction.compose.server_plan import make_plan
from difyaction.secret import Secret
from tests.unit.compose.machines import FOLDER, GIB, compose_text, facts

SHELLCHECK = Path(sys.executable).with_name("shellcheck")
GIT = {"checkout": {"edited": ["docker-compose.yaml"]}}
OLD = {"installed": "1.9.2", "wanted": "1.14.1", "heads": ["ae662b25d9bc"]}
DUMPED = {"wishes": {"final_backup": "dump", "max_downtime": 600}}
ENDED = {"state": "exited", "exit_code": 0}
SMALL: dict[str, object] = {"database": {"sizes": {"dify": 100_000_000}}}
HUGE: dict[str, dict[str, object]] = {"database": {"sizes": {"dify": 30 * GIB, "dify_plugin": 10_000_000}}}
SAME_SCHEMA = {"installed": "1.13.1", "wanted": "1.13.3", "upstream": {"daemon": "0.5.3-local"}}


def names(changes: dict[str, object]) -> list[str]:
    return [step.name for step in make_plan(facts(changes)).steps]


def before(earlier: str, later: str, among: list[str]) -> bool:
    return among.index(earlier) < among.index(later)


def test_everything_is_fetched_saved_and_proved_before_anything_stops() -> None:
    steps = names({})
    for early in ("pull", "read-head", "dump", "test", "dump-plugins", "test-plugins", "save-files", "seal"):
        assert before(early, "drain", steps)
    assert steps.index("stop") < steps.index("final-backup") < steps.index("switch") < steps.index("migrate")
    assert steps[-4:] == ["verify", "open", "watch", "tidy"]


@pytest.mark.parametrize("changes", [{}, SAME_SCHEMA], ids=["schema changes", "same schema"])
def test_disks_are_waited_for_once_nobody_writes_and_before_anything_changes(changes: dict[str, object]) -> None:
    steps = names(changes | {"wishes": {"final_backup": "snapshot"}})
    assert steps[steps.index("stop") + 1] == "snapshot"
    assert "snapshot" not in names(changes)


def test_what_comes_before_the_stop_changes_nothing_that_users_rely_on() -> None:
    plan = make_plan(facts({}))
    stop = [step.name for step in plan.steps].index("drain")
    assert not any(step.changes_service for step in plan.steps[:stop])


def test_the_proxy_opens_after_everything_that_could_lead_to_a_restore() -> None:
    plan = make_plan(facts({}))
    assert [step.name for step in plan.steps if step.no_return] == ["open"]
    assert not plan.steps[-1].undo
    assert not plan.steps[-2].undo
    assert plan.steps[-3].undo.startswith("serve_on 600 nginx ")


def test_where_the_schema_stays_nothing_is_migrated_and_images_may_still_go_back() -> None:
    plan = make_plan(facts(SAME_SCHEMA))
    steps = {step.name: step for step in plan.steps}
    assert not {"final-backup", "migrate", "restore"} & set(steps)
    assert "went-back" in steps["open"].undo


def test_where_a_stores_files_move_alone_the_databases_go_back_with_them() -> None:
    stored = [{"kind": "volume", "source": "vectors", "target": "/var/lib/weaviate", "size": 5}]
    moved = {
        "running": {"weaviate": "semitechnologies/weaviate:1.26.0"},
        "containers": {"weaviate": {"mounts": stored}},
    }
    plan = make_plan(facts(SAME_SCHEMA | moved))
    steps = {step.name: step for step in plan.steps}
    assert {"final-backup", "save-volumes", "migrate"} <= set(steps)
    assert "went-back" not in steps["open"].undo
    assert str(plan.delivered[".manifest.json"]).count('"schema-changes": true') == 1


def test_rows_are_proven_before_anything_runs_that_could_write_or_delete_some() -> None:
    steps = {step.name: step for step in make_plan(facts(OLD)).steps}
    assert steps["migrate"].do.splitlines()[-1] == "prove_rows rows-lost@1.14.1 tenant_default_models"
    assert before("migrate", "start", list(steps))
    assert not [name for name, step in steps.items() if name != "migrate" and "prove_rows" in step.do]


def test_a_loss_of_rows_is_accepted_for_one_release() -> None:
    for word, asked in (("rows-lost@1.14.1", "''"), ("rows-lost@1.14.0", "rows-lost@1.14.1")):
        steps = {step.name: step for step in make_plan(facts(OLD | {"wishes": {"acknowledge": [word]}})).steps}
        assert f"prove_rows {asked} " in steps["migrate"].do


def test_what_the_new_release_wrote_is_no_loss_where_no_database_is_put_back() -> None:
    undo = {step.name: step.undo for step in make_plan(facts(SAME_SCHEMA)).steps}["start"]
    assert undo.startswith('[ ! -e "$RUN/started" ] || rm -f "$RUN/fingerprint"\nstop_new ')
    assert "fingerprint" not in {step.name: step.undo for step in make_plan(facts({})).steps}["start"]


def test_a_renamed_database_moves_before_the_migration_and_its_old_container_goes_last() -> None:
    plan = make_plan(facts(OLD))
    steps = {step.name: step for step in plan.steps}
    assert before("move-database", "migrate", list(steps))
    assert steps["move-database"].do == "move_database id-of-db db_postgres"
    assert steps["tidy"].do.startswith("restart_what_runs\nremove_old db\n")


def test_a_checkout_fetches_its_tag_early_and_gets_their_edits_back_on_top() -> None:
    plan = make_plan(facts(GIT))
    steps = {step.name: step for step in plan.steps}
    assert before("fetch-tag", "drain", list(steps))
    assert steps["switch"].do.splitlines()[:2] == ["from_here switched", "checkout_commit"]
    assert "switch_file docker-compose.yaml 644" in steps["switch"].do


def test_what_people_committed_to_a_checkout_is_put_on_top_like_their_edits() -> None:
    own = {
        "nginx/conf.d/own.conf": "mine",
        "docker-compose.override.yaml": "services: {}\n",
        "notes": "never committed",
    }
    checkout = {
        "tracked": [*own, "docker-compose.yaml"],
        "deleted": ["certbot/README.md"],
        "edited": ["certbot/README.md"],
    }
    checkout["tracked"].remove("notes")
    plan = make_plan(facts({"files": own, "checkout": checkout}))
    steps = {step.name: step for step in plan.steps}
    written = [line for line in steps["switch"].do.splitlines() if "own" in line or "override" in line]
    assert written == ["switch_file docker-compose.override.yaml 644", "switch_file nginx/conf.d/own.conf 644"]
    assert {"docker-compose.override.yaml", "nginx/conf.d/own.conf"} <= set(plan.delivered)
    assert "take_away certbot/README.md" in steps["switch"].do
    assert "take_away certbot/README.md || exit 1" in steps["switch"].undo
    assert "notes" not in steps["switch"].do + steps["switch"].undo
    assert "put_back nginx/conf.d/own.conf || exit 1\n" in steps["switch"].undo


def test_a_file_that_git_only_forgets_is_not_taken_away() -> None:
    checkout = {"edited": ["docker-compose.yaml"], "deleted": ["docker-compose.yaml"]}
    steps = {step.name: step for step in make_plan(facts({"checkout": checkout})).steps}
    assert "put_back docker-compose.yaml || exit 1" in steps["switch"].undo
    assert "take_away docker-compose.yaml" not in steps["switch"].do + steps["switch"].undo


def test_a_file_of_theirs_that_was_too_large_to_be_brought_is_not_taken_away_without_a_word() -> None:
    plan = make_plan(facts({"checkout": {"tracked": ["docker-compose.yaml", "fonts/NotoSansCJK.ttc"]}}))
    (found,) = (objection for objection in plan.objections if objection.rule == "edited-outside")
    assert found.facts["files"] == "fonts/NotoSansCJK.ttc"


def test_a_committed_file_in_a_folder_of_data_is_saved_by_name() -> None:
    override = "services:\n  api:\n    volumes:\n      - ./data/storage:/app/api/storage\n"
    own = {"docker-compose.override.yaml": override, "data/storage/.gitkeep": "mine"}
    found = facts({"files": own, "checkout": {"tracked": list(own)}})
    mounted = (Mount(source=f"{found.machine.install.folder}/data/storage", target="/app/api/storage", kind="bind"),)
    containers = tuple(replace(c, mounts=mounted) if c.service == "api" else c for c in found.machine.containers)
    plan = make_plan(replace(found, machine=replace(found.machine, containers=containers)))
    saved = next(step.do for step in plan.steps if step.name == "save-files")
    assert "--exclude=./data/storage" in saved
    assert "./data/storage/.gitkeep" in saved.partition("named.tar")[2].splitlines()[0]


def test_files_below_volumes_are_saved_by_name_and_new_ones_are_taken_away_again() -> None:
    conf = "volumes/sandbox/conf/config.yaml"
    ships = {"new": b"brought", conf: b"new"}
    plan = make_plan(facts({"files": {conf: "old"}, "shipped": {conf: b"old"}, "ships": ships}))
    steps = {step.name: step for step in plan.steps}
    assert f'pack_named "$BACKUP/named.tar" ./{conf}\n' in steps["save-files"].do
    assert "is_absent new\n" in steps["check"].do
    assert f"put_back {conf} || exit 1\n" in steps["switch"].undo
    assert "take_away new || exit 1\n" in steps["switch"].undo


def test_what_a_dump_takes_is_held_against_what_is_allowed_once_it_is_known() -> None:
    assert "estimate" in names(DUMPED)
    assert "estimate" not in names(SMALL)


def test_what_a_copy_of_a_large_database_takes_is_told_by_the_first_dump_too() -> None:
    plan = make_plan(facts(HUGE))
    (hold,) = (step.do for step in plan.steps if step.name == "estimate")
    assert hold == "hold_estimate 135 600 6 150000000", "no size, which is another one once the plan is approved"
    assert "estimated again" in next(each.text for each in plan.documents if each.title == "Estimates")
    assert "estimate" not in names({**HUGE, "wishes": {"max_downtime": 0}})


@pytest.mark.parametrize(
    ("changes", "how"),
    [
        (SMALL, "clone_databases _before_upgrade"),
        (HUGE, "clone_databases _before_upgrade FILE_COPY"),
        ({"database": {**HUGE["database"], "server": "14.12"}}, "clone_databases _before_upgrade"),
        ({"database": {**HUGE["database"], "server": "17.0"}}, "clone_databases _before_upgrade FILE_COPY"),
    ],
    ids=["small", "large", "large and old", "large and new"],
)
def test_a_large_database_is_copied_without_its_pages_in_the_log(changes: dict[str, object], how: str) -> None:
    final = next(step for step in make_plan(facts(changes)).steps if step.name == "final-backup")
    assert final.do == f"nobody_writes\n{how}"


@pytest.mark.parametrize("final", ["clone", "dump"])
def test_the_last_backup_ends_when_it_takes_all_of_the_time_that_is_allowed(final: str) -> None:
    for most, timeout in ((300, 300), (0, None)):
        plan = make_plan(facts({"wishes": {"final_backup": final, "max_downtime": most}, **SMALL}))
        assert [step.timeout for step in plan.steps if step.name == "final-backup"] == [timeout]


def test_volumes_that_are_saved_with_users_away_count_as_time_without_service() -> None:
    def downtime(size: int) -> int:
        stored = [{"kind": "volume", "source": "vectors", "target": "/var/lib/weaviate", "size": size}]
        changes = {
            "running": {"weaviate": "semitechnologies/weaviate:1.26.0"},
            "containers": {"weaviate": {"mounts": stored}},
        }
        told = next(each.text for each in make_plan(facts(changes)).documents if each.title == "Estimates")
        return int(told.partition("without service: about ")[2].split()[0])

    assert downtime(5_000_000_000) - downtime(0) == 50


def estimated(changes: dict[str, object]) -> str:
    return next(each.text for each in make_plan(facts(changes)).documents if each.title == "Estimates")


def test_what_of_the_time_without_service_is_a_guess_is_told_as_one() -> None:
    lines = estimated({}).splitlines()
    assert "of it guessed: 30 s to migrate the database; large tables take longer" in lines
    assert "before that: up to 60 s in which workers take nothing new" in lines
    assert "before that" not in estimated({"wishes": {"drain_timeout": 0}})
    assert "guessed" not in estimated(SAME_SCHEMA)


def test_what_upstream_asks_for_by_hand_counts_and_still_fits_into_what_is_allowed() -> None:
    far = {"installed": "0.15.8", "wanted": "1.14.1", "heads": ["a91b476a53de"]}
    text = estimated(far)
    for guess in (
        "300 s to turn tools and model providers into plugins",
        "30 s to move the credentials of data sources",
        "30 s to give the storage to another user; many files take longer",
    ):
        assert f"of it guessed: {guess}\n" in text
    seconds = int(text.partition("without service: about ")[2].split()[0])
    assert 15 + 90 + 30 + 300 + 30 + 30 <= seconds < 600
    found = {each.rule for each in make_plan(facts({**far, "wishes": {"max_downtime": 400}})).objections}
    assert "downtime-too-long" in found
    assert "downtime-too-long" not in {each.rule for each in make_plan(facts(far)).objections}


def test_an_approved_plan_stays_the_same_while_databases_and_volumes_grow() -> None:
    small = {"database": {"sizes": {"dify": 2_000_000, "dify_plugin": 10_000_000}}, **DUMPED}
    grown = {"database": {"sizes": {"dify": 900_000_000, "dify_plugin": 10_000_000}}, **DUMPED}
    assert make_plan(facts(small)).plan_id == make_plan(facts(grown)).plan_id


def test_databases_and_stores_with_the_same_image_are_left_alone() -> None:
    plan = make_plan(facts({}))
    text = "\n".join(step.do for step in plan.steps if step.name in {"stop", "start"})
    assert not any(name in text for name in ("id-of-db_postgres", "id-of-redis", "id-of-weaviate"))


def starting(changes: dict[str, object]) -> tuple[set[str], set[str]]:
    """Return what runs once, and what starts and has to stand from then on."""
    lines = [
        line.split() for line in next(s.do for s in make_plan(facts(changes)).steps if s.name == "start").splitlines()
    ]
    once = {name for verb, *names in lines if verb == "run_once" for name in names}
    stand = {name for verb, *names in lines if verb == "start_services" for name in names}
    return once, stand


@pytest.mark.parametrize("restart", [{}, {"restart": "on-failure:3"}], ids=["no restart", "on-failure"])
def test_what_ended_well_and_is_not_started_again_by_itself_is_left_alone(restart: dict[str, str]) -> None:
    changes = {"beside": {"buckets": {"image": "minio/mc:1", **restart}}, "containers": {"buckets": ENDED}}
    assert "buckets" not in set.union(*starting(changes))
    assert "buckets" not in next(step.do for step in make_plan(facts(changes)).steps if step.name == "verify")


def test_what_others_wait_for_runs_once_also_where_it_never_ran() -> None:
    awaits = {"depends_on": {"chown": {"condition": "service_completed_successfully"}, "redis": {"condition": "x"}}}
    changes: dict[str, object] = {"beside": {"chown": {"image": "busybox"}, "notes": {"image": "notes:1", **awaits}}}
    for there in ({}, {"chown": ENDED}):
        once, stand = starting({**changes, "containers": there})
        assert "chown" in once - stand
        assert "notes" in stand - once


def test_what_ended_well_runs_once_more_where_its_image_changes() -> None:
    held = {**ENDED, "image": "minio/mc:0"}
    once, stand = starting({"beside": {"buckets": {"image": "minio/mc:1"}}, "containers": {"buckets": held}})
    assert "buckets" in once - stand


@pytest.mark.parametrize(
    ("service", "held"),
    [
        ({"image": "minio/mc:1", "restart": "always"}, {"exit_code": 0}),
        ({"image": "minio/mc:1"}, {"exit_code": 1}),
        ({"image": "langgenius/dify-web:1.13.3"}, {"exit_code": 0}),
    ],
    ids=["always", "failed", "of Dify"],
)
def test_what_only_stopped_starts_again_and_has_to_stand(service: dict[str, str], held: dict[str, int]) -> None:
    once, stand = starting({"beside": {"extra": service}, "containers": {"extra": {"state": "exited", **held}}})
    assert "extra" in stand - once


def test_what_runs_and_is_not_to_be_restarted_is_not_waited_for_to_end() -> None:
    service = {"image": "adminer:4", "restart": "no"}
    once, stand = starting({"beside": {"adminer": service}, "containers": {"adminer": {"state": "running"}}})
    assert "adminer" not in once | stand


def test_from_0_x_the_plugins_are_migrated_before_the_proxy_opens() -> None:
    steps = names({"installed": "0.15.8", "wanted": "1.4.3", "heads": ["a91b476a53de"]})
    assert steps.index("start") < steps.index("extra-plugins") < steps.index("verify")


def test_of_several_nginx_the_proxy_is_difys_own_and_the_others_stop_and_start_with_it() -> None:
    docs = {"image": "nginx:1.27-alpine", "ports": ["8088:80"]}
    held = {"ports": ((80, "", 8088),)}
    door = {"image": "nginx:latest", "environment": {"NGINX_HTTPS_ENABLED": "false"}, "ports": ["80:80"]}
    for proxy, port, changes in (
        ("nginx", 8080, {"beside": {"docs": docs}, "containers": {"docs": held}}),
        ("web_door", 80, {"beside": {"web_door": door}, "containers": {"web_door": {"ports": ((80, "", 80),)}}}),
    ):
        plan = make_plan(facts(changes))
        steps = {step.name: step for step in plan.steps}
        (other,) = {"nginx", *changes["beside"]} - {proxy}
        assert f"\nPROXY={proxy}\n" in plan.script
        assert f"\nURL=http://127.0.0.1:{port}\n" in plan.script
        assert steps["open"].do == f"open_proxy {proxy}"
        assert f"serve_again 600 {proxy} " in steps["stop"].undo
        assert {f"id-of-{proxy}", f"id-of-{other}"} == set(shlex.split(steps["stop"].do)[2].split())
        assert other not in steps["start"].do
        assert f"start_services {other} worker_beat" in steps["watch"].do or f"worker_beat {other}" in steps["watch"].do


def test_of_a_release_that_is_not_known_the_plan_says_what_is_known_and_what_not() -> None:
    read = make_plan(facts({"wanted": "1.99.0"}))
    assert "its schema f00dfeed0001, by its migrations. Not known is what it asks for by hand" in read.remarks[-2]
    assert "read_head langgenius/dify-api:1.99.0 f00dfeed0001" in read.script

    unread = make_plan(facts({"wanted": "1.99.0", "upstream_head": ""}))
    assert "its schema is read from its image before anything stops" in unread.remarks[-2]
    steps = [step.name for step in unread.steps]
    assert "read_head langgenius/dify-api:1.99.0 ''" in unread.script
    assert before("read-head", "drain", steps)
    assert {"final-backup", "migrate"} <= set(steps)


def test_a_plan_shows_what_is_theirs_and_counts_what_is_upstreams() -> None:
    theirs = compose_text("1.13.3").replace("image: redis:6-alpine", "image: redis:6-alpine  # ours")
    plan = make_plan(facts({"files": {"docker-compose.yaml": theirs}}))
    (files,) = [document.text for document in plan.documents if document.title == "Files"]
    assert "+++ docker-compose.yaml (with your edits)" in files
    changed = [line for line in files.splitlines() if line.startswith(("-", "+")) and "redis" in line]
    assert changed == ["-    image: redis:6-alpine", "+    image: redis:6-alpine  # ours"]
    assert "langgenius/dify-api:1.13.3" not in files

    unedited = make_plan(facts({}))
    (files,) = [document.text for document in unedited.documents if document.title == "Files"]
    assert "# docker-compose.yaml: upstream's of 1.13.3, becomes upstream's of 1.14.1" in files
    moved = [change.what for change in unedited.changes if "service" not in change.what]
    assert moved == [".env", "1 files of upstream's that nobody edited"]


def test_the_same_facts_make_the_same_plan_id_and_another_edit_another() -> None:
    assert make_plan(facts({})).plan_id == make_plan(facts({})).plan_id
    assert make_plan(facts({})).plan_id != make_plan(facts({"env": {"LOG_LEVEL": "DEBUG"}})).plan_id


def test_nothing_is_done_where_the_release_runs_already() -> None:
    plan = make_plan(facts({"installed": "1.14.1", "heads": ["a4f2d8c9b731"]}))
    assert plan.changes == ()
    assert plan.steps == ()


def test_no_secret_stands_in_the_script_nor_in_the_documents() -> None:
    plan = make_plan(facts({"env": {"SMTP_PASSWORD": "hunter2-hunter2"}}))
    shown = plan.script + "".join(document.text for document in plan.documents)
    assert "hunter2-hunter2" not in shown
    assert "difyai123456" not in shown
    assert "sk-held-by-the-containers" not in shown


@pytest.mark.parametrize(("creates", "step"), [(True, "clone_databases"), (False, 'dump dify "$BACKUP/dify.final"')])
def test_who_may_not_make_databases_gets_a_dump_instead_of_a_copy(creates: bool, step: str) -> None:  # noqa: FBT001
    plan = make_plan(facts({"wishes": {"final_backup": "clone"}, "database": {"creates": creates}}))
    final = next(each for each in plan.steps if each.name == "final-backup")
    assert step in final.do
    assert f"DB_CREATES={'yes' if creates else chr(39) * 2}\n" in plan.script


@pytest.mark.parametrize(
    ("disk", "step"),
    [
        ({"folder": 1 * GIB}, "clone_databases"),
        ({"database": 4 * GIB, "database_device": "/dev/sdb1"}, 'dump dify "$BACKUP/dify.final"'),
        ({"database": 0, "database_device": ""}, 'dump dify "$BACKUP/dify.final"'),
    ],
    ids=["a full folder", "a small disk of its own", "nobody could measure it"],
)
def test_databases_are_copied_where_the_servers_own_disk_has_the_room(disk: dict[str, object], step: str) -> None:
    plan = make_plan(facts({"disk": disk}))
    assert step in next(each for each in plan.steps if each.name == "final-backup").do
    assert not plan.stopping


@pytest.mark.parametrize("final", ["clone", "dump"])
def test_a_disk_of_the_servers_own_has_to_hold_its_databases_twice(final: str) -> None:
    changes = {"database": 2 * GIB, "database_device": "/dev/sdb1"}
    (short,) = make_plan(facts({"disk": changes, "wishes": {"final_backup": final}})).stopping
    assert short.facts["places"] == "/dev/sdb1 (the database): 2.0 GiB free, 2.9 GiB needed"
    outside = {"container": "", "service": "", "host": "pg.example.com"}
    nobody = {"disk": {"database": 0, "database_device": ""}, "database": outside, "wishes": {"final_backup": final}}
    assert not make_plan(facts(nobody)).stopping


OWN = [
    {"kind": "bind", "source": f"{FOLDER}/data/pg", "target": "/var/lib/postgresql/data", "size": 30 * GIB},
    {"kind": "bind", "source": f"{FOLDER}/data/x", "target": "/etc/x", "size": 2 * GIB},
    {"kind": "bind", "source": f"{FOLDER}/data/x/y", "target": "/etc/x/y", "size": 1 * GIB},
    {"kind": "bind", "source": "/etc/localtime", "target": "/etc/localtime"},
    {"kind": "bind", "source": FOLDER, "target": "/folder"},
    {"kind": "bind", "source": f"{FOLDER}/volumes/z", "target": "/z"},
]


def test_the_copy_of_the_folder_is_counted_and_holds_no_data_of_the_database() -> None:
    changes = {"containers": {"db_postgres": {"mounts": OWN}}}
    found = facts(changes)
    plan = make_plan(found)
    pack = next(each for each in plan.steps if each.name == "save-files").do.splitlines()[0]
    assert pack.startswith('with_room pack "$FOLDER" "$BACKUP/config.tar" --exclude=./volumes ')
    assert pack.endswith(" --exclude=./data/pg")
    assert folder_size(found.machine, ("data/pg",)) == 2 * GIB + 1_000_000
    assert not plan.stopping
    (large,) = make_plan(facts({**changes, "wishes": {"backup_max": GIB}})).stopping
    assert (large.rule, large.facts["volumes"]) == ("backup-too-large", "the folder 2.0 GiB")


@pytest.mark.parametrize(
    ("mounts", "line"),
    [
        ([{"kind": "volume", "source": "dify_data", "target": "/app/api/storage"}], "save_keys dify_data"),
        ([{"kind": "bind", "source": "/mnt/files", "target": "/app/api/storage"}], "save_keys /mnt/files"),
        ([], ""),
    ],
    ids=["a volume by its own name", "elsewhere", "none"],
)
def test_keys_are_saved_from_where_the_api_has_them(mounts: list[dict[str, object]], line: str) -> None:
    plan = make_plan(facts({"containers": {"api": {"mounts": mounts}}}))
    lines = next(each.do for each in plan.steps if each.name == "save-files").splitlines()
    assert [each for each in lines if "save_keys" in each] == ([line] if line else [])


def test_a_folder_that_a_file_of_the_release_is_in_is_copied_whatever_is_mounted_there() -> None:
    mounts = [{"kind": "bind", "source": f"{FOLDER}/nginx", "target": "/var/lib/postgresql/data", "size": 1}]
    plan = make_plan(facts({"containers": {"db_postgres": {"mounts": mounts}}}))
    assert "--exclude=./nginx" not in plan.script


def test_what_an_earlier_run_left_half_is_room_for_the_next() -> None:
    disk = {"backup": 2 * GIB, "backup_device": "/dev/sdb1"}
    assert [each.rule for each in make_plan(facts({"disk": disk})).stopping] == ["disk-space"]
    left = {"id": "b", "folder": "/srv/b", "size": 20 * GIB, "manifest": {"folder": FOLDER}}
    assert not make_plan(facts({"disk": disk, "backups": [left]})).stopping
    stays: tuple[dict[str, object], ...] = ({"complete": True}, {"manifest": {"folder": "/srv/prod/docker"}})
    for more in stays:
        plan = make_plan(facts({"disk": disk, "backups": [{**left, **more}]}))
        assert [each.rule for each in plan.stopping] == ["disk-space"]


def test_a_failure_before_the_seal_takes_the_backup_with_it_and_changes_nothing() -> None:
    steps = {step.name: step for step in make_plan(facts({})).steps}
    assert before("dump", "seal", list(steps))
    assert (steps["dump"].undo, steps["dump"].changes_service) == ("discard_backup", False)


def test_the_client_of_an_external_database_joins_the_network_that_leads_there() -> None:
    outside = {"container": "", "service": "", "host": "pg.example.com", "network": "company_databases"}
    assert "DB_NETWORK=company_databases\n" in make_plan(facts({"database": outside})).script


def test_the_way_to_an_external_database_is_delivered_as_a_secret() -> None:
    outside = {"container": "", "service": "", "host": "db.example.com", "client_image": "postgres:15-alpine"}
    delivered = make_plan(facts({"database": outside})).delivered
    assert isinstance(delivered["database.env"], Secret)
    assert "PGHOST=db.example.com\n" in delivered["database.env"].reveal()


@pytest.mark.parametrize("changes", [{}, GIT, OLD, DUMPED, SAME_SCHEMA], ids=["plain", "git", "old", "dump", "same"])
def test_the_script_passes_shellcheck(changes: dict[str, object]) -> None:
    script = make_plan(facts(changes)).script
    command = [str(SHELLCHECK), "-s", "sh", "-"]
    checked = subprocess.run(command, input=script.encode(), capture_output=True, check=False)
    assert checked.stdout.decode() == ""


@pytest.mark.parametrize("changes", [{}, OLD, SAME_SCHEMA], ids=["plain", "old", "same"])
def test_the_steps_read_like_this(changes: dict[str, object], snapshot: object) -> None:
    plan = make_plan(facts(changes))
    text = "\n".join(f"== {step.name}: {step.title}\n{step.do}\n-- undo\n{step.undo}" for step in plan.steps)
    assert text == snapshot
