"""Dify behind an emulated Azure, upgraded by the built image as GitHub's runner runs it, cancelled twice on the way."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.e2e.server_faults import Striker, assert_at_rest
from tests.image.azure_job import azure_job
from tests.image.runner import Running
from tests.image.station import Station
from tests.rig.session import rig_or_skip
from tests.rig.stack import Rig
from tests.shared import upstream_source
from tests.stage.azure import azure_stage
from tests.stage.server import NEW, OLD, server_stage


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    yield from rig_or_skip()


class Cancelling:
    """Cancels a job once, whoever says that it is time."""

    def __init__(self, running: Running) -> None:
        self.came = threading.Event()
        self._running = running

    def __call__(self, *_: object) -> None:
        if not self.came.is_set():
            self._running.interrupt()
            self.came.set()


def test_an_upgrade_that_is_cancelled_twice_leaves_no_door_and_comes_to_its_end(rig: Rig, station: Station) -> None:
    source = upstream_source()
    with (
        rig.install(version=OLD, upstream=source) as dify,
        server_stage(rig, source) as upstream,
        azure_stage(rig, upstream) as azure,
        azure_job(station, azure.place, upstream.github.url) as job,
    ):
        place, given, before = azure.place, azure.inputs(rig), dify.rows()

        running = job.start(given)
        keeping = Cancelling(running)
        place.azure.faults.add("PUT */restorePoints/*", before=keeping)
        running.wait_until(keeping.came.is_set)
        ended = running.cancelled()
        assert (ended.exit_code, ended.sent, ended.survived) == (130, ("SIGINT",), False), ended.log
        assert place.is_shut, ended.log
        assert job.post(ended).exit_code == 0
        assert dify.rows() == before
        assert dify.running_images()["api"] == f"langgenius/dify-api:{OLD}"

        running = job.start(given)
        migrating = Cancelling(running)
        with Striker(rig, lambda step: migrating() if step == "migrate" else None):
            running.wait_until(migrating.came.is_set)
            ended = running.cancelled()
        assert (ended.exit_code, ended.survived) == (130, False), ended.log
        assert "goes on there without this job" in ended.log
        assert place.is_shut, ended.log
        assert job.post(ended).exit_code == 0

        ended = job.act(given)
        assert (ended.exit_code, ended.outputs["status"]) == (0, "upgraded"), ended.log
        assert job.post(ended).exit_code == 0
        assert place.is_shut
        assert dify.running_images()["api"] == f"langgenius/dify-api:{NEW}"
        assert_at_rest(rig, dify)
