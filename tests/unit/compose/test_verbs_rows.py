"""How rows are proven: none may be missing, but the twins that upstream's own migrations delete."""

from __future__ import annotations

from pathlib import Path

import pytest

from difyaction.compose.tables import shrinking_tables
from difyaction.releases.version import Version
from tests.unit.compose.runbooks import SHELLS, verbs

PRELUDE = r"""
RUN=. DB_KIND=postgresql
fail() { echo "failed: $*"; exit 70; }
say() { echo "$*"; }
"""
NOTES = "rows|messages|7\nrows|tenant_default_models|5\nrows|provider_models|3\n"


def told(folder: Path, shell: str, after: str, *words: str) -> str:
    (folder / "fingerprint").write_text(NOTES)
    (folder / "now").write_text(after)
    given = "fingerprint() { cat now; }"
    asked = " ".join(("prove_rows", *words))
    return verbs(folder, shell, ("database", "steps", "stop", "change"), PRELUDE, given, "set -eu", asked).stdout


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_nobody_hears_of_tables_that_kept_their_rows_or_got_more_or_went(tmp_path: Path, shell: str) -> None:
    assert told(tmp_path, shell, "rows|messages|9\nrows|tenant_default_models|5\n", "rows-lost@1.13.0") == ""


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_twins_that_a_migration_deletes_are_named_and_no_loss(tmp_path: Path, shell: str) -> None:
    after = NOTES.replace("models|5", "models|4")
    said = told(tmp_path, shell, after, "rows-lost@1.13.0", "provider_models", "tenant_default_models")
    assert said == "upstream's migrations delete twins: tenant_default_models: 5 before, 4 now\n"


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_where_every_row_is_gone_these_were_no_twins(tmp_path: Path, shell: str) -> None:
    after = NOTES.replace("models|5", "models|0")
    said = told(tmp_path, shell, after, "rows-lost@1.13.0", "tenant_default_models")
    assert said.startswith("failed: rows-lost Rows are missing: tenant_default_models: 5 before, 0 now.")


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_loss_that_nobody_explains_is_told_with_the_word_that_accepts_it(tmp_path: Path, shell: str) -> None:
    after = NOTES.replace("messages|7", "messages|6").replace("models|3", "models|2")
    said = told(tmp_path, shell, after, "rows-lost@1.18.0", "provider_models")
    explained, missing = said.splitlines()
    assert explained == "upstream's migrations delete twins: provider_models: 3 before, 2 now"
    assert missing.startswith("failed: rows-lost Rows are missing: messages: 7 before, 6 now. ")
    assert missing.endswith("on purpose, acknowledge rows-lost@1.18.0")


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_loss_that_somebody_accepted_is_said_and_goes_on(tmp_path: Path, shell: str) -> None:
    said = told(tmp_path, shell, NOTES.replace("messages|7", "messages|6"), "''")
    assert said == "rows are missing, as was acknowledged: messages: 7 before, 6 now\n"


@pytest.mark.parametrize(
    ("installed", "wanted", "tables"),
    [
        ("1.12.1", "1.13.0", ("tenant_default_models",)),
        ("1.11.4", "1.16.1", ("tenant_default_models",)),
        ("1.13.0", "1.16.1", ()),
        ("0.15.8", "1.12.1", ()),
    ],
)
def test_only_migrations_on_the_way_explain_what_is_missing(installed: str, wanted: str, tables: tuple[str]) -> None:
    assert shrinking_tables(Version.parse(installed), Version.parse(wanted)) == tables


def test_the_migration_of_model_types_deletes_from_five_tables() -> None:
    assert len(shrinking_tables(Version.parse("1.16.1"), Version.parse("1.17.1"))) == 5


def kept(folder: Path, shell: str, before: str, after: str) -> str:
    (folder / "before").write_text(before)
    (folder / "after").write_text(after)
    asked = "rows_kept before after exact && echo kept || cat lost"
    return verbs(folder, shell, ("database",), PRELUDE, asked).stdout


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_tables_of_the_same_name_in_two_schemas_are_two_tables(tmp_path: Path, shell: str) -> None:
    both = "rows|accounts|5\nrows|old.accounts|0\n"
    assert kept(tmp_path, shell, both, both) == "kept\n"
    assert kept(tmp_path, shell, both, "rows|accounts|5\n") == "old.accounts: 0 before, gone now\n"
    assert kept(tmp_path, shell, both, "rows|old.accounts|0\n") == "accounts: 5 before, gone now\n"


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_an_older_backup_that_names_no_schema_is_still_proven(tmp_path: Path, shell: str) -> None:
    older = "rows|accounts|5\nrows|notes|3\n"
    assert kept(tmp_path, shell, older, "rows|accounts|5\nrows|old.accounts|7\nrows|own.notes|3\n") == "kept\n"
    assert kept(tmp_path, shell, older, "rows|accounts|5\nrows|own.notes|2\n") == "notes: 3 before, 2 now\n"
