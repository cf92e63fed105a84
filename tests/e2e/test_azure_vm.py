"""A whole upgrade of a machine in Azure: doors for seconds, disks kept, the rig's Dify upgraded over SSH."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.azure_children import Child
from tests.e2e.azure_runs import Setting, run, setting, trust
from tests.e2e.server_faults import Striker, assert_at_rest
from tests.emulators.azure.emulator import AzureEmulator
from tests.rig.session import rig_or_skip
from tests.rig.stack import Rig
from tests.stage.server import server_stage

OLD, NEW = "1.13.3", "1.14.1"


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    yield from rig_or_skip()


@pytest.fixture
def place(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    with AzureEmulator() as azure:
        trust(azure, monkeypatch)
        with setting(azure, rig.sshd("root")) as built:
            yield built


def test_an_approved_plan_is_carried_out_through_doors_that_open_for_handshakes_alone(rig: Rig, place: Setting) -> None:
    with rig.install(version=OLD) as dify:
        before, files = dify.rows(), dify.files()

        planned = run(place, rig, dify, mode="plan", dify_version=NEW)

        assert planned.status == "planned", planned.log[-3000:]
        assert (dify.files(), dify.rows()) == (files, before)
        assert place.is_shut
        assert place.azure.snapshots == []

        with Striker(rig, lambda step: place.gate.cut() if step == "migrate" else None):
            told = run(place, rig, dify, dify_version=NEW, plan_id=planned.plan.plan_id if planned.plan else "")

        assert (told.status, told.error) == ("upgraded", ""), told.log[-3000:]
        assert dify.running_images()["api"] == f"langgenius/dify-api:{NEW}"
        assert place.is_shut
        exposures = json.loads(told.outputs["exposure"])
        assert {each["door"].split()[0] for each in exposures} == {"NSG", "address"}
        assert [each["door"].split()[-1] for each in exposures if each["door"].startswith("NSG")] == [
            *("subnet-nsg", "nic-nsg"),
            *("subnet-nsg", "nic-nsg"),
        ], "opened again to reconnect, and for nothing else"
        assert len(place.gate.openings) == 3, "one for the plan, two for the run"
        assert len(told.outputs["snapshot-ids"].splitlines()) == 2


def test_a_run_that_is_cancelled_while_the_host_upgrades_is_told_to_its_end_by_the_next(
    rig: Rig, place: Setting, tmp_path: Path
) -> None:
    with server_stage(rig) as stage, rig.install(version=OLD) as dify:
        upstream = {
            "dify_version": NEW,
            "dify_api_url": stage.github.url,
            "dify_token": stage.inputs(rig)["dify-token"],
        }
        child, migrates = Child(place, tmp_path / "first"), threading.Event()
        with Striker(rig, lambda step: migrates.set() if step == "migrate" else None):
            child.start(**upstream)
            assert migrates.wait(300), child.log
            child.process.send_signal(signal.SIGINT)
            child.cancelled()

        assert child.outputs["status"] == "cancelled", child.log
        assert place.is_shut
        assert len(child.outputs["snapshot-ids"].splitlines()) == 2, "what was kept is told all the same"
        done = child.post()
        assert done.returncode == 0, done.stdout

        following = Child(place, tmp_path / "second", attempt=2)
        following.start(**upstream)

        assert following.wait(300) == 0, following.log
        assert following.outputs["status"] == "upgraded"
        assert place.is_shut
        assert dify.running_images()["api"] == f"langgenius/dify-api:{NEW}"
        assert_at_rest(rig, dify)
