"""What counts as closed: not what somebody on the way says, and not what may be opened yet."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from difyaction.azure.arm import Arm
from difyaction.azure.closed import Closed, How
from difyaction.azure.closing import GRACE, checked, close, shut
from difyaction.azure.door import Door, Doubt, RuleDoor, VaultDoor
from difyaction.azure.doors import Doors
from difyaction.azure.leases import Lease, Run
from difyaction.azure.telling import doubt_title, doubtful
from difyaction.azure.wire import Answer
from tests.unit.azure.scripted import ENDPOINT, CountedTokens, FakeTime, ScriptedWire, arm, error, ok

LEASE = Lease(Run(123, 1, "ab12cd", "acme/infra"), 1_764_000_900)
GROUP = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/nsg"
RULE = RuleDoor(f"{GROUP}/securityRules/ours", LEASE)
VAULT = VaultDoor("/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv", ("203.0.113.10",), LEASE)
PAGES = (
    ok({"message": "<html>Sign in to the guest network</html>"}),
    Answer(404, {}, {"message": "<html>No such page</html>"}),
    error(404, "SubscriptionNotFound"),
)


@pytest.mark.parametrize("door", [RULE, VAULT])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_in_azures_place_is_no_closed_door(door: Door, page: Answer) -> None:
    time = FakeTime()
    client, _ = arm(*[page] * 60, time=time)
    assert not close(client, door, until=time.now + 20).shut


@pytest.mark.parametrize("door", [RULE, VAULT])
def test_what_azure_itself_says_is_not_there_is_closed(door: Door) -> None:
    time = FakeTime()
    client, _ = arm(*[error(404, "ResourceNotFound")] * 3, time=time)
    assert close(client, door, until=time.now + 20).shut


EMPTY = ok({"id": GROUP, "properties": {"provisioningState": "Succeeded", "securityRules": []}})
RULE_THERE = {"name": "ours", "properties": {"access": "Allow", "description": LEASE.description()}}
STANDS = ok({"id": GROUP, "properties": {"provisioningState": "Succeeded", "securityRules": [RULE_THERE]}})
NEVER_THERE = ok(None, 204)


def asked_at(time: FakeTime, *, only: bool = True) -> Doubt:
    return Doubt(time.now, only=only)


def deletes(wire: ScriptedWire) -> int:
    return len([line for line in wire.story if line.startswith("DELETE")])


def test_an_opening_without_an_answer_that_comes_late_is_closed_when_it_comes() -> None:
    time = FakeTime()
    client, wire = arm(NEVER_THERE, EMPTY, EMPTY, EMPTY, STANDS, ok(None, 202), EMPTY, time=time)
    ended = close(client, RULE, until=time.now + 120, doubt=asked_at(time))
    assert (ended.how, deletes(wire), wire.answers) == (How.GONE, 2, [])


def test_an_opening_that_was_there_to_be_closed_is_waited_for_no_longer() -> None:
    time = FakeTime()
    client, _ = arm(ok(None, 202), EMPTY, time=time)
    assert close(client, RULE, until=time.now + 120, doubt=asked_at(time)).how is How.GONE
    assert time.pauses == []


def test_where_two_requests_may_have_opened_the_later_one_is_waited_for() -> None:
    time = FakeTime()
    began = time.now
    client, wire = arm(ok(None, 202), *[EMPTY] * 100, time=time)
    assert close(client, RULE, until=time.now + 120, doubt=asked_at(time, only=False)).how is How.DOUBTFUL
    assert time.now - began > GRACE - 5
    assert deletes(wire) == 1


def test_an_opening_that_never_comes_is_not_said_to_be_certainly_closed() -> None:
    time = FakeTime()
    asked, began = Doubt(time.now - 45), time.now
    client, _ = arm(NEVER_THERE, *[EMPTY] * 100, time=time)
    ended = close(client, RULE, until=time.now + 120, doubt=asked)
    assert (ended.how, ended.shut) == (How.DOUBTFUL, True)
    assert GRACE - 45 - 5 < time.now - began <= GRACE - 45


def test_an_opening_that_comes_late_was_open_until_it_is_closed_again() -> None:
    time = FakeTime()
    client, _ = arm(NEVER_THERE, EMPTY, EMPTY, EMPTY, STANDS, ok(None, 202), *[EMPTY] * 100, time=time)
    began = time.now
    ended = close(client, RULE, until=time.now + 120, doubt=asked_at(time, only=False))
    assert (ended.how, ended.at) == (How.DOUBTFUL, began + 3 * 2.0)


def test_who_is_told_to_look_is_given_a_command_that_only_looks() -> None:
    for door, look in ((RULE, "az network nsg rule show"), (VAULT, "az keyvault network-rule list")):
        said = doubtful(Closed(door, How.DOUBTFUL))
        assert "Watched until 60 s after it was asked for, and closed: " in said
        assert f"To be sure, look: {look}" in said


def test_what_azure_failed_at_is_told_as_its_failure() -> None:
    time = FakeTime()
    client, _ = arm(NEVER_THERE, *[EMPTY] * 100, time=time)
    ended = close(client, RULE, until=time.now + 120, doubt=Doubt(time.now, failed=503))
    assert (ended.how, doubt_title(ended)) == (How.DOUBTFUL, "Azure failed at an opening")
    assert "Azure answered a request that opens it with a failure of its own (503); should it" in doubtful(ended)


class Nothing:
    """Answers that nothing is there."""

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, timeout: float
    ) -> Answer:
        assert (url.startswith(ENDPOINT), bool(headers), body, timeout > 0) == (True, True, None, True)
        return NEVER_THERE if method == "DELETE" else EMPTY


@dataclass
class OthersFirst(FakeTime):
    """Whoever pauses lets everybody end first who began before."""

    before: set[threading.Thread] = field(default_factory=lambda: set(threading.enumerate()))

    def pause(self, seconds: float) -> None:
        for other in set(threading.enumerate()) - self.before - {threading.current_thread()}:
            other.join(30)
        super().pause(seconds)


def test_how_long_a_door_was_open_is_its_own_affair_whatever_is_waited_for_beside_it() -> None:
    time = OthersFirst()
    pace, began = time.pace(), time.now
    doors = Doors(lambda _: None, pace.clock, pace.monotonic)
    answered = RuleDoor(f"{GROUP}/securityRules/answered", LEASE)
    doors.register(answered)
    doors.register(RULE)
    doors.answered(answered, ok(None, 201))
    time.now += 4

    shut(Arm(ENDPOINT, "scope", CountedTokens(), Nothing(), pace), doors)

    seconds = {each.door: each.seconds for each in doors.exposures}
    assert seconds == {answered: 4, RULE: 4}
    assert time.now - began > GRACE - 5, "it was looked at for that long"


NO_RIGHT = error(403, "AuthorizationFailed")
DENIES = ok(
    {
        "id": GROUP,
        "properties": {
            "provisioningState": "Succeeded",
            "securityRules": [{"name": "ours", "properties": {"access": "Deny"}}],
        },
    }
)


@pytest.mark.parametrize(("group", "how"), [(EMPTY, How.GONE), (DENIES, How.DENIED), (STANDS, How.OPEN)])
def test_who_may_only_look_at_the_group_sees_whether_the_rule_lets_anybody_in(group: Answer, how: How) -> None:
    time = FakeTime()
    client, wire = arm(NO_RIGHT, NO_RIGHT, group, NO_RIGHT, group, time=time)
    assert (close(client, RULE, until=time.now + 20).how, wire.answers) == (how, [])


def test_a_page_in_place_of_the_rule_tells_of_no_rule_that_stood() -> None:
    time = FakeTime()
    began = time.now
    client, _ = arm(NO_RIGHT, PAGES[0], EMPTY, NO_RIGHT, *[EMPTY] * 100, time=time)
    ended = close(client, RULE, until=time.now + 120, doubt=asked_at(time))
    assert (ended.how, ended.stood, time.now - began > GRACE - 5) == (How.DOUBTFUL, False, True)
    assert not any("undone each time" in text for text in ended.why)


@pytest.mark.parametrize(("group", "how"), [(EMPTY, How.DOUBTFUL), (STANDS, How.GONE)])
def test_a_group_that_is_written_without_the_rule_need_not_have_held_it(group: Answer, how: How) -> None:
    time = FakeTime()
    client, _ = arm(NO_RIGHT, NO_RIGHT, group, ok({"id": GROUP}), *[EMPTY] * 100, time=time)
    assert close(client, RULE, until=time.now + 120, doubt=asked_at(time)).how is how


def test_who_has_no_time_to_wait_says_that_it_may_come_yet() -> None:
    time = FakeTime()
    client, _ = arm(NEVER_THERE, EMPTY, time=time)
    ended = close(client, RULE, until=time.now + 6, doubt=asked_at(time))
    assert (ended.how, ended.shut, time.pauses) == (How.AWAITED, False, [])


def test_nobody_who_could_not_look_at_the_end_says_that_it_stayed_closed() -> None:
    time = FakeTime()
    client, _ = arm(NEVER_THERE, EMPTY, *[error(503, "ServiceUnavailable")] * 400, time=time)
    assert close(client, RULE, until=time.now + 120, doubt=asked_at(time)).how is How.AWAITED


def vault_with(tags: Mapping[str, str], *addresses: str) -> Answer:
    acls = {"ipRules": [{"value": f"{each}/32"} for each in addresses]}
    return ok({"id": VAULT.vault, "tags": tags, "properties": {"networkAcls": acls}})


OURS = {"dify-upgrade:123.1.ab12cd": "203.0.113.10|1764000900"}
LIVES = {"dify-upgrade:124.1.cd": "203.0.113.10|1764000900"}


@pytest.mark.parametrize(
    ("vault", "how"),
    [
        (vault_with(OURS), How.TAGGED),
        (vault_with(OURS, "198.51.100.7"), How.TAGGED),
        (vault_with(OURS, "203.0.113.10"), How.OPEN),
        (vault_with(OURS | LIVES, "203.0.113.10"), How.HELD),
    ],
)
def test_a_tag_that_may_not_be_taken_out_is_open_where_its_address_is(vault: Answer, how: How) -> None:
    time = FakeTime()
    client, wire = arm(vault, NO_RIGHT, time=time)
    ended = close(client, VAULT, until=time.now + 20)
    assert (ended.how, ended.shut, wire.answers) == (how, how is How.TAGGED, [])


def test_a_vaults_door_that_comes_late_is_closed_too() -> None:
    time = FakeTime()
    shut = ok({"id": VAULT.vault, "tags": {}, "properties": {"networkAcls": {"ipRules": []}}})
    held = {"dify-upgrade:123.1.ab12cd": "203.0.113.10|1764000900"}
    acls = {"ipRules": [{"value": "203.0.113.10/32"}]}
    open_ = ok({"id": VAULT.vault, "tags": held, "properties": {"networkAcls": acls}})
    client, wire = arm(shut, shut, shut, open_, open_, ok({}), shut, time=time)
    ended = checked(client, VAULT, until=time.now + 120, doubt=asked_at(time))
    assert (ended.how, wire.answers) == (How.GONE, [])
