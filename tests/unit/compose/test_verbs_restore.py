"""How databases are put back, where the server is away for a moment: silence is no answer."""

from __future__ import annotations

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
sql() {
  echo x >>asked
  [ "$(wc -l <asked)" -gt "$AWAY" ] || { echo 'the server is starting' >&2; return 2; }
  statement=$(cat)
  case "$statement" in SELECT\\ count*) echo "$THERE" ;; *'DROP DATABASE'*) echo "$statement" >>dropping ;; esac
}
"""


def ran(folder: Path, shell: str, what: str, *, away: int, there: int) -> str:
    done = verbs(folder, shell, ("restore", "steps"), f"AWAY={away} THERE={there}", AWAY_FOR_TWO, what)
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
