"""The table's cells, as values: what goes wrong, at which step, on which kind of install."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

LAYOUTS = ("zip", "git")

# what goes wrong at every step of the runbook
AT_STEPS = {
    "connection-cut": "the connection is reset",
    "network-stalled": "the network carries nothing for five seconds",
    "sshd-restarted": "sshd and its sessions are killed, sshd starts again",
    "controller-killed": "the controller is killed with -9, another one follows",
    "controller-cancelled": "the controller gets SIGINT or SIGTERM, another one follows",
    "script-killed": "the script on the host is killed with -9",
    "engine-restarted": "the engine ends, with every container, and starts again",
    "host-rebooted": "the plug is pulled, the host starts again",
    "disk-full": "the disk fills up to the last byte, until the run is over",
}

# These leave the host alone, so that one run bears several of them: about every second step of it is struck.
LIGHT = ("connection-cut", "network-stalled", "sshd-restarted", "controller-killed", "controller-cancelled")

# what a new release does wrong, and in which of its images
RELEASES = (
    *(("migration-fails", "dify-api"), ("migration-exit0", "dify-api"), ("migration-half", "dify-api")),
    *(("migration-hang", "dify-api"), ("migration-slow", "dify-api"), ("200-unmigrated", "dify-api")),
    *(("crash-loop", "dify-api"), ("crash-loop", "dify-web"), ("crash-loop", "dify-plugin-daemon")),
    *(("crash-loop", "dify-sandbox"), ("worker-crash-loop", "dify-api"), ("beat-crash-loop", "dify-api")),
    *(("worker-deaf", "dify-api"), ("no-key", "dify-api"), ("wrong-version", "dify-api"), ("slow-start", "dify-api")),
    *(("unhealthy", "dify-api"), ("unhealthy", "dify-web"), ("unhealthy", "dify-plugin-daemon")),
    ("unhealthy", "dify-sandbox"),
)
DETAILS: Mapping[str, Mapping[str, object]] = {"migration-slow": {"seconds": 20}, "slow-start": {"seconds": 12}}

# while a release that crashes is undone, and at which undos: those that users or the next run would notice
WHILE_UNDOING = ("script-killed", "engine-restarted", "host-rebooted")
UNDONE = ("verify", "start", "migrate", "switch", "final-backup", "stop")
CRASHES = "crash-loop:dify-api"

# what surrounds a run
AROUND = {
    "image-missing:dify-api": "the registry does not have the image",
    "image-missing:dify-web": "the registry does not have the image",
    "image-missing:dify-plugin-daemon": "the registry does not have the image",
    "image-missing:dify-sandbox": "the registry does not have the image",
    "registry-down": "the registry does not answer",
    "two-runs-at-once": "a second controller starts with the first",
    "lock-held": "somebody else holds the lock",
}


@dataclass(frozen=True)
class Cell:
    """One cell. ``step`` is empty where the fault is there all the while.

    ``kind`` is `step`, `undo` (it strikes when that step is undone), `release` or `around`. Cells with the same ``run``
    share one.
    """

    kind: str
    fault: str
    step: str
    layout: str
    run: str

    @property
    def id(self) -> str:
        return "/".join(part for part in (self.kind, self.fault, self.step, self.layout) if part)

    @property
    def strikes_at(self) -> str:
        """What a `Striker` calls the moment."""
        return f"undo {self.step}" if self.kind == "undo" else self.step


def cells(steps: Mapping[str, Sequence[str]]) -> Iterator[Cell]:
    """Yield all of them in the order of the page. ``steps`` are the runbook's, by layout.

    Kinds of install take turns, along faults and along steps, so that each fault and each step is tried on both.
    """
    whole = max(steps.values(), key=len)
    for row, fault in enumerate(AT_STEPS):
        for column, step in enumerate(whole):
            having = [layout for layout in LAYOUTS if step in steps[layout]]
            layout = having[(row + column) % len(having)]
            run = f"{fault}/{layout}" if fault in LIGHT else f"{fault}/{step}"
            yield Cell("step", fault, step, layout, run)
    for row, fault in enumerate(WHILE_UNDOING):
        for column, step in enumerate(step for step in UNDONE if step in whole):
            yield Cell("undo", fault, step, LAYOUTS[(row + column) % 2], f"undo {fault}/{step}")
    for row, (fault, image) in enumerate(RELEASES):
        yield Cell("release", f"{fault}:{image}", "", LAYOUTS[row % 2], f"{fault}:{image}")
    for row, fault in enumerate(AROUND):
        yield Cell("around", fault, "", LAYOUTS[row % 2], fault)


def runs(some: Sequence[Cell]) -> list[tuple[Cell, ...]]:
    """Return the cells of each run."""
    names = dict.fromkeys(cell.run for cell in some)
    return [tuple(cell for cell in some if cell.run == name) for name in names]


def chosen(all_cells: Sequence[Cell], patterns: Sequence[str]) -> list[Cell]:
    """Return the cells whose id one of the patterns fits (`step/disk-full/*`); all when there is none."""
    return [cell for cell in all_cells if not patterns or any(fnmatch.fnmatch(cell.id, each) for each in patterns)]
