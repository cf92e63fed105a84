"""Closes doors: the one small client of the run itself, of signals, of the post step and of later runs.

Standard library only. An NSG rule goes by the ladder of `rungs`, as far as locks and missing rights make it climb.
Nothing counts as closed before it was seen closed; and where Azure has not answered the request that opens, not before
the time is over in which Azure may carry it out yet.
"""

from __future__ import annotations

import enum
import shlex
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final

from difyaction.azure.arm import NETWORK, VAULTS, Arm, is_absent, last_name, parsed, properties
from difyaction.azure.door import Door, Doubt, RuleDoor, VaultDoor
from difyaction.azure.doors import DoorOpen, Doors
from difyaction.azure.leases import vault_leases
from difyaction.azure.rungs import RUNGS, climbed
from difyaction.azure.vault_rules import closing, keepers

AT_EASE: Final = 120.0  # seconds for all doors, when nothing presses
IN_HASTE: Final = 6.0  # seconds: the runner sends SIGTERM 7.5 s after SIGINT
GRACE: Final = 60.0  # seconds from an opening that is not answered: twice as long as an answer is waited for
_LOOK: Final = 20.0  # seconds for one look at what was seen closed before
_LOOK_AGAIN: Final = 2.0  # seconds between looks for an opening that may come yet
_LOOKS: Final = 2  # at a rule that still stands, before the same rung is tried again


class How(enum.StrEnum):
    """In which state a door was left."""

    GONE = "gone"
    DENIED = "denied"  # the rule is still there and lets nobody in
    ASKED = "asked"  # Azure took the request; nobody saw the end of it
    OPEN = "open"
    UNSEEN = "unseen"  # it was seen closed before, and nobody could look once more
    HELD = "held"  # our lease is gone, and another run's living one keeps the address
    AWAITED = "awaited"  # seen closed; an opening that is not answered may come yet, and there was no time to wait
    DOUBTFUL = "doubtful"  # seen closed for as long as was worth waiting; nobody knows what comes of that opening


@dataclass(frozen=True)
class Closed:
    """How closing one door ended. ``why`` says what each rung of the ladder was told; ``stood``: it was there.

    ``at``: the monotonic moment when that was known. ``failed``: see `Doubt`; of the opening that may come yet.
    """

    door: Door
    how: How
    why: tuple[str, ...] = ()
    stood: bool = False
    at: float | None = None
    failed: int = 0

    @property
    def shut(self) -> bool:
        """Whether it was seen closed, and nothing since tells otherwise."""
        return self.how in {How.GONE, How.DENIED, How.UNSEEN, How.DOUBTFUL}


def close(arm: Arm, door: Door, *, until: float, doubt: Doubt | None = None, waits: bool = True) -> Closed:
    """Close one door, and look that it is closed. ``until`` is a monotonic moment. Raises nothing that Azure says.

    ``doubt``: an opening of it that was not answered; where ``waits``, it is waited for and closed when it comes.
    """
    try:
        ended = _close_rule(arm, door, until) if isinstance(door, RuleDoor) else _close_vault(arm, door, until)
    except Exception as error:  # noqa: BLE001 - whatever broke, the other doors and the report come next
        return Closed(door, How.OPEN, (str(error),))
    done = ended.shut or ended.how is How.HELD
    return _awaited(arm, ended, doubt, until, waits=waits) if doubt and done else ended


def checked(arm: Arm, door: Door, *, until: float, doubt: Doubt | None = None, waits: bool = True) -> Closed:
    """Look once more at a door that was seen closed, and close it where it stands again. Raises nothing, as `close`."""
    try:
        how = _still(arm, door, min(until, arm.pace.until(_LOOK)))
    except Exception as error:  # noqa: BLE001 - whatever keeps us from looking opens no door
        return Closed(door, How.UNSEEN, (str(error),))
    if how in {How.OPEN, How.HELD}:
        return close(arm, door, until=until, doubt=doubt, waits=waits)
    return _awaited(arm, Closed(door, how), doubt, until, waits=waits) if doubt else Closed(door, how)


def _awaited(arm: Arm, ended: Closed, doubt: Doubt, until: float, *, waits: bool) -> Closed:
    """Look at a door until an opening of it that was not answered has come, or its time is over; and close it again."""
    if ended.stood and doubt.only:
        return ended  # that was it
    pace, door = arm.pace, ended.door
    over = pace.until(max(0.0, GRACE - doubt.age(arm.now(), pace.monotonic())))
    if over > until or not waits:
        return replace(ended, how=How.AWAITED, failed=doubt.failed)
    seen = ended
    while pace.wait(_LOOK_AGAIN, until=over):
        seen = checked(arm, door, until=until)
        if seen.how in {How.OPEN, How.ASKED} or (seen.stood and doubt.only):
            return seen
    if seen.how is How.HELD:
        return seen
    return replace(seen, how=How.AWAITED if seen.how is How.UNSEEN else How.DOUBTFUL, failed=doubt.failed)


def close_all(  # noqa: PLR0913 - what, within which time, and what is known of it
    arm: Arm,
    doors: Iterable[Door],
    *,
    seconds: float = AT_EASE,
    before: Collection[Door] = (),
    doubts: Mapping[Door, Doubt] | None = None,
    waits: bool = True,
) -> tuple[Closed, ...]:
    """Close all doors at the same time, within so many seconds. ``before``: those that were seen closed already.

    ``doubts``: openings that were not answered, which are waited for where there is time and ``waits`` says so.
    """
    doors = tuple(doors)
    until = arm.pace.until(seconds)
    found: dict[int, Closed] = {}

    def work(number: int, door: Door) -> None:
        look = checked if door in before else close
        ended = look(arm, door, until=until, doubt=(doubts or {}).get(door), waits=waits)
        found[number] = replace(ended, at=arm.pace.monotonic())  # its own moment, whatever others are waited for

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


def shut(
    arm: Arm, doors: Doors, *, seconds: float = AT_EASE, again: bool = False, waits: bool = True
) -> tuple[Closed, ...]:
    """Close what this run has open and note it; ``again``: look once more at everything that it ever opened.

    ``waits``: for openings that Azure has not answered, where there is time for it.
    """
    doubts = {door: doubt for door in doors.known if (doubt := doors.doubt(door))}
    every = doors.known if again else doors.open
    ended = close_all(arm, every, seconds=seconds, before=doors.shut, doubts=doubts, waits=waits)
    for each in ended:
        note(doors, each)
    return ended


def note(doors: Doors, ended: Closed) -> None:
    """Write down how closing a door ended."""
    if ended.shut:
        doubtful = ended.how not in {How.GONE, How.DENIED} and doors.doubt(ended.door) is not None
        doors.closed(ended.door, doubtful=doubtful, at=ended.at)
    else:
        doors.stands(ended.door, held=ended.how is How.HELD)


def insist(ended: Iterable[Closed]) -> None:
    """Raise `DoorOpen` when a door was not seen closed.

    One that was seen closed and may be opened yet (`How.AWAITED`) is the post step's to wait for; one that another run
    holds (`How.HELD`) is that run's to close.
    """
    left = [each for each in ended if not each.shut and each.how not in {How.AWAITED, How.HELD}]
    if left:
        error = DoorOpen(
            "azure-door-open",
            "An opening could not be closed: {doors}. Azure said: {door_says}.",
            next_step="The lease in it has run out or soon will, and mode sweep closes it too. To remove it now: "
            "`{commands}`",
            state="",
            doors="; ".join(each.door.where for each in left),
            door_says="; ".join(text for each in left for text in each.why) or "-",
            commands="; ".join(command(each.door) for each in left),
        )
        error.doors = tuple(each.door for each in left)
        raise error


def command(door: Door) -> str:
    """Return what a person pastes into a shell to close a door."""
    if isinstance(door, RuleDoor):
        return f"az network nsg rule delete --ids {shlex.quote(door.rule)}"
    name, where = shlex.quote(last_name(door.vault)), shlex.quote(parsed(door.vault).get("subscriptions", ""))
    remove = f"az keyvault network-rule remove --subscription {where} --name {name} --ip-address"
    return "; ".join(f"{remove} {shlex.quote(each)}" for each in door.addresses)


def _close_rule(arm: Arm, door: RuleDoor, until: float) -> Closed:
    why: list[str] = []
    accepted = stood = False
    for place, (name, rung) in enumerate(RUNGS):
        # A rung that fails must leave time for the next one; the last may use it all.
        share = until if place == len(RUNGS) - 1 else arm.pace.until((until - arm.pace.monotonic()) / 2)
        for _ in range(3):
            answer = climbed(rung, arm, door, share)
            if not answer.ok and not is_absent(answer):
                why.append(f"{name}: {answer.status} {answer.code} {answer.message}")
                break
            accepted = True
            stood = stood or (answer.ok and answer.status != HTTPStatus.NO_CONTENT)
            how = _seen(arm, door, until)
            if how in {How.GONE, How.DENIED}:
                return Closed(door, how, tuple(why), stood)
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
        if vault is None:
            return How.GONE
        return (
            How.OPEN if closing(vault, door, arm.now()) else How.HELD if keepers(vault, door, arm.now()) else How.GONE
        )
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


def _close_vault(arm: Arm, door: VaultDoor, until: float) -> Closed:
    why: list[str] = []
    quiet = accepted = stood = False
    for attempt in range(1000):
        vault = arm.look(door.vault, version=VAULTS, until=until)
        body = closing(vault, door, arm.now()) if vault else None
        if body is None:
            others = any(each.lease.run.text != door.lease.run.text for each in vault_leases((vault or {}).get("tags")))
            if quiet or not others:
                keeping = tuple(f"run {each.lease.run.text} holds it" for each in keepers(vault or {}, door, arm.now()))
                return Closed(door, How.HELD if keeping else How.GONE, (*why, *keeping), stood)
            quiet = True  # another run may have read before and written after us: look once more
        else:
            quiet, stood = False, True
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
