"""What is proven of each database by counting, and what is said of what is too large for that."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from difyaction.compose.server_plan import ServerPlan, make_plan
from tests.unit.compose.machines import GIB, facts
from tests.unit.compose.runbooks import SHELLS, verbs

ALL_SHELLS = pytest.mark.parametrize("shell", sorted(SHELLS))
SETTING = r"""
RUN=. DB_MAIN=dify PATIENT='SET x;' COUNTED=accounts SUMMED='' BESIDE=dify_plugin WHOLE=dify_plugin
fail() { echo "failed: $*"; exit 70; }
say() { echo "$*"; }
fact() { echo "fact $*"; }
set -eu
"""


def plan(main: int, plugins: int, **more: object) -> ServerPlan:
    return make_plan(facts({"database": {"sizes": {"dify": main, "dify_plugin": plugins}, **more}}))


def literal(made: ServerPlan, name: str) -> list[str]:
    found = re.search(rf"^{name}=(.*)$", made.script, re.MULTILINE)
    assert found is not None
    return found[1].strip("'").split()


@pytest.mark.parametrize(
    ("main", "plugins", "whole"),
    [
        (3 * GIB, 3 * GIB, ["dify", "dify_plugin"]),
        (6 * GIB, 10_000_000, ["dify_plugin"]),
        (6 * GIB, 6 * GIB, []),
    ],
)
def test_each_database_is_read_back_whole_by_its_own_size(main: int, plugins: int, whole: list[str]) -> None:
    made = plan(main, plugins)
    assert literal(made, "WHOLE") == whole
    said = [remark for remark in made.remarks if "read back without its rows" in remark]
    large = {"dify": main, "dify_plugin": plugins}.keys() - {*whole}
    assert len(said) == bool(large)
    assert all(f"{name} (6.0 GiB)" in said[0] and "(5.0 GiB), or of unknown" in said[0] for name in large)


def test_a_database_of_which_the_server_tells_no_size_is_held_for_a_large_one() -> None:
    made = make_plan(
        facts({"database": {"seen": ("dify", "dify_plugin"), "plugin": "dify_plugin", "sizes": {"dify": GIB}}})
    )
    assert (literal(made, "WHOLE"), literal(made, "BESIDE")) == (["dify"], [])
    assert len([remark for remark in made.remarks if "dify_plugin (size unknown)" in remark]) == 2


def test_a_small_database_beside_is_counted_with_nobody_served_and_a_large_one_is_told() -> None:
    assert literal(plan(GIB, GIB), "BESIDE") == ["dify_plugin"]
    assert not [remark for remark in plan(GIB, GIB).remarks if "not counted" in remark]
    large = plan(GIB, 2 * GIB)
    assert literal(large, "BESIDE") == []
    assert [remark for remark in large.remarks if remark.endswith(" is not seen: all of dify_plugin (2.0 GiB).")]


def test_tables_that_are_too_large_to_be_counted_are_named_with_their_rows() -> None:
    made = plan(GIB, GIB, tables={"accounts": 9, "messages": 2_000_001, "workflow_node_executions": 70_000_000})
    assert literal(made, "COUNTED") == ["accounts"]
    named = "workflow_node_executions (about 70000000 rows), messages (about 2000001 rows)."
    assert [remark for remark in made.remarks if remark.endswith(named)]


POSTGRESQL = r"""
DB_KIND=postgresql
client() { cat >asked; printf dump; { ! grep -q counts asked || echo 'rows|notes|3'; echo 'dump-exit|0'; } >&2; }
count_sql() { echo counts; }
"""
MYSQL = r"""
DB_KIND=mysql DB_USER=root DB_AT=''
client() { printf '%s\n' 'INSERT INTO x' '-- Dump completed'; }
count_rows() { echo 'rows|notes|3'; }
"""


@ALL_SHELLS
@pytest.mark.parametrize("server", [POSTGRESQL, MYSQL], ids=["postgresql", "mysql"])
def test_rows_are_counted_into_the_dump_of_what_is_read_back_whole(tmp_path: Path, shell: str, server: str) -> None:
    asks = "dump dify_plugin ./plugins; dump dify_plugin_before ./copy dify_plugin; dump dify ./main"
    done = verbs(tmp_path, shell, ("database",), SETTING, server, asks)
    assert done.returncode == 0, done.stderr
    rows = {name: (tmp_path / f"{name}.rows").read_text() for name in ("plugins", "copy", "main")}
    assert rows == {"plugins": "rows|notes|3\n", "copy": "rows|notes|3\n", "main": ""}
    said = [line for line in done.stdout.splitlines() if not line.startswith("fact")]
    assert [line.endswith(" s, 1 tables") for line in said] == [True, True, False]
    assert said[2].endswith(" s")


SCRATCH = r"""
DB_KIND=mysql PROJECT=docker scratch=x
: >scratch
scratch_answers() { :; }
in_scratch() { cat >>came; }
scratch_rows() { echo 'rows|notes|3'; }
printf '%s\n' 'CREATE TABLE `notes` (t text);' 'LOCK TABLES `notes` WRITE;' \
  "INSERT INTO \`notes\` VALUES ('a'),('b'),('c');" 'UNLOCK TABLES;' \
  'CREATE TRIGGER one BEFORE INSERT ON notes FOR EACH ROW BEGIN' 'INSERT INTO others VALUES (1);' 'END ;;' | gzip >dump
echo 'rows|notes|3' >dump.rows
"""


@ALL_SHELLS
def test_what_is_read_back_whole_is_counted_and_of_what_is_larger_the_schema_comes(tmp_path: Path, shell: str) -> None:
    whole = verbs(tmp_path, shell, ("database",), SETTING, SCRATCH, "test_restore dify_plugin dump")
    assert whole.stdout == "dify_plugin: read back, 1 tables have their rows\n"
    assert "VALUES ('a')" in (tmp_path / "came").read_text()
    (tmp_path / "came").unlink()

    large = verbs(tmp_path, shell, ("database",), SETTING, SCRATCH, "test_restore dify dump")
    assert large.stdout == (
        "fact without-rows-dify restore-test-max\n"
        "dify: read back without rows; it is, or may be, above restore-test-max\n"
    )
    came = (tmp_path / "came").read_text()
    assert "VALUES ('a')" not in came
    assert "CREATE TABLE `notes`" in came
    assert "INSERT INTO others VALUES (1);\nEND ;;" in came  # what a trigger does is no row


COUNTS = r"""
DB_KIND=postgresql
sql() { cat >/dev/null; cat "rows-of-$1"; }
"""


@ALL_SHELLS
def test_rows_of_the_databases_beside_belong_to_what_data_are_as_before_looks_at(tmp_path: Path, shell: str) -> None:
    (tmp_path / "rows-of-dify").write_text("rows|accounts|2\n")
    (tmp_path / "rows-of-dify_plugin").write_text("rows|plugins|5\nrows|old.plugins|1\n")
    asks = "fingerprint >fingerprint; cat fingerprint; data_are_as_before && echo same"
    done = verbs(tmp_path, shell, ("database", "stop"), SETTING, COUNTS, asks)
    counted = "rows|accounts|2\nrows|dify_plugin.plugins|5\n"  # nothing of another schema than Dify's
    assert done.stdout == f"{counted}same\n", done.stderr

    (tmp_path / "rows-of-dify_plugin").write_text("rows|plugins|4\nrows|old.plugins|2\n")
    asks = "data_are_as_before || echo others; prove_rows rows-lost@1.14.1"
    done = verbs(tmp_path, shell, ("database", "stop", "steps"), SETTING, COUNTS, asks)
    assert done.stdout.startswith(
        "others\nfailed: rows-lost Rows are missing: dify_plugin.plugins: 5 before, 4 now. If the release"
    )


@ALL_SHELLS
def test_a_database_beside_that_cannot_be_counted_is_not_taken_for_an_empty_one(tmp_path: Path, shell: str) -> None:
    (tmp_path / "rows-of-dify").write_text("rows|accounts|2\n")
    done = verbs(tmp_path, shell, ("database",), SETTING, COUNTS, "fingerprint || echo unread")
    assert done.stdout == "rows|accounts|2\nunread\n"


MANIFEST = '{\n "created": [],\n "databases": [\n  "dify",\n  "dify_plugin"\n ],\n "id": "b"\n}\n'


@ALL_SHELLS
@pytest.mark.parametrize(
    ("plugins", "told"),
    [
        ("rows|plugins|5\n", "proven\n"),
        ("rows|plugins|4\n", "failed: rows-lost Rows are missing: dify_plugin: plugins: 5 before, 4 now \n"),
        ("", "failed: rows-lost Rows are missing: dify_plugin: no table can be counted \n"),
    ],
)
def test_going_back_proves_the_rows_of_every_database_of_the_backup(
    tmp_path: Path, shell: str, plugins: str, told: str
) -> None:
    (tmp_path / "manifest.json").write_text(MANIFEST)
    for name, rows in (("dify", "rows|accounts|2\n"), ("dify_plugin", "rows|plugins|5\n")):
        (tmp_path / f"{name}.dump").touch()
        (tmp_path / f"{name}.dump.rows").write_text(rows)
    (tmp_path / "rows-of-dify").write_text("rows|accounts|2\n")
    (tmp_path / "rows-of-dify_plugin").write_text(plugins)
    asks = "prove_rows_of . && echo proven"
    done = verbs(tmp_path, shell, ("database", "restore", "steps"), SETTING, COUNTS, asks)
    assert done.stdout == told, done.stderr


@ALL_SHELLS
def test_a_backup_into_which_no_rows_were_counted_says_that_it_proves_none(tmp_path: Path, shell: str) -> None:
    (tmp_path / "manifest.json").write_text(MANIFEST)
    (tmp_path / "dify.dump.rows").touch()
    (tmp_path / "dify_plugin.dump.rows").write_text("rows|plugins|5\n")
    (tmp_path / "rows-of-dify_plugin").write_text("rows|plugins|5\n")
    done = verbs(tmp_path, shell, ("database", "restore", "steps"), SETTING, COUNTS, "prove_rows_of . && echo proven")
    assert done.stdout == "dify: no rows were counted into the backup, and none are compared\nproven\n"
