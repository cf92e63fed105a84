"""Closes doors for good: this run's at its end, and what dead runs left open."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from difyaction.azure.arm import last_name
from difyaction.azure.closed import Closed, How
from difyaction.azure.closing import AT_EASE, IN_HASTE, close_all, command, insist, shut
from difyaction.azure.dead_leases import Left, leased
from difyaction.azure.door import Door
from difyaction.azure.telling import doubt, doubt_title, doubtful, kept_open, tag_left
from difyaction.azure_vm.clients import Clients
from difyaction.azure_vm.way_in import Approach
from difyaction.cancelled import Cancelled
from difyaction.errors import Failed
from difyaction.runner import Runner

NO_RIGHT = "azure-right-missing"
_SECOND_ATTEMPT = 30.0  # seconds
_LAST_LOOK = 8.0  # seconds after the signal; a thread that hangs gets one more, and the runner kills after ten
_GLANCE = 20.0  # seconds for one look where nothing is opened: that it fails ends no run
_NO_REASON = {NO_RIGHT, "vault-unknown"}  # to end a run: who only reads a vault may name it as its firewall lets us


@dataclass(frozen=True)
class Tidied:
    """What became of dead runs' doors. ``resting``: rules that let nobody in, and that a lock or a right keeps.

    ``unseen``: groups and vaults that could not be looked at, and why. ``held``: what living leases hold.
    ``lost``: rules with a name of ours and no lease, which were left alone.
    """

    closed: int
    resting: tuple[Door, ...] = ()
    unseen: tuple[tuple[str, Failed], ...] = ()
    held: tuple[Door, ...] = ()
    lost: tuple[Door, ...] = ()


def in_time(since: float) -> float:
    """Return for how many seconds who was cancelled so many seconds ago may look at doors, and still report."""
    return max(0.1, _LAST_LOOK - since)


def shut_for_good(
    clients: Clients, runner: Runner, *, seconds: float = AT_EASE, waits: bool = True
) -> tuple[Closed, ...]:
    """Look once more at every door. Who cancels meanwhile is told of one that is not seen closed in time.

    ``seconds``: how long it may take. ``waits``: for openings that Azure has not answered. For who has no time the post
    step does both.
    """
    try:
        ended = shut(clients.arm, clients.doors, seconds=seconds, again=True, waits=waits)
    except Cancelled:
        insist(shut(clients.arm, clients.doors, seconds=IN_HASTE))
        raise
    for each in ended:
        if each.how is How.UNSEEN:
            why = "; ".join(each.why) or "Azure is at work there"
            runner.say(f"seen closed before, and not looked at once more ({why}): {each.door.where}")
        elif each.how is How.AWAITED:
            runner.say(f"seen closed, but it may be opened yet ({doubt(each)}): {each.door.where}")
        elif each.how is How.HELD:
            runner.warning(kept_open(each), title="Another run keeps an address open")
        elif each.how is How.DOUBTFUL:
            runner.warning(doubtful(each), title=doubt_title(each))
    return ended


def close_expired(
    clients: Clients,
    groups: Iterable[str],
    vaults: Iterable[str],
    say: Callable[[str], None],
    *,
    aside: Iterable[str] = (),
) -> Tidied:
    """Close the doors of dead leases, wherever one can be looked at. ``aside``: where nobody waits long for a sight.

    `DoorOpen` for one that stays open; it counts as this run's from then on, whose end and post step look at it again.
    """
    unseen: list[tuple[str, Failed]] = []
    every = tuple(_found(clients, groups, vaults, unseen, aside=frozenset(aside)))
    held = tuple(each.door for each in every if each.held)
    for door in held:
        say(f"left alone, held by run {door.lease.run.text} until {until(door)}: {door.where}")
    lost = tuple(each.door for each in every if each.lost)
    for door in lost:
        say(f"{door.where} has a name of ours and no lease, and is left alone; to delete it: {command(door)}")
    found = tuple(each for each in every if not each.held and not each.lost)
    ended = _closed(clients, found, say)
    resting: list[Door] = []
    closed = 0
    for left, each in zip(found, ended, strict=True):
        if each.how is How.HELD:
            closed += 1
            say(f"closed what run {each.door.lease.run.text} left open, as far as it is its own: {kept_open(each)}")
        elif each.how is How.TAGGED:
            say(tag_left(each))
        elif each.how is How.DENIED and left.denied:
            resting.append(each.door)
        elif each.shut:
            closed += 1
            say(f"closed what run {each.door.lease.run.text} left open ({each.how}): {each.door.where}")
            resting += [each.door] if each.how is How.DENIED else []
    for door in resting:
        say(f"{door.where} is a Deny and lets nobody in; when no lock keeps it any more, delete it: {command(door)}")
    insist(ended)
    return Tidied(closed, tuple(resting), tuple(unseen), held, lost)


def _closed(clients: Clients, found: Iterable[Left], say: Callable[[str], None]) -> tuple[Closed, ...]:
    """Close what dead runs left, and what is not seen closed once more. It stands in the list of doors meanwhile."""
    doors = [each.door for each in found]
    for left in found:
        if not left.denied:  # which lets nobody in
            say(f"closing what run {left.door.lease.run.text} left: {left.door.where}")
            clients.doors.found(left.door)
    first = close_all(clients.arm, doors)
    late = [each.door for each in first if not each.is_done]
    second = {each.door: each for each in close_all(clients.arm, late, seconds=_SECOND_ATTEMPT)}
    ended = tuple(second.get(each.door, each) for each in first)
    for each in ended:
        if each.is_done:
            clients.doors.forget(each.door)
        else:
            clients.doors.found(each.door)
    return ended


def until(door: Door) -> str:
    """Return when a door's lease is over, as people read it."""
    return f"{datetime.fromtimestamp(door.lease.expires, UTC):%Y-%m-%d %H:%M} UTC"


def tell_the_time(clients: Clients, runner: Runner) -> None:
    """Warn of a clock that is far from Azure's. Leases do not go by it; other times of this run do."""
    if warning := clients.arm.date.warning:
        runner.warning(warning, title="A clock is wrong")


def close_what_was_left(clients: Clients, approach: Approach, runner: Runner) -> None:
    """Close the doors of dead leases on this way and on others to the machine, and warn of a clock that is wrong.

    `DoorOpen` for one that stays open; ``Failed`` where something else than a right keeps us from looking at our way.
    """
    groups, vaults = (*approach.groups, *approach.other_groups), (*approach.vaults, *approach.other_vaults)
    others = (*approach.other_groups, *approach.other_vaults)
    tidied = close_expired(clients, groups, vaults, runner.say, aside=others)
    for scope, why in unseen_on_the_way(tidied, others, runner):
        if why.id not in _NO_REASON:
            raise why
        runner.say(f"doors of lost runs are not looked for in {scope}: {why}")
    tell_the_time(clients, runner)


def unseen_on_the_way(tidied: Tidied, others: Iterable[str], runner: Runner) -> tuple[tuple[str, Failed], ...]:
    """Tell of ``others`` that could not be looked at, and return what else could not.

    In the others this run opens nothing: that nobody looked there is no reason to end.
    """
    ids = {each.lower() for each in others}
    aside = [(scope, why) for scope, why in tidied.unseen if scope.lower() in ids]
    barred = [last_name(scope) for scope, why in aside if why.id == NO_RIGHT]
    if barred:
        runner.say(f"doors of earlier runs are not looked for in {', '.join(barred)}: we have no right to read there")
    for scope, why in aside:
        text = f"doors of earlier runs are not looked for in {last_name(scope)}: {why}"
        if why.id not in _NO_REASON:
            runner.warning(text, title="Nobody looked for doors")
        elif why.id != NO_RIGHT:
            runner.say(text)
    return tuple(each for each in tidied.unseen if each not in aside)


def _found(
    clients: Clients,
    groups: Iterable[str],
    vaults: Iterable[str],
    unseen: list[tuple[str, Failed]],
    *,
    aside: Collection[str],
) -> Iterator[Left]:
    for each in [*((group, (group,), ()) for group in groups), *((vault, (), (vault,)) for vault in vaults)]:
        scope, its_groups, its_vaults = each
        until = clients.pace.until(_GLANCE) if scope in aside else None
        vault_of = partial(clients.vault, until=until)
        try:
            yield from leased(clients.arm, its_groups, its_vaults, run=clients.run, vault_of=vault_of, until=until)
        except Failed as why:
            unseen.append((scope, why))
