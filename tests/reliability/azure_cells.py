"""The second table's cells, as values: what happens to a run of ``azure-vm``, when, and how it may end.

Their ids begin with ``azure/``; the first table's never do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.reliability.cells import LAYOUTS, Cell

KIND = "azure"
LOCKED, DENIES = "lock-on-deleting", "a rule that denies"
CANCELLED, LOST, WHOLE = "cancelled", "runner-lost", "all the while"


@dataclass(frozen=True)
class Phase:
    """A moment of a run, told by a request that the emulated Azure gets; ``after`` others like it."""

    match: str
    after: int = 0


# In the order in which a run comes by; each ends before the next begins.
PHASES: Mapping[str, Phase] = {
    "login": Phase("POST */oauth2/v2.0/token"),
    "reads-machine": Phase("GET */virtualMachines/*"),
    "reads-rights": Phase("GET */Microsoft.Authorization/permissions*"),
    "opens-vault": Phase("PATCH */vaults/*"),
    "reads-key": Phase("GET /secrets/*", after=2),
    "closes-vault": Phase("PATCH */vaults/*", after=1),
    "opens-subnet": Phase("PUT */subnet-nsg/securityRules/*"),
    "opens-interface": Phase("PUT */nic-nsg/securityRules/*"),
    "closes-rules": Phase("DELETE */securityRules/*"),
    "keeps-disks": Phase("PUT */restorePoints/*"),
}
SLOW = "opens-interface-slowly"  # each change of a rule takes Azure longer than the runner waits
OPEN_PHASES = ("reads-key", "opens-interface", "closes-rules")  # where a runner that is lost leaves a door open
RECONNECTS = "reconnects"  # while the host migrates: the door is open once more

# what is there from the beginning: its meaning, and how the run may end
AROUND: Mapping[str, tuple[str, frozenset[str]]] = {
    "nothing": ("nothing goes wrong", frozenset({"upgraded"})),
    "no-port": ("nothing goes wrong, by Run Command, without an inbound port", frozenset({"upgraded"})),
    "two-environments": (
        "a second environment, on the same vault and the same security group, is planned at the same time",
        frozenset({"upgraded"}),
    ),
    "key-without-newlines": ("the key was pasted into the vault without its newlines", frozenset({"upgraded"})),
    "key-wrong": ("the key is one that the host does not let in", frozenset({"failed"})),
    "host-key-changed": ("the host shows another key than the one that is pinned", frozenset({"refused"})),
    "vm-stopped": ("the machine is deallocated", frozenset({"refused"})),
    "nsg-full": ("the security group has no free priority", frozenset({"refused"})),
    LOCKED: ("a CanNotDelete lock: a rule can be made and not be removed", frozenset({"upgraded"})),
}
FAULTS: Mapping[str, str] = {
    CANCELLED: "GitHub's runner cancels: SIGINT, 7.5 s later SIGTERM, 2.5 s later KILL; then the post step. At a step"
    " of the host's, another run follows",
    LOST: "the runner is gone in an instant, and there is no post step; then `mode: sweep` as the next attempt of the"
    " same workflow run (one of another run waits until the lease has expired), and where the host was at work, another"
    " run",
    **{fault: meaning for fault, (meaning, _) in AROUND.items()},
}
ENDED_OF_THE_HOST = frozenset({"upgraded"})  # nobody needs to be connected for the host to go on
# one that is killed says nothing more; what it left is closed by the post step
STOPPED = frozenset({CANCELLED, "killed"})


def azure_cells(steps: Mapping[str, Sequence[str]]) -> Iterator[Cell]:
    """Yield all of them in the order of the page; ``steps`` are the runbook's, by layout."""
    for fault in AROUND:
        yield Cell(KIND, fault, "", "zip", f"{KIND}/{fault}")
    for phase in (*PHASES, SLOW):
        yield Cell(KIND, CANCELLED, phase, "zip", f"{KIND}/{CANCELLED}/{phase}")
    whole = max(steps.values(), key=len)
    for column, step in enumerate(whole):
        having = [layout for layout in LAYOUTS if step in steps[layout]]
        layout = having[column % len(having)]
        yield Cell(KIND, CANCELLED, step, layout, f"{KIND}/{CANCELLED}/{layout}")
    for phase in (*OPEN_PHASES, RECONNECTS):
        yield Cell(KIND, LOST, phase, "zip", f"{KIND}/{LOST}/{phase}")


def is_azure(cell: str) -> bool:
    """Whether it is an id of this table."""
    return cell.startswith(f"{KIND}/")


def must_leave(cell: str) -> frozenset[str]:
    """Return what a cell of this table is about: what nobody was allowed to take away."""
    return frozenset({DENIES} if is_azure(cell) and cell.split("/")[1] == LOCKED else ())


def endings(cell: str) -> frozenset[str]:
    """Return the statuses with which a cell of this table ends as it should."""
    _, fault, *rest = cell.split("/")
    if fault in AROUND:
        return AROUND[fault][1]
    if fault == CANCELLED and rest[0] == SLOW:
        return STOPPED | {"door-open"}  # said in time by the main step, before the post step closes it
    if fault == CANCELLED and rest[0] in PHASES:
        return STOPPED
    return frozenset({"swept"}) if rest[0] in OPEN_PHASES else ENDED_OF_THE_HOST
