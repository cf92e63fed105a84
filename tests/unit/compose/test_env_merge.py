from __future__ import annotations

import pytest

from difyaction.compose.env_merge import merge
from difyaction.compose.env_records import Added, Changed
from difyaction.errors import Invalid
from difyaction.secret import Secret
from tests.unit.compose.releases import new, old

THEIRS = b"""\
# ours
MY_OWN=1
DB_HOST=db   # the container
LOG_LEVEL=INFO
COMPOSE_PROFILES=${VECTOR_STORE:-weaviate}"""


def test_the_whole_result_reads_like_a_careful_persons_work() -> None:
    merged = merge(old(), THEIRS, new())
    assert (
        merged.content.decode()
        == """\
# ours
MY_OWN=1
DB_HOST=db_postgres   # the container
LOG_LEVEL=INFO
COMPOSE_PROFILES=${VECTOR_STORE:-weaviate},${DB_TYPE:-postgresql},collaboration

# ------------------------------------------------------------------
# Dify 1.14.1 (from 1.9.2): secret-key-explicit
# Up to 1.14.0 the compose file supplied this key; without it 1.14.1 makes a new one, which ends all
# sessions and cannot decrypt what the old one encrypted.
# ------------------------------------------------------------------
SECRET_KEY=sk-published

# ------------------------------------------------------------------
# Dify 1.14.1 (from 1.9.2): compose-default-explicit
# Up to 1.14.0 the compose file supplied these values; from 1.14.1 on it supplies none, and the code's
# own defaults differ.
# ------------------------------------------------------------------
PGUSER=postgres
ENDPOINT=http://localhost/e/{hook_id}
LOG_DATEFORMAT=%Y-%m-%d %H:%M:%S
MAIL_TYPE=

# ------------------------------------------------------------------
# Dify 1.14.1 (from 1.9.2): new keys, with upstream's defaults
# ------------------------------------------------------------------
DB_USERNAME=postgres

# Whether migrations run
# when a container starts
MIGRATION_ENABLED=true
EVENT_BUS_REDIS_URL=
"""
    )


def test_the_records_say_what_was_done_and_hide_what_is_secret() -> None:
    merged = merge(old(), THEIRS, new(), secret_key=Secret("running"))
    profiles = "${VECTOR_STORE:-weaviate}"
    assert merged.changed == (
        Changed("DB_HOST", "db", "db_postgres", "db-host-renamed"),
        Changed("COMPOSE_PROFILES", profiles, f"{profiles},${{DB_TYPE:-postgresql}}", "database-profile"),
        Changed(
            "COMPOSE_PROFILES",
            f"{profiles},${{DB_TYPE:-postgresql}}",
            f"{profiles},${{DB_TYPE:-postgresql}},collaboration",
            "collaboration-profile",
        ),
    )
    assert merged.added[0] == Added("SECRET_KEY", Secret("running"), "secret-key-explicit")
    assert Added("MIGRATION_ENABLED", "true") in merged.added
    assert merged.kept_own == ("MY_OWN",)
    assert "running" not in repr(merged)


def test_a_value_that_was_the_default_stays_and_is_remarked() -> None:
    remarks = [str(remark) for remark in merge(old(), THEIRS, new()).remarks]
    assert "LOG_LEVEL stays at 'INFO', which was upstream's default; in 1.14.1 it is 'WARNING'." in remarks
    assert not [remark for remark in merge(old(), b"LOG_LEVEL=DEBUG\n", new()).remarks if remark.key == "LOG_LEVEL"]


@pytest.mark.parametrize(
    ("theirs", "remark", "key"),
    [
        (b"SECRET_KEY=sk-published\n", "secret-key-public", "SECRET_KEY"),
        (b"SECRET_KEY\n", "secret-key-unknown", "SECRET_KEY"),
        (b"REPORTS=postgresql://me@db:5432/dify\n", "database-named-elsewhere", "REPORTS"),
        (b"EXPOSE_DB_PORT=1\n", "key-retired", "EXPOSE_DB_PORT"),
        (b"MY_OWN=1\n", "own-key-reaches-containers", "MY_OWN"),
    ],
)
def test_what_a_reader_should_know_is_remarked(theirs: bytes, remark: str, key: str) -> None:
    assert (remark, key) in [(found.id, found.key) for found in merge(old(), theirs, new()).remarks]


def test_the_database_elsewhere_is_left_alone() -> None:
    theirs = b"DB_HOST=db.example.com\nCOMPOSE_PROFILES=qdrant\n"
    merged = merge(old(), theirs, new())
    assert [(change.key, change.new) for change in merged.changed] == [("COMPOSE_PROFILES", "qdrant,collaboration")]


def test_the_old_name_of_the_event_bus_stays_beside_the_new_one() -> None:
    content = merge(old("1.13.0"), b"PUBSUB_REDIS_URL=redis://r\n", new()).content
    assert content.startswith(b"PUBSUB_REDIS_URL=redis://r\n")
    assert b"\nEVENT_BUS_REDIS_URL=redis://r\n" in content


def test_nothing_is_added_where_nothing_is_new() -> None:
    theirs = b"DB_HOST=elsewhere"
    assert merge(new("1.14.1"), theirs, new("1.15.0")).content == theirs


def test_a_key_that_they_left_out_stays_out_while_the_compose_file_has_its_default() -> None:
    merged = merge(old("1.9.1"), b"MY_OWN=1\n", old("1.9.2", example=b"LOG_LEVEL=INFO\nFRESH=1\n"))
    assert [added.key for added in merged.added] == ["FRESH"]


def test_without_the_old_example_the_running_compose_file_says_what_is_not_new() -> None:
    target = old("1.9.2", example=b"DB_USERNAME=postgres\nFRESH=1\n")
    assert [added.key for added in merge(old("1.9.1", example=None), b"", target).added] == ["FRESH"]


def test_a_key_of_an_optional_env_file_is_not_overridden_from_below() -> None:
    files = {"envs/core-services/api.env": b"MIGRATION_ENABLED=false\n"}
    merged = merge(old("1.14.0"), THEIRS, new(), env_files=files)
    assert "MIGRATION_ENABLED" not in {added.key for added in merged.added}


@pytest.mark.parametrize(
    "theirs", [b"", b"\xef\xbb\xbfA=1\r\n", b"A=\xff\xfe\n# \xe9\n", b"\n\n  \n", b"#only\n", b"A='1\n2'"]
)
def test_odd_files_stay_as_they_are_above_what_is_added(theirs: bytes) -> None:
    merged = merge(old(), theirs, new())
    assert merged.content.startswith(theirs)
    assert merge(old(), merged.content, new()).content == merged.content
    assert not merged.content.startswith(b"\n") or theirs.startswith(b"\n")


def test_the_last_of_several_assignments_is_the_one_that_changes() -> None:
    merged = merge(old(), b"DB_HOST=db\nDB_HOST=db\n", new())
    assert merged.content.startswith(b"DB_HOST=db\nDB_HOST=db_postgres\n")


def test_a_line_that_compose_cannot_read_is_named() -> None:
    with pytest.raises(Invalid) as caught:
        merge(old(), b'A=1\nB="open\n', new())
    complaint = caught.value.complaints[0]
    assert (complaint.id, complaint.file, complaint.line) == ("env-quote", ".env", 2)
