"""The way in to SSH: a narrow rule in each security group on the path, for the seconds of a handshake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from difyaction.azure.arm import Arm, Unanswered, last_name, parsed, properties, same
from difyaction.azure.closing import AT_EASE, insist, shut
from difyaction.azure.door import RuleDoor
from difyaction.azure.doors import Doors
from difyaction.azure.leases import LASTS, Lease, Run
from difyaction.azure.management import Management
from difyaction.azure.naming import rule_name
from difyaction.azure.nsg_rules import Flow, allowing, free_priority, verdict
from difyaction.azure.refusals import refused
from difyaction.azure.wire import Answer
from difyaction.errors import Failed
from difyaction.language import N_
from difyaction.target import Objection, Severity

PATIENCE: Final = 180.0  # seconds until the port answers through an opened rule
_ELSEWHERE: Final = N_("nsg-name: {name} is not on the way to the machine ({groups}).")
_OPENING: Final = "opening the way to SSH"
_LOOK_EVERY: Final = 5.0  # seconds between looks at whether our rules still stand


def read_groups(azure: Management, groups: tuple[str, ...]) -> dict[str, Mapping[str, Any]]:
    """Return security groups by their ids."""
    from difyaction.azure.answers import told  # noqa: PLC0415 - only those who go to Azure pay for the library

    with told("reading the network security groups"):
        found = {group: _group(azure, group) for group in groups}
    return {group: each for group, each in found.items() if each is not None}


def _group(azure: Management, group: str) -> Mapping[str, Any] | None:
    from difyaction.azure.answers import there  # noqa: PLC0415 - as above

    get, parts = azure.network(group).network_security_groups.get, parsed(group)
    return there(lambda: get(parts["resourcegroups"], parts["networksecuritygroups"]))


def is_named(group: str, name: str) -> bool:
    """Whether a group's id is what `nsg-name` means: a name or a whole id; every one is where it says nothing."""
    return not name or same(group if name.startswith("/") else last_name(group), name)


def barred(groups: Mapping[str, Mapping[str, Any]], flow: Flow) -> tuple[str, ...]:
    """Return the groups that do not let the flow in yet: those that need a rule of ours."""
    return tuple(group for group, record in groups.items() if not _allows(record, flow))


def objections(
    groups: Mapping[str, Mapping[str, Any]], flow: Flow, version: str, *, only: str = "", inside: bool = False
) -> Iterator[Objection]:
    """Yield why no rule of ours would let the flow in. ``only``: the name of the one group that we may write to.

    ``inside``: we come by the private address, where no group at all lets everybody of the network in.
    """
    if only and not any(is_named(group, only) for group in groups):
        yield Objection("azure-nsg-elsewhere", version, Severity.NEVER, _ELSEWHERE, _elsewhere(only, groups))
    if not groups and not inside:
        text = N_("No network security group is on the way to the machine; without one, Azure lets nobody in.")
        yield Objection("azure-nsg-none", version, Severity.NEVER, text)
    for group in barred(groups, flow):
        name, priority = last_name(group), free_priority(groups[group])
        denies = verdict(groups[group], flow)
        if not is_named(group, only):
            text = N_("{name}, which is also on the way, does not let SSH in, and nsg-name does not name it.")
            yield Objection("azure-nsg-unnamed", version, Severity.NEVER, text, {"name": name})
        elif priority is None:
            text = N_("{name} has no free priority for one more inbound rule.")
            yield Objection("azure-nsg-full", version, Severity.NEVER, text, {"name": name})
        elif denies is not None and denies.priority < priority:
            text = N_("The rule {rule} of {name} denies SSH at priority {priority}, before any that is free.")
            facts = {"rule": denies.rule, "name": name, "priority": str(denies.priority)}
            yield Objection("azure-nsg-denies", version, Severity.NEVER, text, facts)


def elsewhere(name: str, groups: Iterable[str]) -> Failed:
    """Return the error for a group that `nsg-name` names, where ``groups`` are those on the way to the machine."""
    step = N_("Name one of these in nsg-name, as the upgrades do, or leave it out.")
    facts: dict[str, Any] = _elsewhere(name, groups)
    return Failed("azure-nsg-elsewhere", _ELSEWHERE, next_step=step, **facts)


def _elsewhere(name: str, groups: Iterable[str]) -> dict[str, Any]:
    return {"name": name, "groups": ", ".join(last_name(group) for group in groups) or "none is"}


def _allows(group: Mapping[str, Any], flow: Flow) -> bool:
    found = verdict(group, flow)
    return found is not None and found.allows


@dataclass
class Passage:
    """The way in for one run. Every rule is written down in ``doors`` before it is made, and seen gone after.

    It is opened through ``azure``, and closed through ``arm`` like every door: by the client that the post step has.
    """

    azure: Management
    arm: Arm
    doors: Doors
    run: Run
    flow: Flow
    groups: tuple[str, ...]
    seconds: float = LASTS
    _standing: dict[str, RuleDoor] = field(default_factory=dict, init=False)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Open for the time of a ``with``. Also an error closes; a signal passes, whoever catches it has less time."""
        try:
            self.open()
            yield
        except Exception:
            self.close()
            raise
        self.close()

    def open(self) -> None:
        """Make a rule in each group that does not let us in. Returns when Azure took them; `wait` sees them work."""
        for group, record in read_groups(self.azure, self.groups).items():
            if not _allows(record, self.flow):
                self._put(group, record)

    def wait(self, answers: Callable[[], bool], *, seconds: float = PATIENCE) -> None:
        """Look until the port answers; make a rule again that somebody's whole-group write erased meanwhile."""
        pace = self.azure.pace
        until, last = pace.until(seconds), pace.monotonic()
        attempt = 0
        while not answers():
            if pace.monotonic() - last >= _LOOK_EVERY:
                self.mend()
                last = pace.monotonic()
            if not pace.back_off(attempt, until=until, longest=3.0):
                raise _silent(self.flow, [door.where for door in self._standing.values()])
            attempt += 1

    def mend(self) -> None:
        """Make our rules again where they do not stand: erased, superseded, or failed."""
        from difyaction.azure.answers import there, told  # noqa: PLC0415 - as above

        for group, door in tuple(self._standing.items()):
            get, names = self.azure.network(group).security_rules.get, _names(door)
            with told(_OPENING, state=""):
                rule = there(partial(get, *names))
            if rule is None or str(properties(rule).get("provisioningState")) in {"Failed", "Canceled"}:
                self._put(group)

    def close(self, *, seconds: float = AT_EASE) -> None:
        """Close every door that this run has open, and see it closed; `DoorOpen` otherwise."""
        insist(shut(self.arm, self.doors, seconds=seconds))
        self._standing.clear()

    def _put(self, group: str, record: Mapping[str, Any] | None = None) -> None:
        pace = self.azure.pace
        lease = Lease(self.run, int(self.arm.now() + self.seconds))
        door = RuleDoor(f"{group}/securityRules/{rule_name(lease)}", lease)
        until, refused_priorities = pace.until(PATIENCE), set[int]()
        for attempt in range(100):
            record = record or read_groups(self.azure, (group,)).get(group, {})
            priority = free_priority(record, besides=refused_priorities)
            if priority is None:
                raise _full(group)
            self.doors.register(door)
            self._standing[group] = door
            if self._made(door, priority, until):
                return
            if not pace.back_off(attempt, until=until, shortest=0.25, longest=2.0):
                raise _full(group)
            refused_priorities.add(priority)  # another run was faster; a read may not show its rule yet
            record = None

    def _made(self, door: RuleDoor, priority: int, until: float) -> bool:
        """Ask for a rule, and do not wait for the operation: the port tells sooner. False: the priority is taken."""
        from difyaction.azure.answers import tried  # noqa: PLC0415 - as above

        put = self.azure.network(door.rule).security_rules.begin_create_or_update
        rule: Any = allowing(self.flow, priority, door.lease)

        def again(before: Answer) -> None:
            self.doors.answered(door, before)
            self.doors.register(door)

        answer = tried(lambda: put(*_names(door), rule, polling=False, until=until, again=again))
        self.doors.answered(door, answer)
        self.doors.check()
        taken = answer.status == HTTPStatus.BAD_REQUEST and "SecurityRuleConflict" in answer.codes
        if not answer.ok and not taken:
            raise refused(Unanswered(answer, f"PUT {door.rule}"), _OPENING)
        return answer.ok


def _names(door: RuleDoor) -> tuple[str, str, str]:
    parts = parsed(door.rule)
    return parts["resourcegroups"], parts["networksecuritygroups"], parts["securityrules"]


def _full(group: str) -> Failed:
    return Failed(
        "azure-nsg-full",
        "{name} has no free priority for one more inbound rule.",
        next_step="Remove rules that nobody needs any more, or use connection: run-command.",
        name=last_name(group),
    )


def _silent(flow: Flow, rules: list[str]) -> Failed:
    return Failed(
        "azure-port-silent",
        "Port {port} of {destination} does not answer {source}, although {rules} let it in.",
        next_step="Check that sshd runs and listens there, that no security admin rule or firewall on the machine "
        "forbids it, and that the runner really leaves by {source}; or use connection: run-command.",
        port=flow.port,
        destination=flow.destination,
        source=flow.source,
        rules=", ".join(rules) or "the rules",
    )
