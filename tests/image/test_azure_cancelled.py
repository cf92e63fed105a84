"""A run on Azure, cancelled as the runner does it: whatever the moment, no rule, no address and no lease is left."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.e2e.azure_plain import Plain, plain_sshd
from tests.e2e.azure_runs import Setting, setting
from tests.emulators.azure.emulator import AzureEmulator
from tests.image.azure_job import azure_job
from tests.image.runner import Job
from tests.image.station import Station

PHASES = [
    "POST */oauth2/v2.0/token",
    "PATCH */vaults/*",
    "GET /secrets/*",
    "PUT */nic-nsg/securityRules/*",
    "DELETE */securityRules/*",
]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plain]:
    with plain_sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def place(host: Plain) -> Iterator[Setting]:
    with AzureEmulator() as azure, setting(azure, host) as built:
        yield built


@pytest.fixture
def online(station: Station, place: Setting) -> Iterator[Job]:
    with azure_job(station, place) as job:
        yield job


@pytest.mark.parametrize("phase", PHASES)
def test_a_run_that_is_cancelled_leaves_no_door(online: Job, place: Setting, phase: str) -> None:
    running, reached = online.start(place.inputs(mode="plan", dify_version="1.14.1")), threading.Event()

    def strike(_: object) -> None:
        running.interrupt()
        reached.set()

    place.azure.faults.add(phase, before=strike)
    running.wait_until(reached.is_set)

    ended = running.cancelled()

    assert (ended.exit_code, ended.sent, ended.survived) == (130, ("SIGINT",), False), ended.log
    assert place.is_shut, ended.log
    after = online.post(ended)
    assert after.exit_code == 0, after.log
    assert place.is_shut


def test_what_a_killed_container_left_open_the_post_step_closes(online: Job, place: Setting) -> None:
    running, reached = online.start(place.inputs(mode="plan", dify_version="1.14.1")), threading.Event()

    def strike(_: object) -> None:
        online.engine.run("kill", running.container)
        reached.set()

    place.azure.faults.add("PUT */nic-nsg/securityRules/*", before=strike)
    running.wait_until(reached.is_set)
    main = running.wait()

    assert main.exit_code == 137, main.log
    assert place.rules, "nothing was open when it died"
    after = online.post(main)
    assert after.exit_code == 0, after.log
    assert place.is_shut, after.log
