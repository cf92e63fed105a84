"""The rungs of the ladder by which an NSG rule is closed: DELETE, Deny in place of Allow, the whole group without it.

The later ones are for where a lock or a missing right forbids the first; a group is written back if it is still the one
that was read. Each asks once, and returns Azure's answer and whether the rule was there, as far as that shows; whether
it is closed is looked at by `rule_closing`. Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from difyaction.azure.arm import NETWORK, Arm, Unanswered, last_name, properties
from difyaction.azure.door import RuleDoor
from difyaction.azure.nsg_rules import LAST, denying, free_priority, holds, without
from difyaction.azure.wire import NO_ANSWER, Answer

_NOT_THERE: Final = Answer(HTTPStatus.NOT_FOUND, {}, {"code": "NotFound"})


def _delete(arm: Arm, door: RuleDoor, until: float) -> tuple[Answer, bool]:
    answer = arm.ask("DELETE", door.rule, version=NETWORK, until=until)
    return answer, answer.ok and answer.status != HTTPStatus.NO_CONTENT


def _deny(arm: Arm, door: RuleDoor, until: float) -> tuple[Answer, bool]:
    """Turn the rule into a Deny at the last free priority; where that is taken meanwhile, into one where it stands."""
    rule = arm.look(door.rule, version=NETWORK, until=until)
    if rule is None:
        return _NOT_THERE, False
    if properties(rule).get("access") == "Deny":
        return Answer(HTTPStatus.OK), True
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
    return answer, True


def _write_without(arm: Arm, door: RuleDoor, until: float) -> tuple[Answer, bool]:
    attempt, stood = 0, False
    while True:
        group = arm.look(door.group, version=NETWORK, until=until)
        if group is None:
            return _NOT_THERE, stood
        stood = stood or holds(group, last_name(door.rule))
        body, etag = without(group, last_name(door.rule)), str(group.get("etag") or "")
        answer = arm.ask("PUT", door.group, body, version=NETWORK, etag=etag, until=until)
        changed_meanwhile = answer.status == HTTPStatus.PRECONDITION_FAILED
        if not changed_meanwhile or not arm.pace.back_off(attempt, until=until):
            return answer, stood
        attempt += 1


Rung = Callable[[Arm, RuleDoor, float], tuple[Answer, bool]]
RUNGS: Final[tuple[tuple[str, Rung], ...]] = (
    ("DELETE", _delete),
    ("Deny", _deny),
    ("whole group", _write_without),
)


def climbed(rung: Rung, arm: Arm, door: RuleDoor, until: float) -> tuple[Answer, bool]:
    """Return what Azure answered to a rung, and whether the rule was there.

    What may not be read for one is no reason to leave out the next; a page that somebody on the way put in Azure's
    place is no answer, whatever its status.
    """
    try:
        return rung(arm, door, until)
    except Unanswered as error:
        page = replace(error.answer, status=NO_ANSWER)
        return page if error.answer.ok else error.answer, False
