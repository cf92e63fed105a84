"""Closes an NSG rule by the ladder of `rungs`, and looks whether it is closed. Standard library only, as `closing`."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from difyaction.azure.arm import NETWORK, Arm, is_absent, last_name, properties
from difyaction.azure.closed import Closed, How
from difyaction.azure.door import RuleDoor
from difyaction.azure.rungs import RUNGS, climbed

_LOOKS: Final = 2  # at a rule that still stands, before the same rung is tried again


def close_rule(arm: Arm, door: RuleDoor, until: float) -> Closed:
    """Climb until the rule is seen closed. Where no rung holds, look once: who may not close may see it closed."""
    why: list[str] = []
    accepted = stood = False
    for place, (name, rung) in enumerate(RUNGS):
        # A rung that fails must leave time for the next one; the last may use it all.
        share = until if place == len(RUNGS) - 1 else arm.pace.until((until - arm.pace.monotonic()) / 2)
        for _ in range(3):
            answer, there = climbed(rung, arm, door, share)
            stood = stood or there
            if not answer.ok and not is_absent(answer):
                why.append(f"{name}: {answer.status} {answer.code} {answer.message}")
                break
            accepted = True
            how = _settled(arm, door, until)
            if how in {How.GONE, How.DENIED}:
                return Closed(door, how, tuple(why), stood)
            if how is How.ASKED:
                return Closed(door, How.ASKED, (*why, f"{name}: taken; Azure was still at work when the time was up"))
        else:
            why.append(f"{name}: taken three times, undone each time")
    if arm.pace.monotonic() < until and (how := look_at_rule(arm, door, until)) in {How.GONE, How.DENIED}:
        return Closed(door, how, tuple(why), stood or how is How.DENIED)
    return Closed(door, How.ASKED if accepted else How.OPEN, tuple(why))


def look_at_rule(arm: Arm, door: RuleDoor, until: float) -> How:
    """Look once. `How.OPEN`: it stands; `How.UNSEEN`: that could not be told."""
    rule, settled = _rule_now(arm, door, until)
    if rule is not None:
        return How.DENIED if rule.get("access") == "Deny" else How.OPEN
    return How.GONE if settled else How.UNSEEN


def _settled(arm: Arm, door: RuleDoor, until: float) -> How:
    """Look until the group has settled: without the rule, or with it denying. `OPEN`: settled with it as before.

    `ASKED`: it had not settled when the time was up.
    """
    stood = 0
    for attempt in range(1000):
        rule, settled = _rule_now(arm, door, until)
        if settled and rule is None:
            return How.GONE
        if settled and rule is not None:
            if rule.get("access") == "Deny":
                return How.DENIED
            stood += 1
        if stood >= _LOOKS:
            return How.OPEN
        if not arm.pace.back_off(attempt, until=until, shortest=0.25, longest=2.0):
            break
    return How.ASKED


def _rule_now(arm: Arm, door: RuleDoor, until: float) -> tuple[Mapping[str, Any] | None, bool]:
    """Return the rule's properties, None when it is gone, and whether no operation works on it any more.

    The group tells both: a rule that is being deleted may be gone from sight, and come back when that is undone.
    """
    answer = arm.ask("GET", door.group, version=NETWORK, until=until)
    group = properties(answer.data) if answer.ok else {}
    if is_absent(answer):
        return None, True
    if answer.status == HTTPStatus.FORBIDDEN:  # no right to read the group: the rule itself has to do
        answer = arm.ask("GET", door.rule, version=NETWORK, until=until)
        rule = properties(answer.data) if answer.ok else None
        gone = is_absent(answer)
        return rule, gone or (rule is not None and rule.get("provisioningState") == "Succeeded")
    name = last_name(door.rule).lower()
    rules = [properties(each) for each in group.get("securityRules") or () if str(each.get("name")).lower() == name]
    return (rules[0] if rules else None), group.get("provisioningState") not in {None, "Updating", "Deleting"}
