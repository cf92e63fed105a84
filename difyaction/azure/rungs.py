"""The rungs of the ladder by which an NSG rule is closed: DELETE, Deny in place of Allow, the whole group without it.

The later ones are for where a lock or a missing right forbids the first; a group is written back if it is still the one
that was read. Standard library only. Each asks once and returns Azure's answer; whether the door is
closed is looked at by `closing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from difyaction.azure.arm import NETWORK, Arm, Unanswered, last_name, properties
from difyaction.azure.door import RuleDoor
from difyaction.azure.nsg_rules import LAST, denying, free_priority, without
from difyaction.azure.wire import NO_ANSWER, Answer

_NOT_THERE: Final = Answer(HTTPStatus.NOT_FOUND, {}, {"code": "NotFound"})


def _delete(arm: Arm, door: RuleDoor, until: float) -> Answer:
    return arm.ask("DELETE", door.rule, version=NETWORK, until=until)


def _deny(arm: Arm, door: RuleDoor, until: float) -> Answer:
    """Turn the rule into a Deny at the last free priority; where that is taken meanwhile, into one where it stands."""
    rule = arm.look(door.rule, version=NETWORK, until=until)
    if rule is None:
        return _NOT_THERE
    if properties(rule).get("access") == "Deny":
        return Answer(HTTPStatus.OK)
    try:
        group: Mapping[str, Any] = arm.look(door.group, version=NETWORK, until=until) or {}
    except Unanswered:
        group = {}
    last = free_priority(group, from_the_end=True) if group else LAST
    answer = Answer(NO_ANSWER)
    for priority in (last, properties(rule).get("priority")):
        if priority is None:
            continue
        answer = arm.ask("PUT", door.rule, denying(rule, int(priority)), version=NETWORK, until=until)
        if "SecurityRuleConflict" not in answer.codes:
            break
    return answer


def _write_without(arm: Arm, door: RuleDoor, until: float) -> Answer:
    attempt = 0
    while True:
        group = arm.look(door.group, version=NETWORK, until=until)
        if group is None:
            return _NOT_THERE
        body, etag = without(group, last_name(door.rule)), str(group.get("etag") or "")
        answer = arm.ask("PUT", door.group, body, version=NETWORK, etag=etag, until=until)
        changed_meanwhile = answer.status == HTTPStatus.PRECONDITION_FAILED
        if not changed_meanwhile or not arm.pace.back_off(attempt, until=until):
            return answer
        attempt += 1


Rung = Callable[[Arm, RuleDoor, float], Answer]
RUNGS: Final[tuple[tuple[str, Rung], ...]] = (
    ("DELETE", _delete),
    ("Deny", _deny),
    ("whole group", _write_without),
)


def climbed(rung: Rung, arm: Arm, door: RuleDoor, until: float) -> Answer:
    """Return what Azure answered to a rung: what may not be read for one is no reason to leave out the next."""
    try:
        return rung(arm, door, until)
    except Unanswered as error:
        return error.answer
