"""Cancelling, as the runner does it: signals to the docker client, and an end within its patience."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.image.runner import Job
from tests.image.station import Station
from tests.stage.world import World, world

SLOW = "GET /repos/langgenius/dify/releases*"
PACE = 5  # an idle machine needs half a second of the runner's ten


@pytest.fixture
def stage() -> Iterator[World]:
    with world() as built:
        built.github.faults.add(SLOW, delay=12)
        yield built


@pytest.fixture
def online(station: Station, stage: World) -> Iterator[Job]:
    with station.folder() as folder, station.reaching(stage.github.url, stage.registry.url):
        yield Job(station.engine, station.image.name, folder, network="host", pace=PACE)


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


def test_a_run_that_is_cancelled_while_its_interpreter_starts_leaves_nothing_behind(online: Job, stage: World) -> None:
    running = online.start(stage.inputs())
    running.wait_until(lambda: online.engine.ask("ps", "--quiet", "--filter", f"name={running.container}"))

    ended = running.cancel()

    # a signal that comes before the interpreter can hear one is lost: then the next one counts, or the run's own end
    assert not ended.survived, ended.log
    assert online.post(ended).exit_code == 0
    revoked = [call for call in stage.github.calls("DELETE /installation/token") if call.status == 204]
    assert len(revoked) == len(stage.github.calls("POST /app/installations/*/access_tokens"))
