from __future__ import annotations

import pytest

from difyaction.compose import env_amendments
from difyaction.compose.env_amendments import Amendments, Way
from difyaction.compose.env_file import read_env
from difyaction.compose.env_merge import merge
from difyaction.compose.env_rules import all_rules, crosses, rules_between
from difyaction.releases.version import Version
from difyaction.secret import Secret
from tests.unit.compose.releases import new, old
from tests.upstream_releases import shipped


def asked(rule: str, theirs: bytes, *, secret_key: Secret | None = None) -> Amendments:
    amend = {known.id: known.amend for known in all_rules()}[rule]
    return amend(Way(old(), new(), read_env(theirs, file=".env"), secret_key))


def ids(installed: str, wanted: str) -> list[str]:
    return [rule.id for rule in rules_between(Version.parse(installed), Version.parse(wanted))]


def test_every_rule_has_a_function_of_its_name_and_every_function_a_rule() -> None:
    functions = {name for name in vars(env_amendments) if not name.startswith("_") and name.islower()}
    named = {rule.id.replace("-", "_") for rule in all_rules()}
    assert named == {
        name for name in functions if getattr(vars(env_amendments)[name], "__module__", "") == env_amendments.__name__
    }


def test_every_rule_says_why_and_where_to_read_it_up() -> None:
    for rule in all_rules():
        assert rule.reason.endswith(".")
        assert rule.source.startswith("https://github.com/langgenius/dify/")


@pytest.mark.parametrize(
    ("installed", "wanted", "expected"),
    [
        ("1.9.2", "1.10.0", []),
        ("1.10.0", "1.10.1", ["db-host-renamed", "database-profile"]),
        ("1.10.1", "1.10.1-fix.1", []),
        ("1.13.0", "1.13.3", ["event-bus-renamed"]),
        (
            "1.14.0",
            "1.16.1",
            [
                "collaboration-profile",
                "secret-key-explicit",
                "weaviate-stays-closed",
                "empty-took-default",
                "compose-default-explicit",
            ],
        ),
        ("1.14.1", "1.16.1", []),
        ("1.14.1", "1.14.0", []),
    ],
)
def test_a_rule_is_asked_of_those_who_cross_its_release(installed: str, wanted: str, expected: list[str]) -> None:
    assert ids(installed, wanted) == expected


def test_a_release_candidate_counts_as_its_release() -> None:
    version = Version.parse
    assert crosses(version("1.14.1"), version("1.14.0"), version("1.14.1-rc1"))
    assert not crosses(version("1.14.1"), version("1.14.1-rc1"), version("1.14.1"))


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        (b"DB_HOST=db", {"DB_HOST": "db_postgres"}),
        (b"DB_HOST='db'", {"DB_HOST": "'db_postgres'"}),
        (b"DB_HOST=db.example.com", {}),
        (b"DB_HOST=", {}),
        (b"", {}),
    ],
)
def test_the_database_host_is_renamed_only_where_it_was_the_service(theirs: bytes, expected: Amendments) -> None:
    assert asked("db-host-renamed", theirs) == expected


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        (b"COMPOSE_PROFILES=${VECTOR_STORE:-weaviate}", "${VECTOR_STORE:-weaviate},${DB_TYPE:-postgresql}"),
        (b'COMPOSE_PROFILES="qdrant"', '"qdrant,${DB_TYPE:-postgresql}"'),
        (b"COMPOSE_PROFILES='qdrant'", "'qdrant,postgresql'"),
        (b"COMPOSE_PROFILES=qdrant,", "qdrant,${DB_TYPE:-postgresql}"),
        (b"COMPOSE_PROFILES=", "${DB_TYPE:-postgresql}"),
        (b"", "${DB_TYPE:-postgresql}"),
        (b"DB_HOST=db_postgres", "${DB_TYPE:-postgresql}"),
        (b"DB_HOST=db.example.com", None),
        (b"COMPOSE_PROFILES=postgresql , weaviate", None),
        (b"COMPOSE_PROFILES=*", None),
        (b"DB_TYPE=mysql\nCOMPOSE_PROFILES=${DB_TYPE}", None),
        (b"COMPOSE_PROFILES\n", None),
    ],
)
def test_the_databases_profile_is_added_where_its_container_is_needed(theirs: bytes, expected: str | None) -> None:
    assert asked("database-profile", theirs) == ({"COMPOSE_PROFILES": expected} if expected else {})


def test_the_collaboration_profile_is_added_once() -> None:
    assert asked("collaboration-profile", b"COMPOSE_PROFILES=a") == {"COMPOSE_PROFILES": "a,collaboration"}
    assert asked("collaboration-profile", b"COMPOSE_PROFILES=collaboration,a") == {}


def test_the_event_bus_takes_the_value_of_its_old_name_as_it_is_written() -> None:
    assert asked("event-bus-renamed", b"PUBSUB_REDIS_URL='redis://r'") == {"EVENT_BUS_REDIS_URL": "'redis://r'"}
    assert asked("event-bus-renamed", b"PUBSUB_REDIS_URL=a\nEVENT_BUS_REDIS_URL=b") == {}
    assert asked("event-bus-renamed", b"PUBSUB_REDIS_OWN=a") == {}


@pytest.mark.parametrize("theirs", [b"", b"SECRET_KEY=", b"SECRET_KEY=''"])
def test_a_secret_key_that_the_compose_file_supplied_becomes_explicit(theirs: bytes) -> None:
    assert asked("secret-key-explicit", theirs) == {"SECRET_KEY": "sk-published"}
    assert asked("secret-key-explicit", theirs, secret_key=Secret("run$ning")) == {"SECRET_KEY": "'run$ning'"}


def test_a_secret_key_of_theirs_stays() -> None:
    assert asked("secret-key-explicit", b"SECRET_KEY=own", secret_key=Secret("other")) == {}
    assert asked("secret-key-explicit", b"SECRET_KEY\n") == {}


def test_an_empty_value_becomes_what_it_was_read_as() -> None:
    theirs = b"LOG_DATEFORMAT=\nMAIL_TYPE=\nENDPOINT=\nOWN="
    expected = {"ENDPOINT": "http://localhost/e/{hook_id}", "LOG_DATEFORMAT": "%Y-%m-%d %H:%M:%S"}
    assert asked("empty-took-default", theirs) == expected


def test_defaults_of_the_old_compose_file_that_the_new_example_lacks_become_explicit() -> None:
    assert asked("compose-default-explicit", b"ENDPOINT=own\nDB_USERNAME=me") == {
        "PGUSER": "me",
        "LOG_DATEFORMAT": "%Y-%m-%d %H:%M:%S",
        "MAIL_TYPE": "",
    }
    assert asked("compose-default-explicit", b"")["PGUSER"] == "postgres"


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        (b"", "false"),
        (b"WEAVIATE_AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED=", "false"),
        (b"WEAVIATE_AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED=true", None),
        (b"WEAVIATE_AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED\n", None),
    ],
)
def test_weaviate_stays_closed_where_nobody_opened_it(theirs: bytes, expected: str | None) -> None:
    amend = {known.id: known.amend for known in all_rules()}["weaviate-stays-closed"]
    way = Way(shipped("1.14.0"), shipped("1.14.1"), read_env(theirs, file=".env"))
    key = "WEAVIATE_AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED"
    assert amend(way) == ({key: expected} if expected else {})
    merged = merge(way.base, theirs, way.target).content.decode()
    assert (f"{key}=true" in merged.splitlines()) == (theirs[-4:] == b"true")
    assert asked("weaviate-stays-closed", theirs) == {}  # of a compose file that says nothing of it
