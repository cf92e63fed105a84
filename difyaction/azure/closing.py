"""Closes doors: the one small client of the run itself, of signals, of the post step and of later runs.

Standard library only. An NSG rule goes by the ladder of `rungs`, as far as locks and missing rights make it climb.
Nothing counts as closed before it was seen closed; and where Azure has not answered the request that opens, not before
the time is over in which Azure may carry it out yet.
"""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

from difyaction.azure.arm import Arm, last_name, parsed
from difyaction.azure.closed import Closed, How
from difyaction.azure.door import Door, Doubt, RuleDoor, VaultDoor
from difyaction.azure.doors import DoorOpen, Doors
from difyaction.azure.leases import VaultLease
from difyaction.azure.rule_closing import close_rule, look_at_rule
from difyaction.azure.vault_closing import close_vault, look_at_vault

AT_EASE: Final = 120.0  # seconds for all doors, when nothing presses
IN_HASTE: Final = 6.0  # seconds: the runner sends SIGTERM 7.5 s after SIGINT
GRACE: Final = 60.0  # seconds from an opening that is not answered: twice as long as an answer is waited for
_LOOK: Final = 20.0  # seconds for one look at what was seen closed before
_LOOK_AGAIN: Final = 2.0  # seconds between looks for an opening that may come yet


def close(arm: Arm, door: Door, *, until: float, doubt: Doubt | None = None, waits: bool = True) -> Closed:
    """Close one door, and look that it is closed. ``until`` is a monotonic moment. Raises nothing that Azure says.

    ``doubt``: an opening of it that was not answered; where ``waits``, it is waited for and closed when it comes.
    """
    try:
        ended = close_rule(arm, door, until) if isinstance(door, RuleDoor) else close_vault(arm, door, until)
    except Exception as error:  # noqa: BLE001 - whatever broke, the other doors and the report come next
        return Closed(door, How.OPEN, (str(error),))
    ended = replace(ended, at=arm.pace.monotonic())
    return _awaited(arm, ended, doubt, until, waits=waits) if doubt and ended.is_done else ended


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
    seen, at = ended, ended.at
    while pace.wait(_LOOK_AGAIN, until=over):
        seen = checked(arm, door, until=until)
        at = at if seen.at is None else seen.at  # it came and was closed: then it was open until now
        if seen.how in {How.OPEN, How.ASKED} or (seen.stood and doubt.only):
            return seen
    if seen.how is How.HELD:
        return seen
    return replace(seen, how=How.AWAITED if seen.how is How.UNSEEN else How.DOUBTFUL, at=at, failed=doubt.failed)


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
        found[number] = look(arm, door, until=until, doubt=(doubts or {}).get(door), waits=waits)

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
        doubtful = ended.how in {How.UNSEEN, How.DOUBTFUL} and doors.doubt(ended.door) is not None
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
            next_step="The lease in it has run out or soon will, and mode sweep with a login that may closes it too. "
            "To remove it now: `{commands}`",
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
    return "; ".join((*(f"{remove} {shlex.quote(each)}" for each in door.addresses), untag(door)))


def looking(door: Door) -> str:
    """Return what a person pastes into a shell to see whether a door stands open. It changes nothing."""
    if isinstance(door, RuleDoor):
        return f"az network nsg rule show --ids {shlex.quote(door.rule)}"
    name, where = shlex.quote(last_name(door.vault)), shlex.quote(parsed(door.vault).get("subscriptions", ""))
    return f"az keyvault network-rule list --subscription {where} --name {name}"


def untag(door: VaultDoor) -> str:
    """Return what a person pastes into a shell to take a lease out of a vault's tags."""
    tag = "=".join(VaultLease(door.lease, door.addresses).tag)
    return f"az tag update --resource-id {shlex.quote(door.vault)} --operation Delete --tags {shlex.quote(tag)}"


def _still(arm: Arm, door: Door, until: float) -> How:
    """Look once. `OPEN`: it stands; `UNSEEN`: that could not be told."""
    return look_at_vault(arm, door, until) if isinstance(door, VaultDoor) else look_at_rule(arm, door, until)
