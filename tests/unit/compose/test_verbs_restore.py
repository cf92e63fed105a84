"""How databases are put back, where the server is away for a moment: silence is no answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.compose.runbooks import SHELLS, verbs

# A server that is away for some questions; `until_deadline` and `fail` are those of every runbook, but for the pauses.
AWAY_FOR_TWO = """\
DB_KIND=postgresql DB_CONTROL=postgres BACKUP=.
DB_NAMES='dify dify_plugin'
until_deadline() { shift 2; for try in 1 2 3 4; do "$@" && return 0; done; return 1; }
fail() { echo "failed: $*"; exit 70; }
say() { echo "$*"; }
dump() { echo "dumped $1"; }
with_room() { "$@"; }
sql() {
  echo x >>asked
  [ "$(wc -l <asked)" -gt "$AWAY" ] || { echo 'the server is starting' >&2; return 2; }
  statement=$(cat)
  case "$statement" in SELECT\\ count*) echo "$THERE" ;; *'DROP DATABASE'*) echo "$statement" >>dropping ;; esac
}
"""


def ran(folder: Path, shell: str, what: str, *, away: int, there: int) -> str:
    done = verbs(
        folder, shell, ("restore", "steps", "stop", "change"), f"AWAY={away} THERE={there}", AWAY_FOR_TWO, what
    )
    return done.stdout


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_copies_are_kept_as_dumps_although_the_server_was_away_for_a_moment(tmp_path: Path, shell: str) -> None:
    told = ran(tmp_path, shell, "keep_clones_as_dumps _before", away=2, there=1)
    assert [line for line in told.splitlines() if "dumped" in line] == [
        "dumped dify_before",
        "dumped dify_plugin_before",
    ]
    dropping = (tmp_path / "dropping").read_text()
    assert [name in dropping for name in ("= 'dify_before'", "= 'dify_plugin_before'")] == [True, True]


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_copy_is_dropped_although_the_server_was_away_for_a_moment(tmp_path: Path, shell: str) -> None:
    told = ran(tmp_path, shell, "drop_database dify_before && echo dropped", away=2, there=1)
    assert told == "dropped\n"
    assert "= 'dify_before'" in (tmp_path / "dropping").read_text()


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_one_question_is_enough_to_drop_a_copy(tmp_path: Path, shell: str) -> None:
    ran(tmp_path, shell, "drop_database dify_before", away=0, there=1)
    assert (tmp_path / "asked").read_text() == "x\n"


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_server_that_stays_away_is_an_error_and_not_a_missing_copy(tmp_path: Path, shell: str) -> None:
    for what in ("keep_clones_as_dumps _before", "restore_clones _before", "drop_database dify_before"):
        assert ran(tmp_path, shell, what, away=1000, there=1).startswith("failed: database-gone")


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_what_is_not_there_is_left_out(tmp_path: Path, shell: str) -> None:
    assert ran(tmp_path, shell, "keep_clones_as_dumps _before; restore_clones _before", away=0, there=0) == ""


# A server with databases: a file each. BUSY: how often renaming is refused, for somebody connects in between.
WITH_DATABASES = """\
DB_KIND=postgresql DB_CONTROL=postgres BACKUP=. RUN=. DB_CREATES=yes
DB_NAMES='dify dify_plugin'
until_deadline() { shift 2; for try in 1 2 3 4; do "$@" && return 0; done; return 1; }
fail() { echo "failed: $*"; exit 70; }
say() { echo "$*"; }
last_line() { tail -n 1 "$1"; }
engine_is_back() { :; }
dk() { case "$1" in ps) cat going 2>/dev/null || : ;; stop) echo "$*" >stopped && rm going ;; esac; }
database_answers() { :; }
schema_head() { cat head; }
echo old >head-before
sql() {
  while read -r statement; do
    name=$(echo "$statement" | cut -d "'" -f 4)
    case "$statement" in
      'SELECT count'*) name=$(echo "$statement" | cut -d "'" -f 2); ls db | grep -cx "$name" || : ;;
      *'DROP DATABASE'*) rm -f "db/$name" ;;
      'CREATE DATABASE'*) set -- $(echo "$statement" | tr -d '"'); cp "db/$5" "db/$3" ;;
      'ALTER DATABASE'*RENAME*)
        set -- $(echo "$statement" | tr -d '"')
        [ "$BUSY" != "$3" ] || echo x >>refused
        [ "$BUSY" != "$3" ] || [ "$(wc -l <refused)" -gt "$TIMES" ] || { echo "$3 is being accessed" >&2; return 1; }
        mv "db/$3" "db/$6" ;;
    esac
  done
}
"""


def served(folder: Path, shell: str, what: str, *, busy: str = "", times: int = 0, **databases: str) -> str:
    there = folder / "db"
    there.mkdir(exist_ok=True)
    for name, content in databases.items():
        (there / name).write_text(content)
    literals = f"BUSY='{busy}' TIMES={times}"
    return verbs(
        folder, shell, ("service", "restore", "steps", "stop", "change"), literals, WITH_DATABASES, what
    ).stdout


def databases(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted((folder / "db").iterdir())}


MADE = "printf '%s\\n' dify dify_plugin >cloned"
BEGUN = ": >migrating; echo old >head"
UNDO = f"{MADE}; {BEGUN}; undo_migration clones _before || echo stuck; drop_clones _before || echo stuck"


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_copies_take_the_place_of_what_was_migrated(tmp_path: Path, shell: str) -> None:
    served(tmp_path, shell, UNDO, dify="new", dify_before="old", dify_plugin="new", dify_plugin_before="old")
    assert databases(tmp_path) == {"dify": "old", "dify_plugin": "old"}


@pytest.mark.parametrize("shell", sorted(SHELLS))
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("echo old >head", "new"),  # nothing of ours had begun: what users wrote stays
        (": >migrating; echo old >head", "old"),  # rows and head tell nothing of an index that is half built
        ("echo new >head", "old"),  # somebody started the new release by hand
        (": >started; echo old >head", "old"),
    ],
)
def test_databases_go_back_where_a_migration_may_have_begun(
    tmp_path: Path, shell: str, before: str, after: str
) -> None:
    there = {"dify": "new", "dify_before": "old", "dify_plugin": "new", "dify_plugin_before": "old"}
    told = served(tmp_path, shell, f"{MADE}; {before}; undo_migration clones _before", **there)
    assert databases(tmp_path)["dify"] == after
    assert ("the databases were not touched" in told) == (after == "new")


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_what_a_dead_script_had_read_back_halfway_goes_and_nothing_that_is_called_alike(
    tmp_path: Path, shell: str
) -> None:
    there = {"dify": "old", "dify_before": "old", "dify_restored": "half", "dify_plugin_restored": "somebody's"}
    served(tmp_path, shell, f"client() {{ exit 9; }}; making_beside() {{ :; }}; (read_beside dify x); {UNDO}", **there)
    assert databases(tmp_path) == {"dify": "old", "dify_plugin_restored": "somebody's"}


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_what_somebody_started_by_hand_stops_before_databases_go_back(tmp_path: Path, shell: str) -> None:
    (tmp_path / "writers").write_text("api\nworker\n")
    (tmp_path / "going").write_text("api api-2\nredis redis-1\nworker worker-2\n")
    there = {"dify": "new", "dify_before": "old", "dify_plugin": "new", "dify_plugin_before": "old"}
    told = served(tmp_path, shell, f"PROJECT=docker; {UNDO}", **there)
    assert told.startswith("somebody started Dify meanwhile: it is stopped again\n")
    assert (tmp_path / "stopped").read_text() == "stop -t 10 api-2 worker-2\n"
    assert databases(tmp_path) == {"dify": "old", "dify_plugin": "old"}


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_what_somebody_keeps_of_an_earlier_way_back_is_set_aside_and_not_dropped(tmp_path: Path, shell: str) -> None:
    there = {"dify": "new", "dify_before": "old", "dify_plugin_before": "old", "dify_failed": "kept"}
    served(tmp_path, shell, UNDO, **there)
    found = databases(tmp_path)
    assert (found.pop("dify"), found.pop("dify_plugin")) == ("old", "old")
    ((aside, content),) = found.items()
    assert aside.startswith("dify_failed_")
    assert content == "kept"


@pytest.mark.parametrize("shell", sorted(SHELLS))
@pytest.mark.parametrize(
    "left",
    [
        {"dify_failed": "new", "dify_before": "old"},  # the power went between two names
        {"dify_failed": "new", "dify": "old"},  # and here before what had failed was dropped
    ],
)
def test_a_way_back_that_a_power_cut_ended_is_gone_to_its_end(tmp_path: Path, shell: str, left: dict[str, str]) -> None:
    gone = "printf '%s\\n' dify_failed >moved; database_answers() { [ -e db/dify ]; }"
    told = served(tmp_path, shell, f"{gone}; {UNDO}", dify_plugin="new", dify_plugin_before="old", **left)
    assert databases(tmp_path) == {"dify": "old", "dify_plugin": "old"}
    assert "stuck" not in told


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_who_connects_in_between_only_delays_that(tmp_path: Path, shell: str) -> None:
    there = {"dify": "new", "dify_before": "old", "dify_plugin": "new", "dify_plugin_before": "old"}
    served(tmp_path, shell, UNDO, busy="dify", times=3, **there)
    assert databases(tmp_path) == {"dify": "old", "dify_plugin": "old"}


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_copy_that_could_not_be_put_back_is_kept_and_does_not_keep_the_next_from_it(
    tmp_path: Path, shell: str
) -> None:
    there = {"dify": "new", "dify_before": "old", "dify_plugin": "new", "dify_plugin_before": "old"}
    told = served(tmp_path, shell, UNDO, busy="dify", times=1000, **there)
    assert "dify cannot be renamed: dify is being accessed\n" in told
    assert "stuck\nthe copies of the databases (their names end in _before) are kept" in told
    assert databases(tmp_path) == {"dify": "new", "dify_before": "old", "dify_plugin": "old"}


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_copy_of_an_earlier_run_is_set_aside_and_not_dropped(tmp_path: Path, shell: str) -> None:
    told = served(tmp_path, shell, "clone_databases _before", dify="now", dify_plugin="now", dify_before="earlier")
    found = databases(tmp_path)
    assert found.pop("dify_before") == "now"
    (aside,) = (name for name in found if name.startswith("dify_before_"))
    assert found.pop(aside) == "earlier"
    assert f"dify_before, which an earlier run left, is kept as {aside}" in told
    assert found == {"dify": "now", "dify_plugin": "now", "dify_plugin_before": "now"}


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_the_way_back_of_a_run_that_copied_nothing_leaves_the_copies_of_an_earlier_one(
    tmp_path: Path, shell: str
) -> None:
    there = {"dify": "now", "dify_plugin": "now", "dify_before": "earlier", "dify_plugin_before": "earlier"}
    clone = "(clone_databases _before); drop_clones _before"
    served(tmp_path, shell, clone, busy="dify_before", times=1000, **there)
    assert databases(tmp_path) == there
    served(tmp_path, shell, "drop_clones _before")
    assert databases(tmp_path) == there


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_rows_that_nobody_counted_prove_nothing(tmp_path: Path, shell: str) -> None:
    (tmp_path / "before").write_text("rows|messages|3\n")
    (tmp_path / "after").write_text("")
    (tmp_path / "empty").write_text("")
    asks = "DB_KIND=postgresql RUN=.; for how in exact least; do rows_kept before after $how || cat lost; done"
    assert verbs(tmp_path, shell, ("database",), asks).stdout == "no table can be counted\n" * 2
    of_nothing = "DB_KIND=postgresql RUN=.; rows_kept empty after exact && echo well"
    assert verbs(tmp_path, shell, ("database",), of_nothing).stdout == "well\n"


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_torn_dump_has_another_name(tmp_path: Path, shell: str) -> None:
    setting = """
    DB_KIND=postgresql DB_MAIN=dify RUN=. TOO_BIG_TO_COUNT='' PATIENT='SET x;'
    fail() { echo "failed: $*"; exit 70; }
    say() { :; }
    fact() { :; }
    count_sql() { :; }
    client() { cat >/dev/null; printf half; printf 'rows|messages|3\ndump-exit|%s\n' "$CODE" >&2; }
    """
    for code in (1, 0):
        verbs(tmp_path, shell, ("database", "restore"), setting, f"CODE={code}; dump dify ./dify.final")
        of = verbs(tmp_path, shell, ("database", "restore"), setting, "last_of . dify").stdout
        assert of == ("final\n" if code == 0 else "dump\n")
    assert (tmp_path / "dify.final.rows").read_text() == "rows|messages|3\n"


# What a dump is read back with; where it is read in place, that is only told.
WITH_DUMPS = """\
client() { cat >"db/$3"; }
restored_in_place() { echo "$1 in its place"; cat "$2" >"db/$1"; }
echo old >dify.final
echo old >dify_plugin.final
"""
READ_BACK = "restore_dumps . final || echo stuck"


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_dump_takes_the_place_of_what_is_there_when_all_of_it_has_come(tmp_path: Path, shell: str) -> None:
    told = served(tmp_path, shell, f"{WITH_DUMPS}{READ_BACK}", dify="new", dify_plugin="new")
    assert told == "dify: restored from dify.final\ndify_plugin: restored from dify_plugin.final\n"
    assert databases(tmp_path) == {"dify": "old\n", "dify_plugin": "old\n"}


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_who_cannot_enter_the_database_that_others_are_made_from_has_his_read_in_their_place(
    tmp_path: Path, shell: str
) -> None:
    refusing = 'sql() { case "$1" in postgres) echo "FATAL: no entry" >&2; return 2 ;; *) cat >/dev/null ;; esac; }\n'
    told = served(tmp_path, shell, f"{WITH_DUMPS}{refusing}{READ_BACK}", dify="new", dify_plugin="new")
    assert "failed" not in told
    assert "stuck" not in told
    assert told.count("in its place") == 2
    assert databases(tmp_path) == {"dify": "old\n", "dify_plugin": "old\n"}


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_database_that_cannot_get_another_name_is_read_back_in_its_place(tmp_path: Path, shell: str) -> None:
    there = {"dify": "new", "dify_plugin": "new"}
    told = served(tmp_path, shell, f"{WITH_DUMPS}{READ_BACK}", busy="dify", times=1000, **there)
    assert "dify cannot be renamed: dify is being accessed\ndify in its place\n" in told
    assert "stuck" not in told
    assert databases(tmp_path) == {"dify": "old\n", "dify_plugin": "old\n"}


def backup(folder: Path, *names: str) -> str:
    (folder / "manifest.json").write_text(json.dumps({"databases": names, "id": "b"}, indent=1, sort_keys=True))
    return f"DB_MAIN=dify\n{WITH_DUMPS}restore_backup . || echo stuck; echo $DB_NAMES"


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_database_that_came_after_the_backup_stays_as_it_is(tmp_path: Path, shell: str) -> None:
    told = served(tmp_path, shell, backup(tmp_path, "dify"), dify="new", dify_plugin="new")
    assert told.splitlines() == [
        "dify_plugin: it is not in the backup, and stays as it is",
        "dify: restored from dify.final",
        "dify dify_plugin",
    ]
    assert databases(tmp_path) == {"dify": "old\n", "dify_plugin": "new"}


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_database_that_went_since_the_backup_comes_back(tmp_path: Path, shell: str) -> None:
    served(tmp_path, shell, f"DB_NAMES=dify\n{backup(tmp_path, 'dify', 'dify_plugin')}", dify="new")
    assert databases(tmp_path) == {"dify": "old\n", "dify_plugin": "old\n"}


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_backup_of_another_database_is_not_read_back(tmp_path: Path, shell: str) -> None:
    told = served(tmp_path, shell, backup(tmp_path, "another"), dify="new")
    assert told == "the backup has no database dify\nstuck\ndify dify_plugin\n"
    assert databases(tmp_path) == {"dify": "new"}


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_of_each_database_what_was_saved_last_is_read_back(tmp_path: Path, shell: str) -> None:
    script = backup(tmp_path, "dify", "dify_plugin").replace(
        "restore_backup", "mv dify_plugin.final dify_plugin.dump; restore_backup"
    )
    told = served(tmp_path, shell, script, dify="new", dify_plugin="new")
    assert told.splitlines()[:2] == ["dify: restored from dify.final", "dify_plugin: restored from dify_plugin.dump"]
    assert databases(tmp_path) == {"dify": "old\n", "dify_plugin": "old\n"}


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_rows_of_somebody_elses_schema_are_no_proof_where_a_database_was_read_back_in_its_place(
    tmp_path: Path, shell: str
) -> None:
    counted = "rows|cron.gone|4\nrows|cron.job_run_details|10\nrows|cron.ours|2\nrows|messages|3\n"
    (tmp_path / "dify.dump.rows").write_text(counted)
    (tmp_path / "manifest.json").write_text(json.dumps({"databases": ["dify"]}, indent=1))
    asks = """
    RUN=. DB_MAIN=dify DB_KIND=postgresql
    say() { echo "$*"; }
    count_rows() { printf '%s\\n' 'rows|cron.job_run_details|11' "rows|cron.ours|$OURS" "rows|messages|$HAS"; }
    sql() { cat >/dev/null; printf '%s\\n' 'stays|cron.' 'ours|cron.ours'; }
    """
    proves = "if rows_of_backup .; then echo well; else cat lost; fi"
    for marked, has, ours, said in (
        (True, 3, 2, "well"),
        (True, 2, 2, "dify: messages: 3 before, 2 now"),
        (True, 3, 1, "dify: cron.ours: 2 before, 1 now"),
        (False, 3, 2, "dify: cron.gone: 4 before, gone now"),
    ):
        (tmp_path / "in-place-dify").unlink(missing_ok=True)
        if marked:
            (tmp_path / "in-place-dify").touch()
        given = f"HAS={has} OURS={ours}"
        told = verbs(tmp_path, shell, ("database", "restore"), given, asks, proves).stdout
        assert told.startswith(said), told
