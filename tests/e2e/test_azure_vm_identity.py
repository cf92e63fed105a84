"""A self-hosted runner in Azure logs in by the managed identity of its machine, in main step and post step."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.e2e.azure_children import Child
from tests.e2e.azure_plain import Plain, plain_sshd
from tests.e2e.azure_runs import Setting, setting
from tests.emulators.azure.emulator import AzureEmulator

TOKENS = "GET /metadata/identity/oauth2/token"
MANAGED = {"azure_login": "managed-identity", "azure_tenant_id": "", "azure_client_id": ""}
LOST = {"o": "dify-upgrade", "r": "7.1.ab12cd", "x": 1_700_000_000, "p": "acme/infra"}


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plain]:
    with plain_sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def place(sshd: Plain) -> Iterator[Setting]:
    with AzureEmulator() as azure, setting(azure, sshd) as built:
        yield built


@dataclass
class Runner:
    """A self-hosted runner: no token of GitHub's is there for its jobs, ``environ`` is how they find an identity."""

    place: Setting
    folder: Path
    environ: Mapping[str, str]
    children: list[Child] = field(default_factory=list)

    def start(self, **given: str) -> Child:
        without_github = {"ACTIONS_ID_TOKEN_REQUEST_URL": "", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": ""}
        folder = self.folder / str(len(self.children))
        child = Child(self.place, folder, more={**without_github, **self.environ})
        self.children.append(child)
        child.start(**MANAGED | given)
        return child


def a_lost_door(place: Setting) -> None:
    place.nic.rule("lost", priority=100, description=json.dumps(LOST, separators=(",", ":")), access="Allow")


def named(place: Setting) -> set[str]:
    """The identities that somebody asked for by name."""
    return {call.query.get("client_id", "") for call in place.azure.calls(TOKENS)}


def test_a_sweep_logs_in_by_the_machines_own_identity(place: Setting, tmp_path: Path) -> None:
    a_lost_door(place)
    child = Runner(place, tmp_path, place.azure.metadata(place.app)).start(mode="sweep")

    assert (child.wait(), child.outputs["status"], child.outputs["changed"]) == (0, "swept", "true"), child.log
    assert place.is_shut
    assert named(place) == {""}
    assert not place.azure.calls("POST */oauth2/v2.0/token")
    assert not place.azure.calls("GET /idtoken/*")


def test_one_of_several_identities_is_named_by_its_client_id(place: Setting, tmp_path: Path) -> None:
    a_lost_door(place)
    other = place.azure.application()
    place.azure.allow(other, "*/read")
    runner = Runner(place, tmp_path, place.azure.metadata(other, other, place.app))

    child = runner.start(mode="sweep", azure_client_id=place.app.client_id)

    assert (child.wait(), child.outputs["status"]) == (0, "swept"), child.log
    assert place.is_shut
    assert named(place) == {place.app.client_id}


def test_vault_and_security_groups_open_to_a_managed_identity(place: Setting, tmp_path: Path) -> None:
    runner = Runner(place, tmp_path, place.azure.metadata(None, place.app))

    child = runner.start(mode="plan", dify_version="1.14.1")

    assert child.wait() == 4, child.log
    assert "probe-cut" in child.log, "the host that was reached has no Dify"
    assert place.gate.openings
    assert place.is_shut


def test_what_a_killed_run_left_open_the_post_step_closes_by_the_same_identity(place: Setting, tmp_path: Path) -> None:
    child = Runner(place, tmp_path, place.azure.metadata(None, place.azure.application(), place.app)).start(
        mode="plan", dify_version="1.14.1", azure_client_id=place.app.client_id
    )
    assert child.when("DELETE */securityRules/*", signal.SIGKILL, reset=True).wait(60), child.log
    child.wait()
    assert place.rules
    asked = len(place.azure.calls(TOKENS))

    done = child.post()

    assert (done.returncode, place.is_shut) == (0, True), done.stdout
    assert len(place.azure.calls(TOKENS)) > asked
    assert named(place) == {place.app.client_id}
    assert not place.azure.calls("POST */oauth2/v2.0/token")


def test_a_proxy_that_is_told_to_spare_the_metadata_service_is_not_asked(place: Setting, tmp_path: Path) -> None:
    a_lost_door(place)
    spared = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
    child = Runner(place, tmp_path, {**place.azure.metadata(place.app), **spared}).start(mode="sweep")

    assert (child.wait(), child.outputs["status"]) == (0, "swept"), child.log
    assert place.is_shut


def _none(place: Setting) -> Mapping[str, str]:
    return place.azure.metadata()


def _its_own(place: Setting) -> Mapping[str, str]:
    return place.azure.metadata(place.app)


def _two_of_users(place: Setting) -> Mapping[str, str]:
    return place.azure.metadata(None, place.app, place.azure.application())


@pytest.mark.parametrize(
    ("has", "client_id", "says"),
    [
        (_none, "", "Identity not found"),
        (_its_own, "22222222-2222-2222-2222-222222222222", "Identity not found"),
        (_two_of_users, "", "Multiple user assigned identities exist"),
    ],
    ids=["none", "another one", "which of two"],
)
def test_an_identity_that_the_machine_does_not_give_is_told_with_what_to_do(
    place: Setting, tmp_path: Path, has: Callable[[Setting], Mapping[str, str]], client_id: str, says: str
) -> None:
    child = Runner(place, tmp_path, has(place)).start(mode="sweep", azure_client_id=client_id)

    assert child.wait() == 4, child.log
    assert json.loads(child.outputs["report"])["error"]["id"] == "azure-identity-absent"
    assert says in child.log
    assert "name it with azure-client-id if it is user-assigned" in child.log
    assert not place.azure.calls("* /subscriptions/*")
