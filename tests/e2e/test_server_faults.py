"""Whatever happens during a run, it ends with a release that serves, every row, and nothing left behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from difyaction.connections import Connection
from tests.e2e.server_faults import STATE, Controller, Killed, Striker, assert_at_rest
from tests.e2e.server_runs import Told, run
from tests.rig.install import Install, Rows
from tests.rig.session import rig_or_skip
from tests.rig.stack import Rig

OLD, NEW = "1.13.3", "1.14.1"
NEW_HEAD = "a4f2d8c9b731"
SEEN_BY_USERS = ("dify.accounts", "dify.messages", "dify.documents", "dify.datasets", "dify.tenants")
OVERRIDE = "services:\n  api:\n    labels:\n      owner.note: kept\n"


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    yield from rig_or_skip()


@pytest.fixture
def old(rig: Rig) -> Iterator[Install]:
    with rig.install(version=OLD) as dify:
        yield dify


def assert_upgraded(rig: Rig, dify: Install, before: dict[str, Rows], told: Told) -> None:
    assert (told.status, told.error) == ("upgraded", ""), told.log[-3000:]
    assert_at_rest(rig, dify)
    assert dify.head() == NEW_HEAD
    assert dify.running_images()["api"] == f"langgenius/dify-api:{NEW}"
    after = dify.rows()
    assert {name: after[name].count for name in SEEN_BY_USERS} == {name: before[name].count for name in SEEN_BY_USERS}


def commit(dify: Install, *paths: str) -> None:
    """Commit files on a branch of the owner's."""
    who = ["-c", "user.name=Owner", "-c", "user.email=owner@example.com", "-c", "gc.auto=0"]
    for words in (["checkout", "-qB", "ours"], ["add", "-f", *paths], ["commit", "-qm", "Ours"]):
        dify.machine.run(["git", "-C", dify.folder, *who, *words])


def test_cuts_at_every_step_change_nothing_of_an_upgrade_that_keeps_the_owners_changes(rig: Rig) -> None:
    door = rig.sshd("root")
    with rig.install(version=OLD, layout="git", env={"OWN_KEY": "own value"}, override=OVERRIDE) as dify:
        compose = dify.path / "docker-compose.yaml"
        text = compose.read_text(encoding="utf-8")
        compose.write_text(text.replace("services:\n", "x-owner: kept\nservices:\n", 1), encoding="utf-8")
        (dify.path / "nginx" / "conf.d" / "own.conf").write_text("# committed\n", encoding="utf-8")
        commit(dify, "nginx/conf.d/own.conf", "docker-compose.override.yaml")
        before, cut = dify.rows(), []

        def strike(_: str) -> None:
            if len(cut) % 2:
                door.restart()
                cut.append(-1)
            else:
                cut.append(door.cut())

        with Striker(rig, strike) as struck:
            told = run(rig, dify, dify_version=NEW)

        assert_upgraded(rig, dify, before, told)
        assert {"check", "pull", "dump", "stop", "switch", "migrate", "start", "open", "tidy"} <= set(struck.steps)
        assert len([number for number in cut if number]) > len(cut) / 2
        assert "x-owner: kept" in compose.read_text(encoding="utf-8")
        assert "OWN_KEY='own value'" in (dify.path / ".env").read_text(encoding="utf-8")
        assert dify.compose("ps", "-q", "api")
        assert (dify.path / "docker-compose.override.yaml").read_text(encoding="utf-8") == OVERRIDE
        assert (dify.path / "nginx" / "conf.d" / "own.conf").read_text(encoding="utf-8") == "# committed\n"
        assert compose.stat().st_mode & 0o777 == 0o644
        git = ["git", "-C", dify.folder, "describe", "--tags"]
        assert dify.machine.run(git).stdout.decode().strip() == NEW


def test_a_killed_controller_is_followed_by_the_next_and_a_second_run_is_refused(rig: Rig, old: Install) -> None:
    before = old.rows()

    def killed_at(step: str) -> None:
        made: list[Controller] = []

        def through(inner: Connection) -> Controller:
            made.append(Controller(inner))
            return made[0]

        def strike(began: str) -> None:
            if began == step:
                made[0].struck.set()

        with Striker(rig, strike), pytest.raises(Killed):
            run(rig, old, through=through, dify_version=NEW)
        assert (rig.machine.path(STATE) / "lock").exists()

    def meanwhile() -> None:
        if not (rig.machine.path(STATE) / "lock").exists():
            killed_at("dump")

    # planned before the first begins, delivered while the first is at work without its controller
    second = run(rig, old, through=lambda inner: Controller(inner, before_put=meanwhile), dify_version=NEW)
    assert (second.status, second.error) == ("failed", "lock-held"), second.log[-3000:]
    killed_at("watch")

    told = run(rig, old, dify_version=NEW)
    assert_upgraded(rig, old, before, told)
    assert told.outputs["backup-id"]
    assert run(rig, old, dify_version=NEW).status == "unchanged"
