"""The target ``server`` across the breaks between Dify's lines, with upstream's own files on both sides."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.server_runs import PATIENT, assert_serves, run
from tests.rig.session import rig_or_skip
from tests.rig.stack import Rig


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    yield from rig_or_skip()


def consents(version: str, *rules: str) -> str:
    return ",".join(f"{rule}@{version}" for rule in rules)


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


def test_across_1_16_0_the_agents_come_up_beside_what_was_there(rig: Rig) -> None:
    with rig.install(version="1.14.1") as dify:
        before = dify.rows()
        words = consents("1.16.1", "ssrf-private-addresses", "agent-secrets")

        told = run(rig, dify, dify_version="1.16.1", acknowledge=words, **PATIENT)

        assert_serves(dify, told, "1.16.1", before)
        assert {"agent_backend", "local_sandbox", "agent_ssrf_proxy", "ssrf_proxy"} <= set(dify.running_images())
        assert set(dify.restarts().values()) == {0}
