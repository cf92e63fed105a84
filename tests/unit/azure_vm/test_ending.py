"""How a run on Azure ends when a door does: nothing else that happened is lost behind it."""

from __future__ import annotations

import io
import signal
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from difyaction.azure.arm import Arm
from difyaction.azure.closing import Closed, How, insist
from difyaction.azure.clouds import PUBLIC
from difyaction.azure.doors import DoorOpen, Doors, RuleDoor
from difyaction.azure.identity import Identity
from difyaction.azure.leases import Lease, Run
from difyaction.azure.login import Login
from difyaction.azure.management import Management
from difyaction.azure.wire import Answer
from difyaction.azure_vm.besides import add_what_it_beats
from difyaction.azure_vm.clients import Clients
from difyaction.azure_vm.command_way import CommandWay
from difyaction.cancelled import Cancelled
from difyaction.errors import RolledBack, Stranded
from difyaction.releases.catalogue import Release
from difyaction.releases.version import Version
from difyaction.runner import Runner
from difyaction.surroundings import Surroundings
from difyaction.target import Outcome
from difyaction.targets.azure_vm import AzureVm
from tests.unit.azure.scripted import ENDPOINT, CountedTokens, FakeTime, error
from tests.unit.azure_vm.test_roads import by_ssh

RUN = Run(123, 1, "ab12cd", "acme/infra")
RULE = RuleDoor(
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/nsg/securityRules/ours",
    Lease(RUN, 1_764_000_900),
)
STAYS, GONE = error(403, "AuthorizationFailed", "no"), error(404, "ResourceNotFound")


class Silent:
    """Upstream, which nobody asks here."""

    def release(self, text: str, installed: Version | None) -> Release:
        raise AssertionError((text, installed))

    def folder(self, tag: str) -> Mapping[str, bytes]:
        raise AssertionError(tag)

    def head(self, tag: str) -> str:
        raise AssertionError(tag)

    def close(self) -> None:
        """Hold nothing."""


class Azure:
    """Answers everything alike."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, timeout: float
    ) -> Answer:
        assert headers["Authorization"].startswith("Bearer ")
        assert (url.startswith(ENDPOINT), timeout > 0) == (True, True)
        assert (body is None) == (method in {"GET", "DELETE"})
        return self.answer


def target(answer: Answer) -> tuple[AzureVm, Runner, Doors]:
    moment = FakeTime()
    pace, wire = moment.pace(), Azure(answer)
    runner = Runner({}, io.StringIO(), monotonic=time.monotonic)
    surroundings = Surroundings(
        environ={}, runner=runner, now=lambda: datetime.now(UTC), pause=moment.pause, monotonic=lambda: moment.now
    )
    identity = Identity("oidc", "tenant", "client", PUBLIC)
    login = Login(identity, lambda: "assertion")
    doors = Doors(lambda _: None, pace.clock)
    arm = Arm(ENDPOINT, "scope", CountedTokens(), wire, pace)
    clients = Clients(RUN, identity, login, Management(PUBLIC, login, pace), arm, wire, pace, doors)
    inputs = by_ssh()
    way = CommandWay(inputs, surroundings, clients)
    return AzureVm(inputs, surroundings, clients, way=way, releases=Silent()), runner, doors


def ended_by(why: BaseException, vm: AzureVm) -> None:
    """Close as the story does, with an exception on its way."""
    try:
        raise why
    finally:
        vm.close()


def test_an_open_door_says_that_the_run_was_stranded_besides() -> None:
    vm, _, doors = target(STAYS)
    doors.register(RULE)
    lost = Stranded("x", "The database is gone.", state="", next_step="docs/restore.md explains it.")
    lost.left = {"swap-commands": "az vm start"}

    with pytest.raises(DoorOpen) as raised:
        ended_by(lost, vm)

    said = str(raised.value)
    assert "Besides that, the run ended as stranded: The database is gone. docs/restore.md explains it." in said
    assert "az network nsg rule delete --ids" in said
    assert raised.value.left["swap-commands"] == "az vm start"


def test_an_open_door_says_that_the_upgrade_went_well_besides() -> None:
    with pytest.raises(DoorOpen) as raised:
        insist([Closed(RULE, How.OPEN, ("DELETE: 403",))])

    add_what_it_beats(raised.value, Outcome("upgraded", changed=True, outputs={"backup-id": "b1"}))

    assert "Besides that, the run ended as upgraded." in str(raised.value)
    assert raised.value.left == {"backup-id": "b1"}


def test_an_open_door_says_that_the_run_was_cancelled_besides() -> None:
    vm, _, doors = target(STAYS)
    doors.register(RULE)

    with pytest.raises(DoorOpen, match=r"Besides that, the run ended as cancelled\."):
        ended_by(Cancelled(signal.SIGINT), vm)


def test_who_cancels_while_a_door_is_looked_at_for_good_is_told_that_it_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    from difyaction.targets import azure_vm  # noqa: PLC0415 - its name for what is struck

    vm, _, doors = target(STAYS)
    doors.register(RULE)
    shut = azure_vm.shut

    def struck(arm: Arm, doors: Doors, *, seconds: float = 120.0, again: bool = False) -> object:
        if again:
            raise Cancelled(signal.SIGINT)
        return shut(arm, doors, seconds=seconds)

    monkeypatch.setattr(azure_vm, "shut", struck)

    with pytest.raises(DoorOpen, match="cancelled"):
        vm.close()


def test_how_long_doors_were_open_is_an_output_of_every_ending() -> None:
    vm, runner, doors = target(GONE)
    doors.register(RULE)

    with pytest.raises(RolledBack):
        ended_by(RolledBack("x", "No.", next_step=""), vm)

    assert runner.noted == {"exposure": '[{"door": "NSG rule ours in nsg", "seconds": 0.0}]'}
