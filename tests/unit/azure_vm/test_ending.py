"""How a run on Azure ends when a door does: nothing else that happened is lost behind it."""

from __future__ import annotations

import io
import json
import signal
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from difyaction.azure.arm import Arm, Unanswered
from difyaction.azure.closed import Closed, How
from difyaction.azure.closing import insist
from difyaction.azure.clouds import PUBLIC
from difyaction.azure.door import RuleDoor
from difyaction.azure.doors import DoorOpen, Doors
from difyaction.azure.identity import Identity
from difyaction.azure.leases import Lease, Run
from difyaction.azure.login import Login
from difyaction.azure.management import Management
from difyaction.azure.refusals import refused
from difyaction.azure.wire import Answer
from difyaction.azure_vm import tidying
from difyaction.azure_vm.besides import add_what_it_beats
from difyaction.azure_vm.clients import Clients
from difyaction.azure_vm.command_way import CommandWay
from difyaction.cancelled import Cancelled
from difyaction.errors import Failed, Refused, RolledBack, Stranded
from difyaction.language import Language
from difyaction.releases.catalogue import Release
from difyaction.releases.version import Version
from difyaction.report import Told
from difyaction.runner import Runner
from difyaction.summary import summary
from difyaction.surroundings import Surroundings
from difyaction.target import Outcome
from difyaction.targets import azure_vm
from difyaction.targets.azure_vm import AzureVm
from tests.unit.azure.scripted import ENDPOINT, CountedTokens, FakeTime, error, ok
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


def target(answer: Answer, out: io.StringIO | None = None, *, on_github: bool = False) -> tuple[AzureVm, Runner, Doors]:
    moment = FakeTime()
    pace, wire = moment.pace(), Azure(answer)
    runner = Runner({"GITHUB_ACTIONS": str(on_github).lower()}, out or io.StringIO(), monotonic=time.monotonic)
    surroundings = Surroundings(
        environ={}, runner=runner, now=lambda: datetime.now(UTC), pause=moment.pause, monotonic=lambda: moment.now
    )
    identity = Identity("oidc", "tenant", "client", PUBLIC)
    login = Login(identity, lambda: "assertion")
    doors = Doors(lambda _: None, pace.clock, pace.monotonic)
    arm = Arm(ENDPOINT, "scope", CountedTokens(), wire, pace)
    clients = Clients(RUN, identity, login, Management(PUBLIC, login, pace), arm, wire, pace, doors)
    inputs = by_ssh()
    way = CommandWay(inputs, surroundings, clients)
    return AzureVm(inputs, surroundings, clients, way=way, releases=Silent()), runner, doors


def opened(doors: Doors) -> None:
    doors.register(RULE)
    doors.answered(RULE, Answer(201))


def ended_by(why: BaseException, vm: AzureVm) -> None:
    """Close as the story does, with an exception on its way."""
    try:
        raise why
    finally:
        vm.close()


def ajar(besides: BaseException | None = None) -> DoorOpen:
    """Return what is raised where a door is not seen closed, besides what else went wrong."""

    def close() -> None:
        try:
            if besides:
                raise besides
        finally:
            insist([Closed(RULE, How.OPEN, ("DELETE: 403",))])

    with pytest.raises(DoorOpen) as raised:
        close()
    return raised.value


def test_an_open_door_says_that_the_run_was_stranded_besides() -> None:
    vm, _, doors = target(STAYS)
    opened(doors)
    lost = Stranded("x", "The database is gone.", state="", next_step="docs/restore.md explains it.")
    lost.left = {"swap-commands": "az vm start"}

    with pytest.raises(DoorOpen) as raised:
        ended_by(lost, vm)

    said = str(raised.value)
    assert "Besides that, the run ended as stranded. The database is gone. docs/restore.md explains it." in said
    assert "az network nsg rule delete --ids" in said
    assert raised.value.left["swap-commands"] == "az vm start"


def test_what_an_open_door_beats_is_told_in_the_readers_language_and_what_azure_says_is_quoted() -> None:
    vm, _, doors = target(STAYS)
    opened(doors)
    busy = Unanswered(error(409, "AnotherOperationInProgress", "Another operation is in progress"), "PUT /x")

    with pytest.raises(DoorOpen) as raised:
        ended_by(refused(busy, "reading the machine"), vm)

    told = Told(
        status="door-open",
        exit_code=9,
        mode="apply",
        target="azure-vm",
        ended=datetime.now(UTC),
        seconds=1.0,
        error=raised.value,
    )
    japanese = summary(told, Language.of("ja"))
    assert "これとは別に、実行は failed で終わりました" in japanese
    assert "Azure で別の操作が長時間続いており、待ちきれませんでした" in japanese
    assert "マシンの読み取り" in japanese
    assert "`Another operation is in progress`" in japanese
    assert "Azure の応答: `DELETE: 403 AuthorizationFailed" in japanese
    assert f"すぐに削除するには: `az network nsg rule delete --ids {RULE.rule}`" in japanese
    assert "Besides" not in japanese


def test_an_open_door_says_that_the_upgrade_went_well_besides() -> None:
    with pytest.raises(DoorOpen) as raised:
        insist([Closed(RULE, How.OPEN, ("DELETE: 403",))])

    add_what_it_beats(raised.value, Outcome("upgraded", changed=True, outputs={"backup-id": "b1"}))

    assert "Besides that, the run ended as upgraded." in str(raised.value)
    assert raised.value.left == {"backup-id": "b1"}


def test_an_open_door_says_that_the_run_was_cancelled_besides() -> None:
    vm, _, doors = target(STAYS)
    opened(doors)

    with pytest.raises(DoorOpen, match=r"Besides that, the run ended as cancelled\."):
        ended_by(Cancelled(signal.SIGINT), vm)


def test_who_cancels_while_a_door_is_looked_at_for_good_is_told_that_it_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    vm, _, doors = target(STAYS)
    opened(doors)
    shut = tidying.shut

    def struck(arm: Arm, doors: Doors, *, seconds: float = 120.0, again: bool = False, waits: bool = True) -> object:
        if again and waits:
            raise Cancelled(signal.SIGINT)
        return shut(arm, doors, seconds=seconds)

    monkeypatch.setattr(tidying, "shut", struck)

    with pytest.raises(DoorOpen, match="cancelled"):
        vm.close()


def test_how_long_doors_were_open_is_an_output_of_every_ending() -> None:
    vm, runner, doors = target(GONE)
    opened(doors)

    with pytest.raises(RolledBack):
        ended_by(RolledBack("x", "No.", next_step=""), vm)

    assert runner.noted == {"exposure": '[{"door": "NSG rule ours in nsg", "seconds": 0.0, "open": false}]'}


def test_a_door_that_stays_open_counts_up_to_now() -> None:
    out = io.StringIO()
    vm, runner, doors = target(STAYS, out)
    opened(doors)

    with pytest.raises(DoorOpen):
        vm.close()

    assert runner.noted["exposure"].endswith('"open": true}]')
    assert "until now, and not seen closed: NSG rule ours in nsg." in out.getvalue()


def test_a_door_that_is_seen_closed_at_the_second_attempt_is_no_open_door() -> None:
    out = io.StringIO()
    vm, _, doors = target(GONE, out)
    opened(doors)

    with pytest.raises(Failed) as raised:
        ended_by(ajar(), vm)

    assert (raised.value.id, raised.value.exit_code) == ("azure-door-late", 4)
    assert "second attempt: NSG rule ours in nsg. At the first, Azure said: DELETE: 403." in str(raised.value)
    assert "closed at the second attempt, and seen closed: NSG rule ours in nsg" in out.getvalue()


@pytest.mark.parametrize(
    "why", [Refused("ssh-host-key-changed", "Another key.", next_step="Look."), Cancelled(signal.SIGINT)]
)
def test_what_such_a_door_stood_before_is_how_the_run_ended(why: Refused | Cancelled) -> None:
    vm, _, doors = target(GONE)
    opened(doors)

    with pytest.raises(type(why)) as raised:
        ended_by(ajar(why), vm)

    assert raised.value is why


def test_what_was_seen_closed_is_not_open_because_azure_is_away_at_the_end() -> None:
    out = io.StringIO()
    vm, runner, doors = target(error(503, "ServiceUnavailable"), out)
    opened(doors)
    doors.closed(RULE)

    vm.close()

    assert "seen closed before, and not looked at once more" in out.getvalue()
    assert '"open": false' in runner.noted["exposure"]


def test_what_was_seen_closed_and_stands_again_is_an_open_door() -> None:
    rule = {"name": "ours", "properties": {"access": "Allow", "description": RULE.lease.description()}}
    group = {"id": RULE.group, "properties": {"provisioningState": "Succeeded", "securityRules": [rule]}}
    vm, runner, doors = target(ok(group))
    opened(doors)
    doors.closed(RULE)

    with pytest.raises(DoorOpen):
        vm.close()

    assert '"open": true' in runner.noted["exposure"]


def test_an_opening_that_azure_never_answered_is_waited_for_and_told_as_what_it_is() -> None:
    out = io.StringIO()
    vm, runner, doors = target(GONE, out)
    doors.register(RULE)

    vm.close()

    (door,) = json.loads(runner.noted["exposure"])
    assert (door["open"], door["seconds"] < 5) == (False, True), "seen closed at the first look"
    assert "warning: Watched until 60 s after it was asked for, and closed: NSG rule ours in nsg." in out.getvalue()
    assert "but Azure never answered a request that opens it: NSG rule ours in nsg." in out.getvalue()


def test_an_opening_that_azure_failed_at_is_told_as_its_failure() -> None:
    out = io.StringIO()
    vm, _, doors = target(GONE, out)
    doors.register(RULE)
    doors.answered(RULE, Answer(503))

    vm.close()

    assert "but Azure answered a request that opens it with a failure of its own (503): NSG rule ours" in out.getvalue()
    assert (
        "warning: Watched until 60 s after it was asked for, and closed: NSG rule ours in nsg. Azure ans"
        in out.getvalue()
    )
    assert "never answered" not in out.getvalue()


def test_who_is_cancelled_leaves_an_opening_without_an_answer_to_the_post_step() -> None:
    out = io.StringIO()
    vm, runner, doors = target(GONE, out, on_github=True)
    doors.register(RULE)

    with pytest.raises(Cancelled):
        ended_by(Cancelled(signal.SIGINT), vm)

    assert runner.noted["exposure"] == '[{"door": "NSG rule ours in nsg", "seconds": 0.0, "open": true}]'
    assert "seen closed, but it may be opened yet (Azure never answered a request" in out.getvalue()
    assert doors.doubt(RULE) is not None


def test_who_is_cancelled_stops_looking_at_a_slow_door_in_time_to_say_that_it_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rule = {"name": "ours", "properties": {"access": "Allow", "description": RULE.lease.description()}}
    group = {"id": RULE.group, "properties": {"provisioningState": "Updating", "securityRules": [rule]}}
    vm, runner, doors = target(ok(group), on_github=True)
    opened(doors)
    began = doors.monotonic()

    def struck(*_: object) -> None:
        raise Cancelled(signal.SIGINT)

    monkeypatch.setattr(azure_vm, "read_machine", struck)

    def story() -> None:
        try:
            vm.inspect()
        finally:
            vm.close()

    with pytest.raises(DoorOpen, match="Azure was still at work when the time was up"):
        story()

    assert 6 < doors.monotonic() - began < 8.5
    assert '"open": true' in runner.noted["exposure"]


@pytest.mark.parametrize(("since", "seconds"), [(0.0, 8.0), (6.0, 2.0), (7.95, 0.1), (30.0, 0.1)])
def test_what_the_first_haste_took_is_not_there_for_the_last_look(since: float, seconds: float) -> None:
    assert tidying.in_time(since) == pytest.approx(seconds)
