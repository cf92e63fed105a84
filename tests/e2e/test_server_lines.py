"""The target ``server`` across the breaks between Dify's lines, with upstream's own files on both sides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tests.e2e.server_runs import Told, run
from tests.rig.install import Install, Rows
from tests.rig.session import rig_or_skip
from tests.rig.stack import Rig

PATIENT = {"start_timeout": "300s", "migration_idle": "300s"}


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    yield from rig_or_skip()


def consents(version: str, *rules: str) -> str:
    return ",".join(f"{rule}@{version}" for rule in rules)


def assert_serves(dify: Install, told: Told, version: str, before: Mapping[str, Rows]) -> None:
    assert (told.status, told.error) == ("upgraded", ""), told.log[-3000:]
    assert dify.serves()
    assert dify.credentials_open()
    images = dify.running_images()
    assert {images[service] for service in ("api", "worker")} == {f"langgenius/dify-api:{version}"}
    after = dify.rows()
    assert {table for table in before if after.get(table, Rows(-1, "")).count < before[table].count} == set()


def test_from_0_15_the_plugins_are_migrated_before_users_are_let_in(rig: Rig) -> None:
    with rig.install(version="0.15.8") as dify:
        before = dify.rows()
        refused = run(rig, dify, dify_version="1.0.0")
        assert refused.status == "refused"
        assert "plugin-migration@1.0.0" in refused.log

        told = run(rig, dify, dify_version="1.0.0", acknowledge=consents("1.0.0", "plugin-migration"), **PATIENT)

        assert_serves(dify, told, "1.0.0", before)
        assert dify.sql("SELECT count(*) FROM providers WHERE plugin_id IS NULL").strip() == "0"
        providers = dify.sql("SELECT count(DISTINCT provider_name) FROM providers").strip()
        assert dify.sql("SELECT count(*) FROM plugin_installations", "dify_plugin").strip() == providers != "0"
        assert told.log.index("flask migrate-data-for-plugin") < told.log.index("-- Open the proxy")


def test_across_1_10_1_the_database_moves_to_its_new_service_with_all_rows(rig: Rig) -> None:
    with rig.install(version="1.9.2", layout="git") as dify:
        before = dify.rows()

        told = run(rig, dify, dify_version="1.11.4", **PATIENT)

        assert_serves(dify, told, "1.11.4", before)
        images = dify.running_images()
        assert images["db_postgres"] == "postgres:15-alpine"
        assert "db" not in images
        assert dify.compose("exec", "-T", "api", "id", "-u").strip() == "1001"
        assert dify.machine.run(["git", "-C", "/opt/dify", "describe", "--tags"]).stdout.decode().strip() == "1.11.4"


def test_across_1_16_0_the_agents_come_up_beside_what_was_there(rig: Rig) -> None:
    with rig.install(version="1.14.1") as dify:
        before = dify.rows()
        words = consents("1.16.1", "ssrf-private-addresses", "agent-secrets")

        told = run(rig, dify, dify_version="1.16.1", acknowledge=words, **PATIENT)

        assert_serves(dify, told, "1.16.1", before)
        assert {"agent_backend", "local_sandbox", "agent_ssrf_proxy", "ssrf_proxy"} <= set(dify.running_images())
        assert set(dify.restarts().values()) == {0}
