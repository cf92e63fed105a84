"""Cancelling, as the runner does it: signals to the docker client, and an end within its patience."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.image.runner import Job
from tests.image.station import Station
from tests.stage.world import World, world

SLOW = "GET /repos/langgenius/dify/releases*"


@pytest.fixture
def stage() -> Iterator[World]:
    with world() as built:
        built.github.faults.add(SLOW, delay=12)
        yield built


@pytest.fixture
def online(station: Station, stage: World) -> Iterator[Job]:
    with station.folder() as folder, station.reaching(stage.github.url, stage.registry.url):
        yield Job(station.engine, station.image.name, folder, network="host")


def test_a_run_that_waits_for_an_answer_ends_at_the_first_signal_and_leaves_nothing_open(
    online: Job, stage: World
) -> None:
    running = online.start(stage.inputs())
    running.wait_until(lambda: stage.github.calls(SLOW))

    ended = running.cancel()

    assert (ended.exit_code, ended.sent, ended.survived) == (130, ("SIGINT",), False), ended.log
    assert ended.outputs["status"] == "cancelled"
    assert stage.github.calls("DELETE /installation/token"), ended.log
    after = online.post(ended)
    assert (after.exit_code, after.survived) == (0, False), after.log


def test_a_run_whose_interpreter_only_starts_ends_too(online: Job, stage: World) -> None:
    running = online.start(stage.inputs())
    running.wait_until(lambda: online.engine.ask("ps", "--quiet", "--filter", f"name={running.container}"))

    ended = running.cancel()

    # 1: the interpreter itself was not up; 130 and 143: it was
    assert ended.exit_code in {1, 130, 143}, ended.log
    assert (len(ended.sent) < 3, ended.survived) == (True, False), ended
    assert online.post(ended).exit_code == 0
    assert len(stage.github.calls("DELETE /installation/token")) == len(
        stage.github.calls("POST /app/installations/*/access_tokens")
    )
