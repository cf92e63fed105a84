"""The ladder that closes a door, seen closed: under locks, without rights, in haste, by later runs."""

from __future__ import annotations

import pytest

from difyaction.azure.closed import How
from difyaction.azure.closing import close_all, insist, shut
from difyaction.azure.dead_leases import leased
from difyaction.azure.door import RuleDoor
from difyaction.azure.doors import DoorOpen
from difyaction.azure.leases import Lease, Run
from tests.contract.azure_place import Place, opened
from tests.contract.azure_setting import bench
from tests.emulators.azure.emulator import AzureEmulator
from tests.emulators.azure.faults import (
    SUPERSEDED,
)

RULES = "Microsoft.Network/networkSecurityGroups/securityRules"


def test_a_signal_leaves_closing_to_whoever_catches_it(azure: AzureEmulator, place: Place) -> None:
    setting = bench(azure)
    with pytest.raises(KeyboardInterrupt), opened(setting, place):
        raise KeyboardInterrupt
    assert len(place.rules) == 2
    ended = shut(setting.arm, setting.doors, seconds=6.0)
    assert all(each.how is How.GONE for each in ended)
    assert place.rules == []


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


def test_who_may_not_read_a_rule_is_told_of_every_rung_and_tries_the_last(azure: AzureEmulator, place: Place) -> None:
    lost = bench(azure)
    with pytest.raises(KeyboardInterrupt), opened(lost, place):
        raise KeyboardInterrupt
    azure.allow(lost.application, "Microsoft.Network/networkSecurityGroups/read", scope=place.group)
    for each in close_all(lost.arm, lost.doors.open, seconds=6.0):
        assert each.how is How.OPEN
        assert [text.partition(":")[0] for text in each.why] == ["DELETE", "Deny", "whole group"]

    azure.allow(
        lost.application,
        "Microsoft.Network/networkSecurityGroups/read",
        "Microsoft.Network/networkSecurityGroups/write",
        scope=place.group,
    )
    assert {each.how for each in close_all(lost.arm, lost.doors.open)} == {How.GONE}
    assert place.rules == []


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


def test_a_later_run_closes_what_a_lost_one_left_and_nothing_that_lives(azure: AzureEmulator, place: Place) -> None:
    lost = bench(azure)
    with pytest.raises(KeyboardInterrupt), opened(lost, place):
        raise KeyboardInterrupt
    later = bench(azure, run=Run(200, 1, "cc"), like=lost)
    groups = [nsg.id for nsg in place.nsgs]
    assert [each.held for each in leased(later.arm, groups, [], run=later.run)] == [True, True]
    place.nic.rule("human", priority=300, description="opened by hand", sourceAddressPrefix="198.51.100.7")
    later.time.pause(3600)
    found = list(leased(later.arm, groups, [], run=later.run))
    assert [each.held for each in found] == [False, False]
    insist(close_all(later.arm, [each.door for each in found]))
    assert place.rules == ["human"]


def test_the_next_attempt_closes_what_the_one_before_left_at_once(azure: AzureEmulator, place: Place) -> None:
    lost = bench(azure)
    with pytest.raises(KeyboardInterrupt), opened(lost, place):
        raise KeyboardInterrupt
    again = bench(azure, run=Run(123, 2, "dd"), like=lost)
    found = leased(again.arm, [nsg.id for nsg in place.nsgs], [], run=again.run)
    assert [each.held for each in found] == [False, False]


def test_closing_what_is_gone_is_closing(azure: AzureEmulator, place: Place) -> None:
    setting = bench(azure)
    door = RuleDoor(f"{place.nic.id}/securityRules/never", Lease(setting.run, 1))
    assert [each.how for each in close_all(setting.arm, [door])] == [How.GONE]


def test_in_haste_a_group_that_is_still_busy_with_our_own_rule_is_closed_in_time(
    azure: AzureEmulator, place: Place
) -> None:
    azure.overlap, azure.timing.network, azure.timing.retry_after = "retryable", 3.0, "recorded"
    setting = bench(azure)
    setting.passage(place.machine.id, place.gate.port).open()
    ended = shut(setting.arm, setting.doors, seconds=6.0)
    assert {each.how for each in ended} <= {How.ASKED, How.GONE}
    azure.pass_time(5)
    assert not place.gate.is_open
    azure.pass_time(60)
    insist(shut(setting.arm, setting.doors, again=True))
    assert place.rules == []


def test_a_door_that_is_shut_at_once_leaves_the_slow_ones_their_time(azure: AzureEmulator, place: Place) -> None:
    setting = bench(azure)
    with pytest.raises(KeyboardInterrupt), opened(setting, place):
        raise KeyboardInterrupt
    quick, slow = setting.doors.open
    close_all(setting.arm, [quick])
    azure.faults.add("DELETE */securityRules/*", delay=1.5)
    ended = close_all(setting.arm, [quick, slow], seconds=6.0)
    assert [each.how for each in ended] == [How.GONE, How.GONE]
