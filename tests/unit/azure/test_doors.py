from __future__ import annotations

import json

import pytest

from difyaction.azure.door import Door, Doubt, Recalled, RuleDoor, VaultDoor, extended, recalled, written
from difyaction.azure.doors import STATE, Doors, Exposure
from difyaction.azure.leases import Lease, Run
from difyaction.azure.wire import Answer
from difyaction.azure_vm.exposure import output, sentences
from difyaction.errors import Failed

LEASE = Lease(Run(123, 1, "ab12cd", "acme/infra"), 1_764_000_000)
RULE = RuleDoor("/g/networkSecurityGroups/nsg/securityRules/ours", LEASE)
VAULT = VaultDoor("/g/vaults/kv", ("203.0.113.10",), LEASE)


def named(text: str) -> tuple[Door, ...]:
    return tuple(each.door for each in recalled(text))


class Moment:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_doors_are_read_back_as_they_were_written() -> None:
    doors = (Recalled(RULE, shut=True), Recalled(VAULT, doubt=Doubt(100.25, only=False, failed=500)))
    assert recalled(written(doors)) == doors
    assert recalled("") == ()
    assert written(doors).isascii()
    assert "\n" not in written(doors)


@pytest.mark.parametrize("text", ["x", "WzFd", "W3t9XQ==", "////"])
def test_a_text_that_is_no_list_of_doors_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        recalled(text)


def test_a_door_is_written_down_before_it_is_opened_and_for_good() -> None:
    saved: list[str] = []
    clock = Moment()
    doors = Doors(lambda values: saved.append(values[STATE]), clock, clock)
    doors.register(RULE)
    assert named(saved[-1]) == (RULE,)
    clock.now = 103.5
    doors.closed(RULE)
    assert doors.open == ()
    assert doors.known == (RULE,)
    assert [each.seconds for each in doors.exposures] == [3.5]


def test_that_a_door_was_seen_closed_is_written_down_too() -> None:
    saved: list[str] = []
    doors = Doors(lambda values: saved.append(values[STATE]), Moment(), Moment())
    doors.register(RULE)
    doors.register(VAULT)
    doors.closed(RULE)
    assert [(each.door, each.shut) for each in recalled(saved[-1])] == [(RULE, True), (VAULT, False)]
    doors.stands(RULE)
    assert [(each.door, each.shut) for each in recalled(saved[-1])] == [(RULE, False), (VAULT, False)]


def test_until_azure_answers_it_is_written_down_that_a_door_was_asked_for() -> None:
    saved: list[str] = []
    doors = Doors(lambda values: saved.append(values[STATE]), Moment(), Moment())
    doors.register(RULE)
    assert recalled(saved[-1]) == (Recalled(RULE, doubt=Doubt(100.0)),)
    doors.answered(RULE, Answer(201))
    assert recalled(saved[-1]) == (Recalled(RULE),)


@pytest.mark.parametrize("status", [0, 408, 500, 502, 503, 504])
def test_who_failed_at_a_request_has_not_said_what_comes_of_it(status: int) -> None:
    doors = Doors(lambda _: None, Moment(), Moment())
    doors.register(RULE)
    doors.answered(RULE, Answer(status))
    assert doors.doubt(RULE) == Doubt(100.0, failed=status)


def test_what_azure_failed_with_is_written_down_for_the_post_step_and_told_with_the_door() -> None:
    saved: list[str] = []
    doors = Doors(lambda values: saved.append(values[STATE]), Moment(), Moment())
    doors.register(RULE)
    doors.answered(RULE, Answer(503))
    assert recalled(saved[-1]) == (Recalled(RULE, doubt=Doubt(100.0, failed=503)),)
    doors.closed(RULE, doubtful=True)
    assert doors.exposures == [Exposure(RULE, 0.0, doubtful=True, failed=503)]


def test_an_earlier_request_without_an_answer_is_not_forgotten_for_a_later_one_that_has_one() -> None:
    clock = Moment()
    doors = Doors(lambda _: None, clock, clock)
    doors.register(RULE)
    clock.now = 130.0
    doors.answered(RULE, Answer(0))
    doors.register(RULE)
    assert doors.doubt(RULE) == Doubt(130.0, only=False)
    doors.answered(RULE, Answer(201))
    assert doors.doubt(RULE) == Doubt(100.0, only=False)
    doors.seen(RULE)
    assert doors.doubt(RULE) == Doubt(100.0, only=False), "the later request may have made it"


def test_a_door_that_is_seen_needs_no_answer_any_more() -> None:
    doors = Doors(lambda _: None, Moment(), Moment())
    doors.register(VAULT)
    doors.seen(VAULT)
    assert doors.doubt(VAULT) is None


def test_what_azure_refused_to_open_is_no_door() -> None:
    saved: list[str] = []
    doors = Doors(lambda values: saved.append(values[STATE]), Moment(), Moment())
    doors.register(RULE)
    doors.answered(RULE, Answer(403))
    assert (doors.known, doors.so_far, recalled(saved[-1])) == ((), (), ())


@pytest.mark.parametrize("before", [0, 201, 500])
def test_a_refusal_does_not_hide_what_an_earlier_request_may_have_opened(before: int) -> None:
    doors = Doors(lambda _: None, Moment(), Moment())
    doors.register(RULE)
    doors.answered(RULE, Answer(before))
    doors.register(RULE)
    doors.answered(RULE, Answer(403))
    assert doors.open == (RULE,)


def test_what_is_open_counts_up_to_now() -> None:
    clock = Moment()
    doors = Doors(lambda _: None, clock, clock)
    doors.register(RULE)
    clock.now = 103.5
    assert doors.so_far == (Exposure(RULE, 3.5, stands=True),)
    doors.closed(RULE)
    assert doors.so_far == (Exposure(RULE, 3.5),)


def test_a_day_of_cuts_makes_no_list_that_is_too_long_for_the_post_step() -> None:
    saved: list[str] = []
    doors = Doors(lambda values: saved.append(values[STATE]), Moment(), Moment())
    stays = RuleDoor("/g/networkSecurityGroups/nsg/securityRules/stays", LEASE)
    doors.register(stays)
    for number in range(500):
        door = RuleDoor(f"/{'g' * 300}/networkSecurityGroups/nsg/securityRules/ours-{number}", LEASE)
        doors.register(door)
        assert doors.known[-1] == door
        doors.closed(door)
    assert stays in doors.known
    assert len(saved[-1]) < 120_000


def test_a_vaults_door_stays_one_door_when_it_gains_an_address() -> None:
    doors = Doors(lambda _: None, Moment(), Moment())
    doors.register(VAULT)
    doors.register(extended(VAULT, "203.0.113.11"))
    assert doors.open == (VaultDoor("/g/vaults/kv", ("203.0.113.10", "203.0.113.11"), LEASE),)


def test_what_a_dead_run_left_is_written_down_until_it_is_seen_closed_and_nobody_says_for_how_long_it_was_open() -> (
    None
):
    saved: list[str] = []
    clock = Moment()
    doors = Doors(lambda values: saved.append(values[STATE]), clock, clock)
    doors.found(RULE)
    assert (named(saved[-1]), doors.open) == ((RULE,), (RULE,))
    assert [(each.theirs, each.stands) for each in doors.so_far] == [(True, True)]
    assert json.loads(output(doors.so_far)) == [{"door": RULE.where, "open": True}]
    assert sentences(doors.so_far) == ("Left open by run 123.1.ab12cd, and not seen closed: NSG rule ours in nsg.",)
    doors.closed(RULE)
    assert sentences(doors.so_far) == ("Left open by run 123.1.ab12cd, and seen closed: NSG rule ours in nsg.",)
    doors.forget(RULE)
    assert (doors.known, named(saved[-1])) == ((), ())


def test_behind_the_fence_nothing_is_opened() -> None:
    saved: list[str] = []
    doors = Doors(lambda values: saved.append(values[STATE]), Moment(), Moment(), fenced=lambda: True)
    with pytest.raises(Failed) as raised:
        doors.register(RULE)
    assert raised.value.id == "azure-fenced"
    assert named(saved[-1]) == (RULE,)


def test_a_door_that_cannot_be_written_down_is_not_opened_and_what_was_opened_is_closed_all_the_same() -> None:
    full = False

    def save(_: object) -> None:
        if full:
            raise Failed("runner-state-unwritable", "No space.", next_step="")

    doors = Doors(save, Moment(), Moment())
    doors.register(RULE)
    full = True
    with pytest.raises(Failed):
        doors.register(VAULT)
    doors.answered(RULE, Answer(201))
    doors.closed(RULE)
    assert [each.door for each in doors.exposures] == [RULE]


def test_how_long_a_door_was_open_is_told_by_the_clock_that_never_jumps() -> None:
    wall, ticks = Moment(), Moment()
    doors = Doors(lambda _: None, wall, ticks)
    doors.register(RULE)
    wall.now, ticks.now = 7300.0, 104.0
    assert [each.seconds for each in doors.so_far] == [4.0]
    doors.closed(RULE)
    assert [each.seconds for each in doors.exposures] == [4.0]


def test_how_old_a_request_is_goes_by_the_clock_that_never_jumps_where_there_is_one() -> None:
    asked = Doubt(100.0, ticked=5.0)
    assert asked.age(7300.0, 9.0) == 4.0
    (known,) = recalled(written([Recalled(RULE, doubt=asked)]))
    assert known.doubt == Doubt(100.0)
    assert known.doubt.age(130.0, 9.0) == 30.0
    assert known.doubt.age(10.0, 9.0) == 0.0, "a clock that was set back: waited for in full"
