"""What is found after a run, whatever happened to it: which release serves, what is lost, what was left behind."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from tests.e2e.server_faults import left_behind
from tests.reliability.ways import USUAL, Way
from tests.rig.catalogue import PARTS, head_of
from tests.rig.install import Install, Rows
from tests.rig.stack import Rig

SERVES_WITHIN = 120.0  # seconds, after the fault was lifted: containers may be waiting for their next restart
WRITTEN = "dify.messages"  # what the user of the cell writes to
STALE = "nginx, restarted by hand"
STORE = "volumes/weaviate/version"  # where the stand-in says which version wrote its volume
# a run that is stranded has reached a state that is defined, too; but a person has to look, and it is not well
DEFINED = frozenset({"upgraded", "failed", "refused", "rolled-back", "degraded"})


@dataclass(frozen=True)
class Found:
    """What is there in the end. ``serves`` is `old`, `new` or `neither`; ``left`` names what should have gone."""

    serves: str
    lost: int
    doors: int
    left: tuple[str, ...]


@dataclass(frozen=True)
class Before:
    """What there was: rows by the release that may serve (`old`, `new`), for an upgraded one has its own to lose."""

    rows: Mapping[str, Mapping[str, Rows]]
    way: Way = USUAL

    @classmethod
    def of(cls, dify: Install) -> Self:
        """Return it for an install that nobody upgraded yet, by the way that most cells go."""
        return cls(dict.fromkeys(("old", "new"), dify.rows()))


def look(rig: Rig, dify: Install, before: Before, kept: Sequence[str], *, all_started_anew: bool = False) -> Found:
    """Look at everything. ``kept`` are messages that users were told are kept.

    ``all_started_anew``: the fault started every container again, and the run touched none. Then Dify's own proxy may
    ask for the api where it was before, with or without a run; a restart of the proxy shows whether it is that.
    """
    serves, left = _serves(dify, before.way), []
    if serves == "neither" and all_started_anew:
        dify.compose("restart", "nginx")
        serves, left = _serves(dify, before.way), [STALE]
    if serves == "neither":
        return Found(serves, 0, rig.open_connections(), ())
    way = before.way
    same = serves == "old" or way.back
    lost = lost_rows(before.rows[serves], dify.rows(), same_schema=same) + missing(dify, kept)
    left += [*left_behind(rig, dify), *_foreign_volume(dify, way.old if serves == "old" else way.new)]
    return Found(serves, lost, rig.open_connections(), tuple(left))


def _foreign_volume(dify: Install, version: str) -> list[str]:
    """Name a volume of vectors that another version wrote than the one that serves."""
    wrote, serves = (dify.path / STORE).read_text(encoding="ascii"), PARTS[version][2]
    return [] if wrote == serves else [f"a volume of Weaviate {wrote} under {serves}"]


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


def _serves(dify: Install, way: Way) -> str:
    deadline = time.monotonic() + SERVES_WITHIN
    while not (dify.serves() and dify.credentials_open() and dify.chat("are you there", seconds=10)):
        if time.monotonic() > deadline:
            return "neither"
        time.sleep(0.5)
    for name, version in (("old", way.old), ("new", way.new)):
        if dify.running_images().get("api") == f"langgenius/dify-api:{version}" and dify.head() == head_of(version):
            return name
    return "neither"
