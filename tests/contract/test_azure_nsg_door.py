"""The way in to SSH: opened narrowly, waited for by looking, closed by a ladder, seen closed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from difyaction.azure.closing import How, close_all, expired, insist, shut
from difyaction.azure.doors import STATE, DoorOpen, RuleDoor, read
from difyaction.azure.leases import Lease, Run, described
from difyaction.azure.nsg import objections, read_groups
from difyaction.azure.nsg_rules import Flow
from difyaction.errors import Failed
from tests.contract.azure_setting import SOURCE, Bench, bench
from tests.emulators.azure.emulator import AzureEmulator
from tests.emulators.azure.faults import (
    ANOTHER_OPERATION,
    ETAG_MISMATCH,
    INTERNAL,
    RETRYABLE,
    SUPERSEDED,
    THROTTLED,
    UNAVAILABLE,
)
from tests.emulators.azure.gate import Gate
from tests.emulators.azure.machines import Machine
from tests.emulators.azure.security_groups import SecurityGroup

RULES = "Microsoft.Network/networkSecurityGroups/securityRules"


class Place:
    """A machine with a subnet's and an interface's NSG, and something that says hello behind its gate."""

    def __init__(self, azure: AzureEmulator) -> None:
        self.group = azure.group("rg")
        self.subnet = self.group.security_group("subnet-nsg")
        self.nic = self.group.security_group("nic-nsg")
        self.machine: Machine = self.group.machine("dify", nic_group=self.nic, subnet_group=self.subnet)
        self._server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        self.gate: Gate = azure.gate(self.machine, to=self._server.getsockname())

    def _serve(self) -> None:
        try:
            while True:
                connection, _ = self._server.accept()
                with connection:
                    connection.sendall(b"SSH-2.0-hello\r\n")
        except OSError:
            return

    def close(self) -> None:
        self._server.close()

    def answers(self) -> bool:
        try:
            with socket.create_connection((self.gate.host, self.gate.port), timeout=0.3) as connection:
                return connection.recv(7) == b"SSH-2.0"
        except OSError:
            return False

    @property
    def nsgs(self) -> tuple[SecurityGroup, SecurityGroup]:
        return self.subnet, self.nic

    @property
    def rules(self) -> list[str]:
        return [name for nsg in self.nsgs for name in nsg.rules]


@pytest.fixture
def place(azure: AzureEmulator) -> Iterator[Place]:
    found = Place(azure)
    yield found
    found.close()


@contextmanager
def opened(setting: Bench, place: Place) -> Iterator[None]:
    passage = setting.passage(place.machine.id, place.gate.port)
    with passage.opened():
        passage.wait(lambda: place.gate.is_open)
        yield


def test_the_door_is_open_for_the_handshake_and_no_longer(azure: AzureEmulator, place: Place) -> None:
    setting = bench(azure)
    assert not place.answers()
    passage = setting.passage(place.machine.id, place.gate.port)
    with passage.opened():
        passage.wait(place.answers)
        for nsg in place.nsgs:
            (rule,) = nsg.rules.values()
            assert rule["sourceAddressPrefix"] == f"{SOURCE}/32"
            assert rule["destinationAddressPrefix"] == f"{place.machine.private_address}/32"
            assert rule["destinationPortRange"] == str(place.gate.port)
            lease = described(rule["description"])
            assert lease is not None
            assert lease.run.text == setting.run.text
    assert place.rules == []
    assert not place.gate.is_open
    assert setting.doors.open == ()
    assert len(setting.doors.exposures) == 2


def test_each_rule_is_written_down_before_it_is_made(azure: AzureEmulator, place: Place) -> None:
    setting = bench(azure)
    known: list[int] = []
    azure.faults.add(
        "PUT */securityRules/*", before=lambda _: known.append(len(read(setting.saved[STATE]))), times=None
    )
    with opened(setting, place):
        pass
    assert known == [1, 2]


def test_a_group_that_lets_us_in_already_is_left_alone(azure: AzureEmulator, place: Place) -> None:
    place.subnet.rule("office", priority=200, sourceAddressPrefix="203.0.113.0/24")
    with opened(bench(azure), place):
        assert place.gate.is_open
        assert list(place.subnet.rules) == ["office"]
    assert list(place.subnet.rules) == ["office"]


def test_an_error_closes_too(azure: AzureEmulator, place: Place) -> None:
    with pytest.raises(RuntimeError), opened(bench(azure), place):
        raise RuntimeError
    assert place.rules == []


def test_a_signal_leaves_closing_to_whoever_catches_it(azure: AzureEmulator, place: Place) -> None:
    setting = bench(azure)
    with pytest.raises(KeyboardInterrupt), opened(setting, place):
        raise KeyboardInterrupt
    assert len(place.rules) == 2
    ended = shut(setting.arm, setting.doors, seconds=6.0)
    assert all(each.how is How.GONE for each in ended)
    assert place.rules == []


@pytest.mark.parametrize("fault", [ANOTHER_OPERATION, RETRYABLE, THROTTLED, ETAG_MISMATCH, INTERNAL, UNAVAILABLE])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "GET"])
def test_a_passing_conflict_is_outlived(azure: AzureEmulator, place: Place, fault: dict[str, Any], method: str) -> None:
    setting = bench(azure)
    passage = setting.passage(place.machine.id, place.gate.port)
    azure.faults.add(f"{method} */securityRules/*", **fault)
    azure.faults.add(f"{method} */securityRules/*", reset=True)
    with passage.opened():
        passage.wait(place.answers)
    assert place.rules == []


def test_a_priority_that_somebody_takes_meanwhile_gives_way_to_the_next(azure: AzureEmulator, place: Place) -> None:
    azure.faults.add("PUT */nic-nsg/securityRules/*", before=lambda _: place.nic.fill([100]))
    with opened(bench(azure), place):
        assert sorted(rule["priority"] for rule in place.nic.rules.values()) == [100, 101]
        assert place.gate.is_open
    assert list(place.nic.rules) == ["taken-100"]


def test_a_superseded_rule_is_made_again(azure: AzureEmulator, place: Place) -> None:
    setting = bench(azure)
    azure.operations.upset("PUT */nic-nsg/securityRules/*", error=SUPERSEDED)
    passage = setting.passage(place.machine.id, place.gate.port)
    with passage.opened():
        passage.wait(place.answers)
    assert place.rules == []


def test_a_rule_that_a_whole_write_erased_is_made_again(azure: AzureEmulator, place: Place) -> None:
    setting = bench(azure)
    passage = setting.passage(place.machine.id, place.gate.port)
    with passage.opened():
        for name in list(place.nic.rules):
            place.nic.remove(name)
        passage.wait(place.answers)
    assert place.rules == []


def test_propagation_and_flapping_are_waited_for_by_looking(azure: AzureEmulator, place: Place) -> None:
    azure.timing.propagation, azure.timing.flapping = 12.0, 5.0
    setting = bench(azure)
    passage = setting.passage(place.machine.id, place.gate.port)
    began = setting.time.ahead
    with passage.opened():
        passage.wait(place.answers)
        assert 5 < setting.time.ahead - began < 40
    assert place.rules == []


def test_a_port_that_never_answers_is_an_error_and_the_door_is_shut(azure: AzureEmulator, place: Place) -> None:
    setting = bench(azure)
    passage = setting.passage(place.machine.id, place.gate.port)
    with pytest.raises(Failed) as raised, passage.opened():
        passage.wait(lambda: False, seconds=20)
    assert raised.value.id == "azure-port-silent"
    assert place.rules == []


def test_two_runs_at_once_do_not_close_each_others_door(azure: AzureEmulator, place: Place) -> None:
    one = bench(azure)
    other = bench(azure, run=Run(123, 1, "ff00ff", "acme/infra"), like=one)
    with opened(one, place):
        with opened(other, place):
            assert len(place.rules) == 4
        assert len(place.rules) == 2
        assert place.gate.is_open
    assert place.rules == []


@pytest.mark.parametrize("overlap", ["accept", "retryable", "conflict", "supersede"])
def test_two_runs_write_at_the_same_time(azure: AzureEmulator, place: Place, overlap: Any) -> None:  # noqa: ANN401 - a literal
    azure.overlap, azure.timing.network = overlap, 3.0
    one = bench(azure)
    other = bench(azure, run=Run(123, 1, "ff00ff", "acme/infra"), like=one)
    first, second = (each.passage(place.machine.id, place.gate.port) for each in (one, other))
    with first.opened():
        with second.opened():
            first.wait(place.answers)
            second.wait(place.answers)
        first.wait(place.answers)
    azure.pass_time(30)
    assert place.rules == []
    assert not place.gate.is_open


def test_without_the_right_to_delete_the_rule_becomes_a_deny_that_harms_nobody(
    azure: AzureEmulator, place: Place
) -> None:
    setting = bench(azure)
    azure.allow(setting.application, "*/read", f"{RULES}/write", scope=place.group)
    with opened(setting, place):
        assert place.gate.is_open
    assert not place.gate.is_open
    for nsg in place.nsgs:
        (rule,) = nsg.rules.values()
        assert (rule["access"], rule["priority"]) == ("Deny", 4096)
    with opened(setting, place):
        assert place.gate.is_open, "our own Deny of before is not in the way"
    assert not place.gate.is_open


def test_under_a_lock_the_whole_group_is_written_when_neither_rung_before_holds(
    azure: AzureEmulator, place: Place
) -> None:
    setting = bench(azure)
    with pytest.raises(KeyboardInterrupt), opened(setting, place):
        raise KeyboardInterrupt
    place.nic.rule("theirs", priority=900)
    azure.lock(place.group)
    azure.faults.add("PUT */securityRules/*", status=403, body={"error": {"code": "AuthorizationFailed"}}, times=None)
    theirs = {"priority": 901, "sourceAddressPrefix": "198.51.100.7"}
    azure.faults.add("PUT */networkSecurityGroups/nic-nsg", before=lambda _: place.nic.rule("meanwhile", **theirs))
    ended = shut(setting.arm, setting.doors)
    assert {each.how for each in ended} == {How.GONE}
    assert sorted(place.rules) == ["meanwhile", "theirs"], "what others wrote meanwhile is kept"
    assert any("ScopeLocked" in text for each in ended for text in each.why)


def test_a_lock_is_answered_by_the_second_rung(azure: AzureEmulator, place: Place) -> None:
    setting = bench(azure)
    azure.lock(place.group)
    with opened(setting, place):
        assert place.gate.is_open
    assert not place.gate.is_open
    assert {rule["access"] for nsg in place.nsgs for rule in nsg.rules.values()} == {"Deny"}


def test_a_delete_that_is_undone_is_done_again(azure: AzureEmulator, place: Place) -> None:
    setting = bench(azure)
    azure.operations.upset("DELETE */nic-nsg/securityRules/*", error=SUPERSEDED)
    with opened(setting, place):
        pass
    assert place.rules == []


def test_a_door_that_cannot_be_closed_is_exit_9_and_says_what_to_type(azure: AzureEmulator, place: Place) -> None:
    setting = bench(azure)
    with pytest.raises(DoorOpen) as raised, opened(setting, place):
        azure.lock(place.group, "ReadOnly")
    assert (raised.value.id, raised.value.exit_code) == ("azure-door-open", 9)
    assert "az network nsg rule delete --ids " in str(raised.value)
    assert len(setting.doors.open) == 2


def test_azure_away_leaves_an_honest_answer(azure: AzureEmulator, place: Place) -> None:
    setting = bench(azure)
    with pytest.raises(KeyboardInterrupt), opened(setting, place):
        raise KeyboardInterrupt
    azure.faults.add("*", status=503, times=None)
    ended = shut(setting.arm, setting.doors, seconds=6.0)
    assert {each.how for each in ended} == {How.OPEN}
    with pytest.raises(DoorOpen):
        insist(ended)


def test_behind_the_fence_no_rule_is_made(azure: AzureEmulator, place: Place) -> None:
    setting = bench(azure)
    setting.fenced = True
    with pytest.raises(Failed) as raised, opened(setting, place):
        pass
    assert raised.value.id == "azure-fenced"
    assert place.rules == []
    assert not azure.calls("PUT */securityRules/*")


def test_a_later_run_closes_what_a_lost_one_left_and_nothing_that_lives(azure: AzureEmulator, place: Place) -> None:
    lost = bench(azure)
    with pytest.raises(KeyboardInterrupt), opened(lost, place):
        raise KeyboardInterrupt
    later = bench(azure, run=Run(200, 1, "cc"), like=lost)
    groups = [nsg.id for nsg in place.nsgs]
    assert list(expired(later.arm, groups, [], run=later.run)) == []
    place.nic.rule("human", priority=300, description="opened by hand", sourceAddressPrefix="198.51.100.7")
    later.time.pause(3600)
    found = list(expired(later.arm, groups, [], run=later.run))
    assert len(found) == 2
    insist(close_all(later.arm, found))
    assert place.rules == ["human"]


def test_the_next_attempt_closes_what_the_one_before_left_at_once(azure: AzureEmulator, place: Place) -> None:
    lost = bench(azure)
    with pytest.raises(KeyboardInterrupt), opened(lost, place):
        raise KeyboardInterrupt
    again = bench(azure, run=Run(123, 2, "dd"), like=lost)
    assert len(list(expired(again.arm, [nsg.id for nsg in place.nsgs], [], run=again.run))) == 2


def test_closing_what_is_gone_is_closing(azure: AzureEmulator, place: Place) -> None:
    setting = bench(azure)
    door = RuleDoor(f"{place.nic.id}/securityRules/never", Lease(setting.run, 1))
    assert [each.how for each in close_all(setting.arm, [door])] == [How.GONE]


def test_what_no_rule_of_ours_could_change_is_an_objection(azure: AzureEmulator, place: Place) -> None:
    setting = bench(azure)
    flow = Flow(SOURCE, place.machine.private_address, place.gate.port)
    place.subnet.rule("nobody", priority=100, access="Deny")
    place.nic.fill(range(100, 4097))
    groups = read_groups(setting.arm, tuple(nsg.id for nsg in place.nsgs))
    assert [each.rule for each in objections(groups, flow, "1.14.1")] == ["azure-nsg-denies", "azure-nsg-full"]
    assert "azure-nsg-unnamed" in [each.rule for each in objections(groups, flow, "1.14.1", only="nic-nsg")]
    assert next(objections(groups, flow, "1.14.1", only="x")).rule == "azure-nsg-elsewhere"
    assert [each.rule for each in objections({}, flow, "1.14.1")] == ["azure-nsg-none"]
    with pytest.raises(Failed) as raised, opened(setting, place):
        pass
    assert raised.value.id == "azure-nsg-full"


def test_in_haste_a_group_that_is_still_busy_with_our_own_rule_is_closed_in_time(
    azure: AzureEmulator, place: Place
) -> None:
    azure.overlap, azure.timing.network, azure.timing.retry_after = "retryable", 3.0, "recorded"
    setting = bench(azure)
    setting.passage(place.machine.id, place.gate.port).open()
    ended = shut(setting.arm, setting.doors, seconds=6.0)
    insist(ended, in_haste=True)
    azure.pass_time(5)
    assert not place.gate.is_open
    azure.pass_time(60)
    insist(shut(setting.arm, setting.doors, again=True))
    assert place.rules == []
