"""The target ``server`` across the breaks between Dify's lines, with upstream's own files on both sides."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from difyaction.releases import heads
from difyaction.releases.version import Version
from tests.e2e.server_faults import STATE, assert_as_before
from tests.e2e.server_runs import PATIENT, assert_serves, consents, run, vectors_of
from tests.rig.catalogue import PARTS, head_of, line_of
from tests.rig.session import rig_or_skip
from tests.rig.stack import Rig

# what happens between the old release's end and the check that fails; the first two have an undo
BETWEEN = (
    "Save the volumes whose format changes",
    "Start the database as its new service",
    "Give the storage to the user that Dify runs as",
    "Move the credentials of data sources",
)

OWNED = "./volumes/app/storage/.init_permissions"  # empty: upstream's newer releases say by it that they were here


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    yield from rig_or_skip()


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


def test_across_1_16_0_the_agents_come_up_beside_what_was_there_also_where_nobody_knows_that_release(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {Version.parse(each): head_of(each) for each in PARTS if line_of(each) <= (1, 14, 1)}
    monkeypatch.setattr(heads, "_heads", lambda: known)
    with rig.install(version="1.14.1") as dify:
        before = dify.rows()
        refused = run(rig, dify, dify_version="1.16.1")
        assert refused.status == "refused"
        assert "unknown-release@1.16.1" in refused.log
        words = consents("1.16.1", "unknown-release", "ssrf-private-addresses", "agent-secrets")

        told = run(rig, dify, dify_version="1.16.1", acknowledge=words, **PATIENT)

        assert_serves(dify, told, "1.16.1", before)
        assert {"agent_backend", "local_sandbox", "agent_ssrf_proxy", "ssrf_proxy"} <= set(dify.running_images())
        assert set(dify.restarts().values()) == {0}
        assert "Dify 1.16.1 is newer than all that is known here, which ends with 1.14.1" in told.log
        assert "its schema is read from its image before anything stops" in told.log
        assert dify.head() == head_of("1.16.1")
        read = told.log.index(f"\nits schema is {dify.head()}")
        assert read < told.log.index("\n-- Stop whatever writes")


def test_a_store_that_cannot_read_what_the_old_one_wrote_goes_back_with_its_volume_and_with_all_else(rig: Rig) -> None:
    with rig.install(version="1.0.0", layout="git") as dify:
        before, files, images, vectors = dify.rows(), dify.files(), dify.running_images(), vectors_of(dify)
        words = consents("1.11.4", "datasource-credentials", "weaviate-client-v4", "weaviate-jump")

        told = run(rig, dify, dify_version="1.11.4", acknowledge=words, backup="all", **PATIENT)

        assert (told.status, told.error) == ("rolled-back", "restarting"), told.log[-3000:]
        assert "cannot read a volume of [1, 19] with [1, 27]" in told.log
        saved = {path.name for path in dify.machine.path(f"{STATE}/backups").glob("*/*.tar")}
        assert saved >= {"storage.tar", "plugins.tar", "redis.tar", "vectors.tar", "weaviate-0.tar"}
        assert [title for title in BETWEEN if f"\n{title}: done" in told.log] == list(BETWEEN)
        assert [title for title in BETWEEN if f"\nUndo: {title}: undone" in told.log] == list(BETWEEN[:2])
        assert_as_before(rig, dify, before, files | {OWNED: dify.files()[OWNED]})
        assert dify.running_images() == images
        assert vectors_of(dify) == vectors == "1.19.0"
