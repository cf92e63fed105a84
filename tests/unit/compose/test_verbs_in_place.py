"""What is read back where a database stays the one that it is: what is its user's, and nothing that stays there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.compose.runbooks import SHELLS, verbs

# As `pg_restore -l` tells it.
DUMP = """\
;
; Archive created at 2026-11-22 02:00:00 UTC
;     Dumped from database version: 15.8
;
10; 2615 17215 SCHEMA - auth admin
9; 2615 16994 SCHEMA - extensions dify
8; 2615 16995 SCHEMA - own dify
4; 3079 16996 EXTENSION - pg_trgm 
3560; 0 0 COMMENT - EXTENSION pg_trgm 
3555; 0 0 ACL - SCHEMA auth admin
244; 1255 17250 FUNCTION extensions watch() admin
245; 1255 17251 FUNCTION extensions mine(text, integer) dify
224; 1259 17216 TABLE auth users admin
216; 1259 17208 TABLE public accounts dify
217; 1259 17209 TABLE public brought_along former owner
218; 1259 17210 TABLE own notes dify
3545; 0 17216 TABLE DATA auth users admin
3546; 0 17208 TABLE DATA public accounts dify
3540; 6104 17221 PUBLICATION - cdc admin
3541; 6104 17222 PUBLICATION - its dify
3542; 6106 17223 PUBLICATION TABLE public cdc accounts admin
3543; 6106 17224 PUBLICATION TABLE public its accounts dify
3392; 3466 17251 EVENT TRIGGER - et admin
"""  # noqa: W291 - whose an extension is, is not said
SERVER = """\
DB_KIND=postgresql RUN=. PATIENT=''
say() { echo "$*"; }
sql() {
  [ -z "${SILENT:-}" ] || return 2
  cat >asked
  printf '%s\\n' 'mine| dify' 'mine| all of us' 'shared| auth ' 'shared| extensions ' \\
    'there|SCHEMA - auth ' 'there|SCHEMA - extensions ' 'there|SCHEMA - public ' \\
    'there|PUBLICATION - cdc ' 'there|PUBLICATION - its '
}
client() { cat; }
"""


def listed(folder: Path, shell: str, what: str) -> str:
    (folder / "dump").write_text(DUMP)
    return verbs(folder, shell, ("restore",), SERVER, what).stdout


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_what_is_somebody_elses_and_what_extensions_are_in_stays_and_is_not_read_back(
    tmp_path: Path, shell: str
) -> None:
    numbers = listed(tmp_path, shell, "list_own dify dump")
    read_back = [line for line in DUMP.splitlines() if line.split()[0] in numbers.split()]
    assert [line.split(maxsplit=3)[3] for line in read_back] == [
        "SCHEMA - own dify",
        "EXTENSION - pg_trgm ",
        "COMMENT - EXTENSION pg_trgm ",
        "FUNCTION extensions mine(text, integer) dify",
        "TABLE public accounts dify",
        "TABLE public brought_along former owner",
        "TABLE own notes dify",
        "TABLE DATA public accounts dify",
        "PUBLICATION TABLE public its accounts dify",
    ]


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_nothing_is_read_back_where_the_server_does_not_say_what_is_whose(tmp_path: Path, shell: str) -> None:
    asked = "restore_in_place() { echo read; }; restored_in_place dify dump || echo stuck"
    told = listed(tmp_path, shell, f"SILENT=yes; {asked}")
    assert told == "dify: what dump has for it cannot be told\nstuck\n"


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_emptying_names_no_schema_of_an_extension_and_none_of_somebody_else(tmp_path: Path, shell: str) -> None:
    told = listed(tmp_path, shell, "emptying")
    assert told.startswith("DO $$\nDECLARE each record;\n")
    assert told.endswith("END $$;\n")
    dropped, kept, _ = told.partition("LOOP EXECUTE")
    assert "AND NOT (nspname = 'public' OR NOT pg_has_role(nspowner, 'USAGE')" in dropped
    assert "SELECT FROM pg_extension WHERE extnamespace = n.oid" in dropped
    assert "objid = c.oid AND deptype IN ('e', 'i')" in told  # a column's own sequence goes with it
    assert kept
