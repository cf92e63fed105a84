"""How what we make in Azure is called: within Azure's limits, readable, and never twice the same. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from difyaction.azure.leases import OWNER, Lease, Run, seconds_of

LONGEST_NAME: Final = 80  # characters: snapshots, restore points and their collections, NSG rules
_FORBIDDEN = re.compile(r"[^A-Za-z0-9_.-]+")
_RULE = re.compile(rf"{OWNER}-([0-9]+)-([0-9]+)-([0-9a-z]+)-([0-9]{{1,12}})", re.IGNORECASE)
_HASH: Final = 6


def fitted(text: str, rest: str, longest: int = LONGEST_NAME) -> str:
    """Return ``text`` followed by ``rest``, ``text`` cut and hashed where both together are too long.

    A name begins with a letter or digit and ends with one or with an underscore.
    """
    text, rest = _FORBIDDEN.sub("-", text).lstrip("_.-") or "x", _FORBIDDEN.sub("-", rest)
    if len(text) + len(rest) > longest:
        mark = "-" + hashlib.sha256(text.encode()).hexdigest()[:_HASH]
        text = text[: max(1, longest - len(rest) - len(mark))].rstrip("_.-") + mark
    return (text + rest)[:longest].rstrip(".-")


def moment(when: datetime, timezone: str) -> str:
    """Return a time as part of a name, in the zone that the user reads clocks in: ``20261120-210733-JST``."""
    local = when.astimezone(ZoneInfo(timezone))
    zone = (local.tzname() or "").replace("+", "p").replace("-", "m")
    return f"{local:%Y%m%d-%H%M%S}-{_FORBIDDEN.sub('', zone)}".rstrip("-")


def snapshot_name(disk: str, version: str, when: datetime, timezone: str, run: Run) -> str:
    """Return the name of a disk's snapshot, in at most 80 characters. The run's nonce makes it unlike any other."""
    return fitted(disk, f"-before-{version}-{moment(when, timezone)}-{run.nonce}")


def point_name(machine: str, version: str, when: datetime, timezone: str, run: Run) -> str:
    """Return the name of a machine's restore point, and of the collection that holds it."""
    return fitted(machine, f"-before-{version}-{moment(when, timezone)}-{run.nonce}")


def rule_name(lease: Lease) -> str:
    """Return the name of an NSG rule: run, attempt and expiry can be read from it where the description is lost."""
    run = lease.run
    return fitted(f"{OWNER}-{run.id}-{run.attempt}-{run.nonce}", f"-{lease.expires}")


def named_lease(name: str) -> Lease | None:
    """Return the lease that a rule of ours was made under, by its name; nothing when the name is none that we give."""
    found = _RULE.fullmatch(name)
    run = Run.parse(f"{found[1]}.{found[2]}.{found[3]}") if found else None
    return Lease(run, int(found[4])) if found and run else None


@dataclass(frozen=True)
class Label:
    """The tags of what is kept after the run: snapshots and restore points. Pruning looks at nothing else."""

    run: Run
    machine: str
    version: str
    expires: int

    def tags(self) -> dict[str, str]:
        """Return them as Azure keeps them."""
        return {
            "dify-upgrade": OWNER,
            "dify-upgrade-run": f"{self.run.repository}#{self.run.text}"[-256:],
            "dify-upgrade-machine": self.machine.lower()[-256:],
            "dify-upgrade-before": self.version,
            "dify-upgrade-expires": str(self.expires),
        }

    @classmethod
    def of(cls, tags: Mapping[str, str] | None) -> Label | None:
        """Return the label of something of ours, or nothing when its tags do not say that it is ours."""
        tags = tags or {}
        repository, _, text = tags.get("dify-upgrade-run", "").rpartition("#")
        run, expires = Run.parse(text, repository), seconds_of(tags.get("dify-upgrade-expires", ""))
        if tags.get("dify-upgrade") != OWNER or run is None or expires is None:
            return None
        return cls(run, tags.get("dify-upgrade-machine", ""), tags.get("dify-upgrade-before", ""), expires)
