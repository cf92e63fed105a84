from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.server_runs import run
from tests.rig.session import rig_or_skip
from tests.rig.stack import Rig

OLD, NEW = "1.13.3", "1.14.1"
NEW_HEAD = "a4f2d8c9b731"
SEEN_BY_USERS = ("dify.accounts", "dify.messages", "dify.documents", "dify.datasets", "dify.tenants")


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    yield from rig_or_skip()


def test_an_upgrade_ends_with_the_new_release_and_when_that_crashes_later_the_backup_leads_back(rig: Rig) -> None:
    with rig.install(version=OLD) as dify:
        before, files = dify.rows(), dify.files()

        told = run(rig, dify, dify_version=NEW)

        assert (told.status, told.error) == ("upgraded", ""), told.log[-3000:]
        assert dify.head() == NEW_HEAD
        assert dify.running_images()["api"] == f"langgenius/dify-api:{NEW}"
        assert {name: dify.rows()[name].count for name in SEEN_BY_USERS} == {n: before[n].count for n in SEEN_BY_USERS}
        assert dify.credentials_open()
        assert 0 < int(told.outputs["seconds-without-service"]) < 600

        assert dify.chat("written after the upgrade")
        rig.fault("crash-loop", version=NEW)  # why people go back: api and workers crash again and again
        dify.compose("up", "-d", "--force-recreate", "--no-deps", "api", "worker")
        backup = told.outputs["backup-id"]
        refused = run(rig, dify, mode="rollback", rollback_to=backup)
        assert refused.status == "refused"
        told = run(rig, dify, mode="rollback", rollback_to=backup, acknowledge=f"lose-writes@{backup}")

        assert (told.status, told.error) == ("restored", ""), told.log[-3000:]
        assert dify.serves()
        assert dify.rows() == before
        assert {path: sha for path, sha in dify.files().items() if path in files} == files


@pytest.mark.parametrize(
    ("fault", "error"),
    [("migration-half", "migration-failed"), ("crash-loop", "restarting"), ("worker-deaf", "worker-silent")],
)
def test_a_release_that_fails_leaves_the_old_one_serving_with_the_same_data(rig: Rig, fault: str, error: str) -> None:
    with rig.install(version=OLD) as dify:
        before, files, images = dify.rows(), dify.files(), dify.running_images()
        rig.fault(fault, version=NEW)

        # the deaf one is waited for to the end of this time
        told = run(rig, dify, dify_version=NEW, start_timeout="60s")

        assert (told.status, told.error) == ("rolled-back", error), told.log[-3000:]
        assert dify.serves()
        assert dify.rows() == before
        assert dify.files() == files
        assert dify.running_images() == images


def test_a_plan_touches_nothing(rig: Rig) -> None:
    with rig.install(version=OLD) as dify:
        before, files = dify.rows(), dify.files()

        told = run(rig, dify, mode="plan", dify_version=NEW)

        assert told.status == "planned", told.log[-3000:]
        assert "difyai123456" not in told.log
        assert dify.files() == files
        assert dify.rows() == before
