from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.server_faults import STATE, assert_at_rest
from tests.e2e.server_runs import run
from tests.rig.session import rig_or_skip
from tests.rig.stack import Rig

OLD, NEW = "1.13.3", "1.14.1"
NEW_HEAD = "a4f2d8c9b731"
SEEN_BY_USERS = ("dify.accounts", "dify.messages", "dify.documents", "dify.datasets", "dify.tenants")
BESIDE = """\
services:
  tunnel:
    image: rig/base:1
    entrypoint: ["sleep", "infinity"]
    restart: always
"""


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    yield from rig_or_skip()


def test_an_upgrade_by_sudo_ends_with_the_new_release_and_when_that_crashes_later_the_backup_leads_back(
    rig: Rig,
) -> None:
    with rig.install(version=OLD, edits={"beside.yaml": BESIDE}) as dify:
        dify.compose("-f", "beside.yaml", "up", "-d")  # in the same project, for it is called after the folder
        tunnel = dify.container("tunnel")
        before, files = dify.rows(), dify.files()
        told = run(rig, dify, user="asked", dify_version=NEW)
        assert (told.status, told.error) == ("failed", "sudo-asks"), told.log[-3000:]

        told = run(rig, dify, user="sudoer", dify_version=NEW, start_timeout="300s")

        assert (told.status, told.error) == ("upgraded", ""), told.log[-3000:]
        assert dify.head() == NEW_HEAD
        assert dify.container("tunnel") == tunnel
        assert "left as they are: tunnel." in told.log
        assert dify.running_images()["api"] == f"langgenius/dify-api:{NEW}"
        assert {name: dify.rows()[name].count for name in SEEN_BY_USERS} == {n: before[n].count for n in SEEN_BY_USERS}
        assert dify.credentials_open()
        assert 0 < int(told.outputs["seconds-without-service"]) < 600
        backup = told.outputs["backup-id"]
        assert rig.machine.path(f"{STATE}/backups/{backup}").stat().st_uid == 0
        assert list(rig.machine.path("/home/sudoer").glob(".dify*")) == []

        assert dify.chat("written after the upgrade")
        rig.fault("crash-loop", version=NEW)  # why people go back: api and workers crash again and again
        dify.compose("up", "-d", "--force-recreate", "--no-deps", "api", "worker")
        back = {"user": "sudoer", "mode": "rollback", "rollback_to": backup}
        assert run(rig, dify, **back).status == "refused"
        told = run(rig, dify, **back, acknowledge=f"lose-writes@{backup}")

        assert (told.status, told.error) == ("restored", ""), told.log[-3000:]
        assert dify.rows() == before
        assert {path: sha for path, sha in dify.files().items() if path in files} == files
        assert_at_rest(rig, dify)
        assert dify.container("tunnel") == tunnel
