"""Which backup is gone back to, by way of which others, and what of the folder comes from where."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from difyaction.compose.facts import Backup
from difyaction.compose.server_plan import make_plan
from difyaction.compose.ways_back import chosen
from difyaction.errors import Failed
from difyaction.releases.version import Version
from tests.unit.compose.backups import (
    NEW,
    OLD,
    back,
    done,
    kept,
    made,
    moved,
    objection,
    of_run,
    standing,
    two_upgrades,
    undone,
    weaviate,
)
from tests.unit.compose.machines import facts


def test_going_back_past_another_upgrade_names_the_backups_one_by_one() -> None:
    first, second = two_upgrades()
    third = made(3, "1.9.2", "1.10.0", **weaviate(NEW))
    plan = back(standing("1.10.0", **weaviate(NEW)), "1.10.0", first, second, third)
    assert "Go back one by one: b3, b2, b1." in objection(plan, "upgrades-between")
    given = ("upgrades-between@b1", "store-not-saved@b1", "lose-writes@b1")
    assert back(standing("1.10.0", **weaviate(NEW)), "1.10.0", first, second, given=given).stopping == ()


def test_where_a_backup_of_the_way_is_gone_nobody_says_that_one_can_go_step_by_step() -> None:
    first, _ = two_upgrades()
    plan = back(standing("1.9.2", **weaviate(NEW)), "1.9.2", first)
    assert "no backups lead back to it one by one" in objection(plan, "upgrades-between")


def test_the_last_step_back_and_one_to_what_was_undone_are_asked_for_nothing_but_the_writes() -> None:
    first, second = two_upgrades()
    last = back(standing("1.9.2", **weaviate(NEW)), "1.9.2", second, first)
    undone = back(standing("1.9.1", **weaviate(OLD)), "1.9.1", second, first)
    assert [each.rule for each in (*last.stopping, *undone.stopping)] == ["lose-writes", "lose-writes"]


def test_files_that_only_later_upgrades_changed_go_back_too() -> None:
    conf = "nginx/conf.d/default.conf.template"
    first = made(1, "1.13.3", "1.14.0", ships={"late.py": b"late"}, files={".env": "DB_HOST=db_postgres\n"})
    first = replace(first, manifest={**first.manifest, "files": ["docker-compose.yaml"], "created": []})
    ships = {conf: b"new", "new.py": b""}
    later = made(2, "1.14.0", "1.14.1", files={conf: "old"}, shipped={conf: b"old"}, ships=ships)
    assert {".env", conf, "new.py"} <= set(later.manifest["files"])  # type: ignore[call-overload]
    there = standing("1.14.1", files={conf: "new", "new.py": ""})
    plan = back(there, "1.14.1", first, later)
    assert moved(plan) == [
        "switch_file_back docker-compose.yaml /srv/backups/b1",
        "switch_file_back .env /srv/backups/b2",
        f"switch_file_back {conf} /srv/backups/b2",
        "take_away new.py",
    ]
    assert done(plan)["read-head"].splitlines()[:2] == ["is_sealed /srv/backups/b1", "has_files_sealed /srv/backups/b2"]
    assert {f"put_back {path} || exit 1" for path in (".env", conf, "new.py")} <= set(
        next(step.undo for step in plan.steps if step.name == "switch").splitlines()
    )
    told = {change.what: change.after for change in plan.changes}
    assert (told["docker-compose.yaml"], told[".env"]) == ("as in b1", "as in b2")


def test_a_file_that_the_look_at_the_host_did_not_bring_is_no_file_that_was_not_there() -> None:
    first = made(1, "1.13.3", "1.14.1", files={".env": "DB_HOST=db_postgres\n"})
    there = standing("1.14.1", files={"docker-compose.yaml": "services: {}\n"})
    assert there.install is not None
    there = replace(there, install=replace(there.install, files={}, unseen=(".",)))
    plan = back(there, "1.14.1", first)
    assert "is_no_link .env" in done(plan)["check"].splitlines()
    undo = next(step.undo for step in plan.steps if step.name == "switch").splitlines()
    assert 'switch_as_packed .env "$BACKUP" || exit 1' in undo
    assert "take_away" not in "".join(undo)


def test_files_of_an_upgrade_that_was_undone_or_taken_back_stay_as_they_are() -> None:
    first, undone, later = made(1, "1.8.1", "1.9.1"), made(2, "1.9.1", "1.10.0"), made(4, "1.9.1", "1.9.2")
    undone = replace(undone, manifest={**undone.manifest, "files": ["override.yaml"]})
    taken_back = kept("b3", 3, {**undone.manifest, "from": "1.10.0", "to": "1.9.1"})
    plan = back(standing("1.9.2"), "1.9.2", first, undone, taken_back, later)
    assert "override.yaml" not in plan.script
    assert "b4, b1." in objection(plan, "upgrades-between")


def test_what_git_puts_back_itself_is_taken_from_no_later_backup() -> None:
    checkout = {"tracked": ["docker-compose.yaml", "new.py", "nginx/nginx.conf.template"]}
    first = made(1, "1.8.1", "1.9.1", checkout={})
    later = made(2, "1.9.1", "1.9.2", ships={"new.py": b""}, checkout={})
    first = replace(first, manifest={**first.manifest, "files": ["docker-compose.yaml"], "created": []})
    later = replace(later, manifest={**later.manifest, "files": ["new.py", ".env"]})
    there = standing("1.9.2", files={"new.py": ""}, checkout=checkout)
    assert moved(back(there, "1.9.2", first, later)) == [
        "switch_file_back docker-compose.yaml /srv/backups/b1",
        "switch_file_back .env /srv/backups/b2",
    ]


def test_without_a_name_the_last_upgrade_that_was_not_undone_is_meant() -> None:
    first, undone = made(1, "1.8.1", "1.9.1"), made(2, "1.9.1", "1.9.2")
    machine = replace(standing("1.9.1"), backups=(first, undone))
    assert chosen(machine, "", Version.parse("1.9.1")) == first
    assert chosen(machine, "", Version.parse("1.9.2")) == undone
    assert chosen(machine, "b2", Version.parse("1.9.1")) == undone


def test_without_a_name_nobody_goes_forward_again() -> None:
    first, second = made(1, "1.8.1", "1.9.1"), made(2, "1.9.1", "1.9.2")
    there = back(standing("1.9.2"), "1.9.2", second, first)
    marked = kept("b3", 3, json.loads(bytes(there.delivered[".manifest.json"])))  # type: ignore[arg-type]
    assert (marked.manifest["back-to"], second.manifest["back-to"]) == ("b2", "")
    unmarked = kept("b3", 3, {name: said for name, said in marked.manifest.items() if name != "back-to"})
    for taken_back in (marked, unmarked):
        machine = replace(standing("1.9.1"), backups=(first, second, taken_back))
        assert chosen(machine, "", Version.parse("1.9.1")) == first
        assert chosen(machine, "b3", Version.parse("1.9.1")) == taken_back


def test_a_downgrade_that_somebody_wanted_is_no_way_back() -> None:
    down = made(1, "1.9.1", "1.8.1", wishes={"allow_downgrade": True})
    machine = replace(standing("1.8.1"), backups=(down,))
    assert chosen(machine, "", Version.parse("1.8.1")) == down


def test_where_one_has_to_be_named_all_are() -> None:
    undone = made(1, "1.9.1", "1.9.2")
    taken_back = kept("b2", 2, {**undone.manifest, "from": "1.9.2", "to": "1.9.1", "back-to": "b1"})
    with pytest.raises(Failed) as caught:
        chosen(replace(standing("1.9.1"), backups=(undone, taken_back)), "", Version.parse("1.9.1"))
    assert caught.value.id == "backup-unknown"
    assert "has neither; there are b1, b2." in str(caught.value)


def test_a_backup_that_names_an_odd_release_is_taken_for_an_upgrades() -> None:
    odd = kept("b1", 1, {**made(1, "1.8.1", "1.9.1").manifest, "to": "yours"})
    odd = replace(odd, manifest={name: said for name, said in odd.manifest.items() if name != "back-to"})
    assert chosen(replace(standing("1.9.1"), backups=(odd,)), "", Version.parse("1.9.1")) == odd


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ({"from": "mine"}, "from"),
        ({"services": {}}, "services"),
        ({"services": {"api": "langgenius/dify-api:1.8.1"}}, "services.api"),
        ({"services": {"api": {"role": "robot", "image": "langgenius/dify-api:1.8.1"}}}, "services.api"),
        ({"services": {"api": {"role": [], "image": "langgenius/dify-api:1.8.1"}}}, "services.api"),
        ({"services": {"web": {"role": "web", "image": ""}}}, "services.web"),
    ],
)
def test_a_manifest_that_cannot_be_made_out_is_told_as_that(said: dict[str, object], key: str) -> None:
    odd = kept("b1", 1, {**made(1, "1.8.1", "1.9.1").manifest, **said})
    with pytest.raises(Failed) as caught:
        chosen(replace(standing("1.9.1"), backups=(odd,)), "b1", Version.parse("1.9.1"))
    assert caught.value.id == "backup-unreadable"
    assert f"({key})" in str(caught.value)


def three_upgrades() -> tuple[Backup, Backup, Backup]:
    return made(1, "1.4.3", "1.8.1"), made(2, "1.8.1", "1.9.1"), made(3, "1.9.1", "1.9.2")


def test_without_a_name_one_goes_on_down_after_two_steps_back() -> None:
    first, second, third = three_upgrades()
    to_second = of_run(back(standing("1.9.2"), "1.9.2", third, first, second), 4)
    to_first = of_run(back(standing("1.9.1"), "1.9.1", second, first, third, to_second), 5)
    machine = replace(standing("1.8.1"), backups=(first, second, third, to_second, to_first))
    assert chosen(machine, "", Version.parse("1.8.1")) == first
    at_once = of_run(back(standing("1.9.2"), "1.9.2", second, first, third), 4)
    machine = replace(standing("1.8.1"), backups=(first, second, third, at_once))
    assert chosen(machine, "", Version.parse("1.8.1")) == first


def test_without_a_name_nobody_goes_forward_where_no_backup_is_left_below() -> None:
    _, second, third = three_upgrades()
    at_once = of_run(back(standing("1.9.2"), "1.9.2", second, third), 4)
    unmarked = replace(at_once, manifest={name: said for name, said in at_once.manifest.items() if name != "back-to"})
    gone = replace(at_once, manifest={**at_once.manifest, "back-to": "b0"})
    for taken_back in (at_once, unmarked, gone):
        machine = replace(standing("1.8.1"), backups=(second, third, taken_back))
        with pytest.raises(Failed) as caught:
            chosen(machine, "", Version.parse("1.8.1"))
        assert caught.value.id == "backup-unknown"


def test_without_a_name_the_last_upgrade_that_stands_is_meant_where_people_upgraded_since_by_hand() -> None:
    first, second, third = three_upgrades()
    taken_back = of_run(back(standing("1.9.2"), "1.9.2", third, first, second), 4)
    machine = replace(standing("1.10.0"), backups=(first, second, third, taken_back))
    assert chosen(machine, "", Version.parse("1.10.0")) == second


def test_a_way_may_lead_to_the_release_that_an_upgrade_came_from() -> None:
    first, branch = made(1, "1.8.1", "1.9.1"), made(3, "1.8.1", "1.9.2")
    taken_back = of_run(back(standing("1.9.1"), "1.9.1", first), 2)
    plan = back(standing("1.9.2"), "1.9.2", first, taken_back, branch)
    assert "Go back one by one: b3, b1." in objection(plan, "upgrades-between")


def test_where_no_way_leads_to_a_backup_it_has_the_files_of_its_state_itself() -> None:
    conf, new, own = "nginx/nginx.conf.template", "ssrf_proxy/squid.conf.template", "volumes/sandbox/conf/new.yaml"
    ships = {new: b"x", conf: b"new", own: b""}
    first = made(1, "1.8.1", "1.9.1", ships=ships)
    second = made(2, "1.9.1", "1.9.2", shipped=ships, ships=ships, files={new: "x", conf: "new"})
    at_once = of_run(back(standing("1.9.2"), "1.9.2", first, second), 3)
    branch = made(4, "1.8.1", "1.10.0", ships=ships)
    assert {new, conf, own} <= set(branch.manifest["files"])  # type: ignore[call-overload]
    plan = back(standing("1.10.0", files={new: "x", conf: "new"}), "1.10.0", second, first, at_once, branch)
    assert "no backups lead back to it one by one" in objection(plan, "upgrades-between")
    packed = {f"switch_as_packed {path} /srv/backups/b2" for path in (conf, new)}
    lines = set(done(plan)["switch"].splitlines())
    assert packed <= lines
    assert not [line for line in lines if own in line or "/srv/backups/b4" in line]
    assert f"put_back {conf} || exit 1" in undone(plan)["switch"].splitlines()


def test_going_back_one_by_one_removes_no_backup_that_one_is_going_to() -> None:
    first, second, third = three_upgrades()
    assert "prune_backups" not in done(back(standing("1.9.2"), "1.9.2", third, first, second))["tidy"]
    assert "prune_backups" in done(make_plan(facts({})))["tidy"]


def test_a_folder_that_was_no_checkout_then_is_gone_back_to_without_git() -> None:
    checkout = {"tracked": ["new.py"], "edited": ["new.py"], "outside": ["api/app.py"]}
    first, later = made(1, "1.8.1", "1.9.1"), made(2, "1.9.1", "1.9.2", ships={"new.py": b""}, checkout={})
    assert (first.manifest["commit"], later.manifest["commit"]) == ("", "a" * 40)
    plan = back(standing("1.9.2", files={"new.py": ""}, checkout=checkout), "1.9.2", first, later)
    assert "take_away new.py" in moved(plan)
    assert "checkout_of_backup" not in done(plan)["switch"]
    assert "checkout_of_backup" not in undone(plan)["switch"]
    assert "may_check_out" not in done(plan)["check"]
    assert "edited-outside" not in [each.rule for each in plan.objections]
    assert of_run(plan, 3).manifest["commit"] == ""


def test_a_file_that_a_checkout_got_while_it_stayed_is_kept_from_the_next_that_moves_it() -> None:
    new = "ssrf_proxy/squid.conf.template"
    checkout = {"tracked": ["docker-compose.yaml", "nginx/nginx.conf.template"]}
    ships = {new: b"x"}
    backup = made(2, "1.9.1", "1.9.2", files={new: "x"}, shipped=ships, ships=ships, checkout=checkout)
    assert new in backup.manifest["files"]  # type: ignore[operator]
    assert new not in backup.manifest["created"]  # type: ignore[operator]
    after = {**checkout, "tracked": [*checkout["tracked"], new]}
    plan = back(standing("1.9.2", files={new: "x"}, checkout=after), "1.9.2", backup)
    assert f"switch_file_back {new} /srv/backups/b2" in moved(plan)
    assert f"put_back {new} || exit 1" in undone(plan)["switch"].splitlines()
