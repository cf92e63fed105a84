"""What is found after a run, whatever happened to it: which release serves, what is lost, what was left behind."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.e2e.server_faults import left_behind
from tests.rig.install import Install, Rows
from tests.rig.stack import Rig
from tests.stage.server import NEW, OLD

SERVES_WITHIN = 120.0  # seconds, after the fault was lifted: containers may be waiting for their next restart
HEADS = {OLD: "6b5f9f8b1a2c", NEW: "a4f2d8c9b731"}
WRITTEN = "dify.messages"  # what the user of the cell writes to
STALE = "nginx, restarted by hand"
DEFINED = frozenset({"upgraded", "failed", "refused", "rolled-back", "degraded", "stranded"})


@dataclass(frozen=True)
class Found:
    """What is there in the end. ``serves`` is `old`, `new` or `neither`; ``left`` names what should have gone."""

    serves: str
    lost: int
    doors: int
    left: tuple[str, ...]


def look(
    rig: Rig, dify: Install, before: Mapping[str, Rows], kept: Sequence[str], *, all_started_anew: bool = False
) -> Found:
    """Look at everything. ``kept`` are messages that users were told are kept.

    ``all_started_anew``: the fault started every container again, and the run touched none. Then Dify's own proxy may
    ask for the api where it was before, with or without a run; a restart of the proxy shows whether it is that.
    """
    serves, left = _serves(dify), []
    if serves == "neither" and all_started_anew:
        dify.compose("restart", "nginx")
        serves, left = _serves(dify), [STALE]
    if serves == "neither":
        return Found(serves, 0, rig.open_connections(), ())
    lost = lost_rows(before, dify.rows(), same_schema=serves == "old") + missing(dify, kept)
    return Found(serves, lost, rig.open_connections(), (*left, *left_behind(rig, dify)))


def lost_rows(before: Mapping[str, Rows], after: Mapping[str, Rows], *, same_schema: bool) -> int:
    """Count rows that are gone. Where the old schema is in force, a table that changed by itself counts as well."""
    lost = 0
    for name, rows in before.items():
        now = after.get(name, Rows(0, ""))
        lost += max(0, rows.count - now.count)
        if same_schema and name != WRITTEN and rows.count <= now.count and rows != now:
            lost += 1
    return lost


def missing(dify: Install, kept: Sequence[str]) -> int:
    """Count confirmed messages that are not there."""
    there = set(dify.sql("SELECT id FROM messages").split())
    return len(set(kept) - there)


def _serves(dify: Install) -> str:
    deadline = time.monotonic() + SERVES_WITHIN
    while not (dify.serves() and dify.credentials_open() and dify.chat("are you there", seconds=10)):
        if time.monotonic() > deadline:
            return "neither"
        time.sleep(0.5)
    for name, version in (("old", OLD), ("new", NEW)):
        if dify.running_images().get("api") == f"langgenius/dify-api:{version}" and dify.head() == HEADS[version]:
            return name
    return "neither"
