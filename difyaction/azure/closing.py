"""Closes doors: the one small client of the run itself, of signals, of the post step and of later runs.

Standard library only. An NSG rule goes by a ladder: DELETE; or, where a lock or a missing right forbids that, Deny in
place of Allow; or the whole group written back without it, if it is still the group that was read. Nothing counts as
closed before it was seen closed.
"""

from __future__ import annotations

import enum
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from difyaction.azure.arm import NETWORK, VAULTS, Arm, Unanswered, is_absent, last_name, properties
from difyaction.azure.doors import Door, DoorOpen, Doors, RuleDoor, VaultDoor
from difyaction.azure.leases import vault_leases
from difyaction.azure.nsg_rules import LAST, denying, free_priority, without
from difyaction.azure.vault_rules import closing
from difyaction.azure.wire import NO_ANSWER, Answer

AT_EASE: Final = 120.0  # seconds for all doors, when nothing presses
IN_HASTE: Final = 6.0  # seconds: the runner sends SIGTERM 7.5 s after SIGINT
_NOT_THERE: Final = Answer(HTTPStatus.NOT_FOUND, {}, {"code": "NotFound"})
_LOOK: Final = 20.0  # seconds for one look at what was seen closed before
_LOOKS: Final = 2  # at a rule that still stands, before the same rung is tried again


class How(enum.StrEnum):
    """In which state a door was left."""

    GONE = "gone"
    DENIED = "denied"  # the rule is still there and lets nobody in
    ASKED = "asked"  # Azure took the request; nobody saw the end of it
    OPEN = "open"
    UNSEEN = "unseen"  # it was seen closed before, and nobody could look once more


@dataclass(frozen=True)
class Closed:
    """How closing one door ended. ``why`` says what each rung of the ladder was told."""

    door: Door
    how: How
    why: tuple[str, ...] = ()

    @property
    def shut(self) -> bool:
        """Whether it was seen closed, and nothing since tells otherwise."""
        return self.how in {How.GONE, How.DENIED, How.UNSEEN}


def close(arm: Arm, door: Door, *, until: float) -> Closed:
    """Close one door, and look that it is closed. ``until`` is a monotonic moment. Raises nothing that Azure says."""
    try:
        return _close_rule(arm, door, until) if isinstance(door, RuleDoor) else _close_vault(arm, door, until)
    except Exception as error:  # noqa: BLE001 - whatever broke, the other doors and the report come next
        return Closed(door, How.OPEN, (str(error),))


def checked(arm: Arm, door: Door, *, until: float) -> Closed:
    """Look once more at a door that was seen closed, and close it where it stands again. Raises nothing, as `close`."""
    try:
        how = _still(arm, door, min(until, arm.pace.until(_LOOK)))
    except Exception as error:  # noqa: BLE001 - whatever keeps us from looking opens no door
        return Closed(door, How.UNSEEN, (str(error),))
    return close(arm, door, until=until) if how is How.OPEN else Closed(door, how)


def close_all(
    arm: Arm, doors: Iterable[Door], *, seconds: float = AT_EASE, before: Collection[Door] = ()
) -> tuple[Closed, ...]:
    """Close all doors at the same time, within so many seconds. ``before``: those that were seen closed already."""
    doors = tuple(doors)
    until = arm.pace.until(seconds)
    found: dict[int, Closed] = {}

    def work(number: int, door: Door) -> None:
        found[number] = (checked if door in before else close)(arm, door, until=until)

    threads = [threading.Thread(target=work, args=pair, daemon=True) for pair in enumerate(doors)]
    for thread in threads:
        thread.start()
    late = time.monotonic() + seconds + 1.0  # of this machine's clock: a thread that hangs is waited for no longer
    for thread in threads:
        thread.join(max(0.5, late - time.monotonic()))
    why = "no end within the time that was left"
    return tuple(
        found.get(number) or Closed(door, How.UNSEEN if door in before else How.OPEN, (why,))
        for number, door in enumerate(doors)
    )


def shut(arm: Arm, doors: Doors, *, seconds: float = AT_EASE, again: bool = False) -> tuple[Closed, ...]:
    """Close what this run has open and note it; ``again``: look once more at everything that it ever opened."""
    ended = close_all(arm, doors.known if again else doors.open, seconds=seconds, before=doors.shut)
    for each in ended:
        if each.shut:
            doors.closed(each.door)
        else:
            doors.stands(each.door)
    return ended


def insist(ended: Iterable[Closed], *, in_haste: bool = False) -> None:
    """Raise `DoorOpen` when a door was not seen closed; ``in_haste``: it is enough that Azure took the request."""
    left = [each for each in ended if not each.shut and not (in_haste and each.how is How.ASKED)]
    if left:
        error = DoorOpen(
            "azure-door-open",
            "An opening could not be closed: {doors}. Azure said: {door_says}.",
            next_step="Remove it now: {commands}. The lease in it has run out or soon will; mode sweep closes it too.",
            state="",
            doors="; ".join(each.door.where for each in left),
            door_says="; ".join(text for each in left for text in each.why) or "-",
            commands="; ".join(command(each.door) for each in left),
        )
        error.doors = tuple(each.door for each in left)
        raise error


def command(door: Door) -> str:
    """Return what a person types to close a door."""
    if isinstance(door, RuleDoor):
        return f"az network nsg rule delete --ids {door.rule}"
    name = last_name(door.vault)
    return "; ".join(f"az keyvault network-rule remove --name {name} --ip-address {each}" for each in door.addresses)


def _close_rule(arm: Arm, door: RuleDoor, until: float) -> Closed:
    why: list[str] = []
    accepted = False
    rungs: tuple[tuple[str, Callable[[Arm, RuleDoor, float], Answer]], ...] = (
        ("DELETE", _delete),
        ("Deny", _deny),
        ("whole group", _write_without),
    )
    for place, (name, rung) in enumerate(rungs):
        # A rung that fails must leave time for the next one; the last may use it all.
        share = until if place == len(rungs) - 1 else arm.pace.until((until - arm.pace.monotonic()) / 2)
        for _ in range(3):
            answer = rung(arm, door, share)
            if not answer.ok and not is_absent(answer):
                why.append(f"{name}: {answer.status} {answer.code} {answer.message}")
                break
            accepted = True
            how = _seen(arm, door, until)
            if how in {How.GONE, How.DENIED}:
                return Closed(door, how, tuple(why))
            if how is How.ASKED:
                return Closed(door, How.ASKED, (*why, f"{name}: taken; Azure was still at work when the time was up"))
        else:
            why.append(f"{name}: taken three times, undone each time")
    return Closed(door, How.ASKED if accepted else How.OPEN, tuple(why))


def _seen(arm: Arm, door: RuleDoor, until: float) -> How:
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


def _still(arm: Arm, door: Door, until: float) -> How:
    """Look once. `OPEN`: it stands; `UNSEEN`: that could not be told."""
    if isinstance(door, VaultDoor):
        vault = arm.look(door.vault, version=VAULTS, until=until)
        return How.OPEN if vault and closing(vault, door, arm.pace.clock()) else How.GONE
    rule, settled = _rule_now(arm, door, until)
    if rule is not None:
        return How.DENIED if rule.get("access") == "Deny" else How.OPEN
    return How.GONE if settled else How.UNSEEN


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


def _delete(arm: Arm, door: RuleDoor, until: float) -> Answer:
    return arm.ask("DELETE", door.rule, version=NETWORK, until=until)


def _deny(arm: Arm, door: RuleDoor, until: float) -> Answer:
    """Turn the rule into a Deny behind all others; where that place is taken meanwhile, into one where it stands."""
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


def _close_vault(arm: Arm, door: VaultDoor, until: float) -> Closed:
    why: list[str] = []
    quiet = accepted = False
    for attempt in range(1000):
        vault = arm.look(door.vault, version=VAULTS, until=until)
        body = closing(vault, door, arm.pace.clock()) if vault else None
        if body is None:
            others = any(each.lease.run.text != door.lease.run.text for each in vault_leases((vault or {}).get("tags")))
            if quiet or not others:
                return Closed(door, How.GONE, tuple(why))
            quiet = True  # another run may have read before and written after us: look once more
        else:
            quiet = False
            answer = arm.ask("PATCH", door.vault, body, version=VAULTS, until=until, repeats=False)
            accepted = accepted or answer.ok
            if answer.ok:
                continue  # look at once; the vault answers a PATCH when it is done
            why.append(f"PATCH: {answer.status} {answer.code} {answer.message}")
            if answer.status in {HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST} or "ScopeLocked" in answer.codes:
                break
        if not arm.pace.back_off(attempt, until=until, longest=3.0):
            break
    return Closed(door, How.ASKED if accepted else How.OPEN, tuple(why))
