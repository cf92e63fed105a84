"""The way in to SSH: opened narrowly, waited for by looking, and closed after the handshake."""

from __future__ import annotations

from typing import Any

import pytest

from difyaction.azure.door import recalled
from difyaction.azure.doors import STATE
from difyaction.azure.leases import Run, described
from difyaction.azure.nsg import objections, read_groups
from difyaction.azure.nsg_rules import Flow
from difyaction.errors import Failed
from tests.contract.azure_place import Place, opened
from tests.contract.azure_setting import SOURCE, bench
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
        "PUT */securityRules/*", before=lambda _: known.append(len(recalled(setting.saved[STATE]))), times=None
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


def test_behind_the_fence_no_rule_is_made(azure: AzureEmulator, place: Place) -> None:
    setting = bench(azure)
    setting.fenced = True
    with pytest.raises(Failed) as raised, opened(setting, place):
        pass
    assert raised.value.id == "azure-fenced"
    assert place.rules == []
    assert not azure.calls("PUT */securityRules/*")


def test_what_no_rule_of_ours_could_change_is_an_objection(azure: AzureEmulator, place: Place) -> None:
    setting = bench(azure)
    flow = Flow(SOURCE, place.machine.private_address, place.gate.port)
    place.subnet.rule("nobody", priority=100, access="Deny")
    place.nic.fill(range(100, 4097))
    groups = read_groups(setting.sdk, tuple(nsg.id for nsg in place.nsgs))
    assert [each.rule for each in objections(groups, flow, "1.14.1")] == ["azure-nsg-denies", "azure-nsg-full"]
    assert "azure-nsg-unnamed" in [each.rule for each in objections(groups, flow, "1.14.1", only="nic-nsg")]
    assert next(objections(groups, flow, "1.14.1", only="x")).rule == "azure-nsg-elsewhere"
    assert [each.rule for each in objections({}, flow, "1.14.1")] == ["azure-nsg-none"]
    assert not list(objections({}, flow, "1.14.1", inside=True))
    with pytest.raises(Failed) as raised, opened(setting, place):
        pass
    assert raised.value.id == "azure-nsg-full"
