"""The target ``server`` on machines that are not the plain one: other users, other ways in, other databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.server_faults import Striker, assert_at_rest
from tests.e2e.server_runs import PATIENT, Told, run
from tests.rig.layouts import OUTSIDE
from tests.rig.session import rig_or_skip
from tests.rig.sparse import sparse
from tests.rig.stack import Rig

pytestmark = pytest.mark.hosts

OLD, NEW = "1.13.3", "1.14.1"
NEW_HEAD = "a4f2d8c9b731"


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    yield from rig_or_skip()


def runbook(rig: Rig, home: str) -> str:
    """Return the script of the only run of a user who is not root."""
    (found,) = rig.machine.path(f"{home}/.local/state/dify-upgrade-action/runs").glob("*/runbook.sh")
    return found.read_text(encoding="utf-8")


def assert_read_back_by_size(told: Told) -> None:
    """Hold that the small database was read back with all its rows, and of the large one the schema alone."""
    assert "Of these databases the dump is read back without its rows" in told.log
    assert "dify_plugin: read back, " in told.log
    assert "dify: read back without rows; it is, or may be, above restore-test-max" in told.log
    sentence = "Larger than `restore-test-max`, or of unknown size, and therefore read back without rows: dify. "
    assert [each.startswith(sentence) for each in told.sentences].count(True) == 1


def test_an_upgrade_goes_through_a_jump_host_whose_connections_are_cut(rig: Rig) -> None:
    with rig.install(version=OLD) as dify, rig.jump_host() as jump:
        inside = rig.sshd("root")
        way = {
            "host": "127.0.0.1",
            "port": "22",
            "jump_host": f"{jump.user}@{jump.host}:{jump.port}",
            "ssh_known_hosts": jump.known_hosts + inside.known_within,
        }
        pinned_wrongly = jump.known_hosts + jump.known_hosts.replace(f"[{jump.host}]:{jump.port}", "127.0.0.1")

        refused = run(rig, dify, dify_version=NEW, **way | {"ssh_known_hosts": pinned_wrongly})
        assert (refused.status, refused.error) == ("refused", "ssh-host-key-changed"), refused.log[-3000:]
        cuts: list[int] = []

        def cut(step: str) -> None:
            if step in {"dump", "migrate", "verify"}:
                cuts.append(jump.cut())

        with Striker(rig, cut):
            told = run(rig, dify, dify_version=NEW, **way, **PATIENT)

        assert (told.status, told.error) == ("upgraded", ""), told.log[-3000:]
        assert len(cuts) == 3
        assert all(cuts)
        assert "no contact (connection-lost)" in told.log
        assert dify.head() == NEW_HEAD
        assert_at_rest(rig, dify)


def test_a_database_elsewhere_is_put_back_where_its_user_may_not_make_one_and_cloned_where_it_may(rig: Rig) -> None:
    with rig.install(version=OLD, outside="NOCREATEDB") as dify:
        # what its administrator granted stands in the dump, and only he may grant it again
        dify.sql(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO {OUTSIDE['DB_USERNAME']}")
        # extensions that he made stay where they are; a table may have the name of one of Dify's
        dify.sql("CREATE SCHEMA extensions; CREATE EXTENSION pg_trgm SCHEMA extensions")
        dify.sql(f"CREATE SCHEMA earlier AUTHORIZATION {OUTSIDE['DB_USERNAME']}")
        dify.sql(f"SET ROLE {OUTSIDE['DB_USERNAME']}; CREATE TABLE earlier.messages (id int)")
        before, files = dify.rows(), dify.files()

        refused = run(rig, dify, dify_version=NEW, database_client_image="postgres:14-alpine")

        assert (refused.status, refused.error) == ("refused", "objections"), refused.log[-3000:]
        rig.fault("migration-half", version=NEW)

        told = run(rig, dify, dify_version=NEW, final_backup="clone")

        assert (told.status, told.error) == ("rolled-back", "migration-failed"), told.log[-3000:]
        assert dify.serves()
        assert dify.rows() == before
        assert dify.files() == files
        assert dify.credentials_open()
        assert OUTSIDE["DB_PASSWORD"] not in told.log
        assert "dify: without the rights that others were granted in it" in told.log
        assert (
            dify.sql("SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'pg_trgm'").strip()
            == "extensions"
        )
        assert dify.sql("SELECT count(*) FROM earlier.messages").strip() == "0"
        rig.restore_images()
        dify.sql(f"ALTER ROLE {OUTSIDE['DB_USERNAME']} CREATEDB", "postgres")

        told = run(rig, dify, dify_version=NEW, final_backup="clone", **PATIENT)

        assert (told.status, told.error) == ("upgraded", ""), told.log[-3000:]
        assert "cloned as dify_before_upgrade" in told.log
        assert dify.head() == NEW_HEAD
        assert dify.rows()["dify_plugin.plugins"] == before["dify_plugin.plugins"]
        assert dify.rows()["dify.messages"].count == before["dify.messages"].count
        assert "dify_before_upgrade" not in dify.sql("SELECT datname FROM pg_database")


def test_a_dify_in_mysql_is_upgraded_and_its_dumps_are_read_back(rig: Rig) -> None:
    with rig.install(version=OLD, mysql=True) as dify:
        dify.sql("CREATE TABLE of_theirs (t longtext); INSERT INTO of_theirs SELECT REPEAT('x', 4000000)")
        dify.sql("ANALYZE TABLE of_theirs")
        before = dify.rows()

        told = run(rig, dify, dify_version=NEW, restore_test_max="2MB", **PATIENT)

        assert (told.status, told.error) == ("upgraded", ""), told.log[-3000:]
        assert dify.head() == NEW_HEAD
        assert dify.rows()["dify.messages"] == before["dify.messages"]
        assert dify.credentials_open()
        assert_read_back_by_size(told)


def test_a_mysql_elsewhere_is_put_back_by_a_user_who_owns_nothing_else_there(rig: Rig) -> None:
    with rig.install(version=OLD, mysql=True, outside="CREATEDB") as dify:
        before, files = dify.rows(), dify.files()

        refused = run(rig, dify, dify_version=NEW, database_client_image="mysql:8.0")

        assert (refused.status, refused.error) == ("refused", "objections"), refused.log[-3000:]
        rig.fault("migration-half", version=NEW)

        told = run(rig, dify, dify_version=NEW)

        assert (told.status, told.error) == ("rolled-back", "migration-failed"), told.log[-3000:]
        assert dify.serves()
        assert dify.rows() == before
        assert dify.files() == files
        assert dify.credentials_open()
        assert OUTSIDE["DB_PASSWORD"] not in told.log


def test_a_rootless_engine_is_found_and_its_run_outlives_the_logout(rig: Rig) -> None:
    with rig.install(version=OLD, rootless=True) as dify:
        before = dify.rows()
        sshd, state = rig.sshd("rootless"), "/home/rootless/.local/state/dify-upgrade-action"

        def log_out(step: str) -> None:
            if step in {"dump", "start"}:
                sshd.end_sessions()

        with Striker(rig, log_out, state=state) as striker:
            told = run(rig, dify, user="rootless", dify_version=NEW, **PATIENT)

        assert (told.status, told.error) == ("upgraded", ""), told.log[-3000:]
        assert {"dump", "start"} <= set(striker.steps)
        assert f"export DOCKER_HOST='{rig.machine.docker_host}'" in runbook(rig, "/home/rootless")
        assert dify.head() == NEW_HEAD
        assert dify.rows()["dify.messages"].count == before["dify.messages"].count
        owner = rig.machine.path("/home/rootless").stat().st_uid
        assert (dify.path / ".env").stat().st_uid == owner
        assert rig.machine.path(f"{state}/backups/{told.outputs['backup-id']}/complete").stat().st_uid == owner
        assert dify.credentials_open()


def test_a_plain_user_upgrades_where_compose_is_a_program_the_shell_is_csh_and_the_tools_are_busybox(rig: Rig) -> None:
    with rig.install(version=OLD) as dify:
        dify.sql("CREATE TABLE of_theirs AS SELECT md5(n::text) FROM generate_series(1, 200000) n")
        most = int(dify.sql("SELECT pg_database_size('dify_plugin')")) // 1024**2 + 1
        before = dify.rows()

        with sparse(rig.machine, dify.folder):
            told = run(rig, dify, user="dify", dify_version=NEW, restore_test_max=f"{most}MB", **PATIENT)

        assert (told.status, told.error) == ("upgraded", ""), told.log[-3000:]
        assert "dc() { docker-compose " in runbook(rig, "/home/dify")
        assert_read_back_by_size(told)
        assert dify.head() == NEW_HEAD
        assert dify.rows()["dify.messages"] == before["dify.messages"]
        assert dify.credentials_open()
