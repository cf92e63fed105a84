from __future__ import annotations

from tests.unit.compose.releases import new, old


def test_the_shared_block_and_the_services_are_read_off_the_compose_file() -> None:
    assert old().shared["ENDPOINT"] == "${ENDPOINT:-http://localhost/e/{hook_id}}"
    assert old().services == {"api", "db"}
    assert new().shared == {}
    assert new().services == {"api", "db_postgres"}


def test_a_default_of_the_compose_file_gives_way_to_a_value() -> None:
    assert old().supplied("DB_HOST", {}) == "db"
    assert old().supplied("DB_HOST", {"DB_HOST": "h"}) == "h"
    assert old().supplied("PGUSER", {}) == "postgres"
    assert old().supplied("PGUSER", {"DB_USERNAME": "me"}) == "me"
    assert old().supplied("UNKNOWN", {}) == ""


def test_only_optional_files_that_the_compose_file_reads_count() -> None:
    assert list(new().optional) == ["envs/core-services/api.env.example"]
    assert new().homes["DB_HOST"] == (".env.example", "envs/core-services/api.env.example")
    assert new().default("MAIL_TYPE") == "resend"
    assert new().default("X") is None


def test_keys_that_no_file_knows_have_no_home() -> None:
    assert new().homeless(("MAIL_TYPE", "MY_OWN", "DB_HOST", "X")) == ("MY_OWN", "X")
    assert "EXPOSE_DB_PORT" in old().known
