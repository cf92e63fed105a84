"""What a run on Azure says and leaves when it ends before anybody gets in; these need neither sshd nor engine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.azure_children import Child
from tests.e2e.azure_runs import Setting, setting, trust
from tests.emulators.azure.emulator import AzureEmulator
from tests.emulators.azure.faults import FORBIDDEN
from tests.emulators.request import Request


@dataclass(frozen=True)
class Nobody:
    """An sshd that is never reached."""

    host: str = "127.0.0.1"
    port: int = 9
    user: str = "dify"
    key: str = "not a key at all"
    known_hosts: str = "[127.0.0.1]:9 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJnJ0XeVJ2vZC9j0ZkZ6b3J0aGUgdGVzdHMgb25seSE="


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    with AzureEmulator() as azure, setting(azure, Nobody()) as built:
        trust(azure, monkeypatch)
        yield built


@pytest.fixture
def child(place: Setting, tmp_path: Path) -> Child:
    return Child(place, tmp_path / "run")


def test_a_run_that_fails_puts_out_how_long_doors_were_open_and_that_nothing_changed(
    child: Child, place: Setting
) -> None:
    child.start(mode="plan", dify_version="1.14.1")

    assert child.wait() == 2, child.log
    assert [each["door"].split()[0] for each in json.loads(child.outputs["exposure"])] == ["address"]
    assert json.loads(child.outputs["report"])["outputs"]["exposure"] == child.outputs["exposure"]
    assert child.outputs["changed"] == "false"
    assert place.is_shut


def test_a_machine_that_stands_still_is_no_reason_to_leave_a_dead_runs_door_open(child: Child, place: Setting) -> None:
    lost = {"o": "dify-upgrade", "r": "7.1.ab12cd", "x": 1_700_000_000, "p": "acme/infra"}
    place.nic.rule("lost", priority=100, description=json.dumps(lost, separators=(",", ":")), access="Allow")
    place.machine.power = "deallocated"

    child.start(mode="plan", dify_version="1.14.1")

    assert child.wait() == 0, child.log
    assert child.outputs["status"] == "planned"
    assert "closed what run 7.1.ab12cd left open" in child.log
    assert place.is_shut


def test_a_door_that_stays_open_is_told_with_the_command_that_closes_it(child: Child, place: Setting) -> None:
    place.azure.faults.add("PATCH */vaults/*", after=1, times=None, **FORBIDDEN)

    child.start(mode="plan", dify_version="1.14.1", language="ja")

    assert (child.wait(), child.outputs["status"], child.outputs["changed"]) == (9, "door-open", "true"), child.log
    where = f"--subscription {place.azure.subscription_id} --name dify-kv"
    untag = f"az tag update --resource-id {place.vault.id} --operation Delete --tags 'dify-upgrade:123.1."
    assert f"az keyvault network-rule remove {where} --ip-address 203.0.113.10; {untag}" in child.log
    assert re.search(r"=203\.0\.113\.10\|[0-9]+'`", child.log)
    (exposure,) = json.loads(child.outputs["exposure"])
    assert (exposure["door"], exposure["open"]) == ("address 203.0.113.10 on Key Vault dify-kv", True)


def test_a_private_key_that_was_given_as_a_name_is_not_printed(child: Child, place: Setting) -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----"
    place.azure.faults.add("*", before=_nobody_asks)

    child.start(mode="plan", dify_version="1.14.1", vm_name=key)

    assert child.wait() == 2, child.log
    assert "b3BlbnNzaC1rZXktdjEAAAAA" not in child.log.replace("::add-mask::" + key.replace("\n", "%0A"), "")
    assert "b3BlbnNzaC1rZXktdjEAAAAA" not in json.dumps(child.outputs)


def _nobody_asks(request: Request) -> None:
    raise AssertionError(f"{request.path} is asked although the inputs are wrong")
