"""Override files, and services of their own, follow where upstream renames a service."""

from __future__ import annotations

from dataclasses import replace

import pytest

from difyaction.compose.facts import Container
from difyaction.compose.renamed import calling, renamed, renames
from difyaction.compose.server_plan import make_plan
from difyaction.releases.version import Version
from difyaction.secret import Secret
from tests.unit.compose.machines import compose_text, facts
from tests.upstream_releases import files_of, pairs

NAMES = {"db": "db_postgres"}
OVERRIDE = "docker-compose.override.yaml"
ACROSS = {"installed": "1.10.0", "wanted": "1.10.1", "heads": ["669ffd70119c"]}


@pytest.mark.parametrize(
    ("theirs", "after"),
    [
        ('services:\n  db:\n    ports: ["5432:5432"]\n', 'services:\n  db_postgres:\n    ports: ["5432:5432"]\n'),
        ("services: {x: {depends_on: [redis, 'db']}}", "services: {x: {depends_on: [redis, 'db_postgres']}}"),
        (
            "services:\r\n  x:  # é\r\n    depends_on:\r\n      db: {condition: service_healthy}\r\n",
            "services:\r\n  x:  # é\r\n    depends_on:\r\n      db_postgres: {condition: service_healthy}\r\n",
        ),
        (
            "x-on: &on [db]\nservices:\n  a: {depends_on: *on}\n  b: {depends_on: *on}\n",
            "x-on: &on [db_postgres]\nservices:\n  a: {depends_on: *on}\n  b: {depends_on: *on}\n",
        ),
        ("services:\n  db: !reset null\n", "services:\n  db_postgres: !reset null\n"),
    ],
)
def test_a_service_is_known_by_its_new_name(theirs: str, after: str) -> None:
    assert renamed(theirs.encode(), NAMES) == after.encode()


@pytest.mark.parametrize(
    "theirs",
    [
        "services:\n  x:\n    image: db\n    environment: {db: db}\n    networks: [db]\nnetworks:\n  db: {}\n",
        "services:\n  db: {image: a}\n  db_postgres: {image: b}\n",
        "services: [db]\n",
        "services:\n  db: {\n",
        "",
    ],
)
def test_all_else_stays_as_it_is(theirs: str) -> None:
    assert renamed(theirs.encode(), NAMES) == theirs.encode()
    assert renamed(b"\xff", NAMES) == b"\xff"


def test_upstream_renamed_one_service_once() -> None:
    for before, after in pairs():
        across = Version.parse(before).numbers < (1, 10, 1) <= Version.parse(after).numbers
        texts = (files_of(tag)["docker-compose.yaml"] for tag in (before, after))
        assert renames(*texts) == (NAMES if across else {}), (before, after)


def test_an_override_file_is_written_and_goes_back_with_all_others() -> None:
    override = "services:\n  db:\n    environment: {POSTGRES_PASSWORD: hunter2, PGTZ: UTC}\n"
    plan = make_plan(facts({**ACROSS, "files": {OVERRIDE: override}}))
    steps = {step.name: step for step in plan.steps}
    assert plan.delivered[OVERRIDE] == override.replace("db:", "db_postgres:").encode()
    assert f"switch_file {OVERRIDE} 644" in steps["switch"].do
    assert f"put_back {OVERRIDE} " in steps["switch"].undo
    files = next(document.text for document in plan.documents if document.title == "Files")
    assert "-  db:\n+  db_postgres:" in files
    assert "hunter2" not in files


def test_a_service_of_their_own_in_the_compose_file_waits_for_the_renamed_one() -> None:
    own = "  adminer:\n    image: adminer:4\n    depends_on:\n      - db\n"
    theirs = compose_text("1.10.0") + own
    made = facts({**ACROSS, "files": {"docker-compose.yaml": theirs}}).draft.files["docker-compose.yaml"]
    assert made.decode() == compose_text("1.10.1") + own.replace("- db", "- db_postgres")


def test_on_any_other_way_the_override_file_is_theirs_alone() -> None:
    override = "services:\n  db: {image: 'postgres:15-alpine'}\n"
    assert OVERRIDE not in facts({"files": {OVERRIDE: override}}).draft.written


def environments(**theirs: str) -> dict[str, dict[str, Secret]]:
    return {"backup": {key: Secret(value) for key, value in theirs.items()}}


@pytest.mark.parametrize(
    "theirs",
    [
        {"PGHOST": "db"},
        {"DB_HOST": "db:5432"},
        {"DATABASE_URL": "postgresql://me:p@ss@db:5432/dify"},
        {"DATABASE_URL": "postgresql://db/dify"},
    ],
)
def test_who_finds_it_by_a_variable_is_told_before(theirs: dict[str, str]) -> None:
    (note,) = calling(environments(**theirs), "db", "db_postgres")
    assert str(note) == (
        f"backup finds db by {', '.join(theirs)}, and db is called db_postgres from now on: correct it, or it finds"
        " nothing."
    )


@pytest.mark.parametrize(
    "theirs",
    [{"POSTGRES_DB": "db"}, {"PGHOST": "db_postgres"}, {"PGHOST": "mydb"}, {"DATABASE_URL": "redis://redis:6379/db"}],
)
def test_other_words_of_that_name_are_no_address(theirs: dict[str, str]) -> None:
    assert not list(calling(environments(**theirs), "db", "db_postgres"))


@pytest.mark.parametrize("crosses", [True, False])
def test_a_plan_names_those_beside_dify_where_the_service_is_renamed(crosses: bool) -> None:  # noqa: FBT001
    beside = Container(
        id="b" * 64,
        name="backup-1",
        service="backup",
        image="acme/backup",
        image_id="sha256:x",
        environment={"PGHOST": Secret("db")},
    )
    given = facts(ACROSS if crosses else {})
    machine = replace(given.machine, containers=(*given.machine.containers, beside))
    remarks = make_plan(replace(given, machine=machine)).remarks
    assert [each for each in remarks if "backup finds db" in each] == [
        "backup finds db by PGHOST, and db is called db_postgres from now on: correct it, or it finds nothing."
    ] * crosses
