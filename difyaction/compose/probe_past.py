"""What earlier runs left behind, as the probe's answer has it: backups, run folders, a lock."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from difyaction.compose.answers import Answers, number, string, text
from difyaction.compose.facts import Backup, Lock, Run

_BACKUP_FIELDS = 4
_RUN_FIELDS = 3


def backups(answers: Answers) -> tuple[Backup, ...]:
    """Return the backups, the oldest first."""
    folder = text(answers, "backup")
    found = []
    for line in text(answers, "backups").splitlines():
        fields = line.split("|")
        if len(fields) != _BACKUP_FIELDS:
            continue
        manifest = _manifest(fields[3])
        found.append(
            Backup(
                id=fields[0],
                folder=f"{folder}/{fields[0]}",
                from_version=string(manifest, "from"),
                to_version=string(manifest, "to"),
                epoch=number(str(manifest.get("epoch", 0))),
                size=number(fields[2]) * 1024,
                complete=fields[1] == "yes",
                manifest=manifest,
            )
        )
    return tuple(sorted(found, key=lambda backup: (backup.epoch, backup.id)))


def runs(answers: Answers) -> tuple[Run, ...]:
    """Return the folders of runs that are still there."""
    split = (line.split("|") for line in text(answers, "runs").splitlines())
    state = text(answers, "state")
    return tuple(
        Run(id=row[0], folder=f"{state}/runs/{row[0]}", state=row[1], read=bool(row[2]))
        for row in split
        if len(row) == _RUN_FIELDS
    )


def lock(answers: Answers) -> Lock | None:
    """Return the lock that somebody holds. It is live while its process is; of a process unknown, until it expires."""
    held = dict(line.partition("=")[::2] for line in text(answers, "lock").splitlines())
    if not held:
        return None
    until = number(held.get("expiry", "0").strip())
    same_boot = held.get("boot", "").strip() == text(answers, "boot")
    started = held.get("start", "").strip()
    alive = text(answers, "lock-started") == started if started else until > number(text(answers, "epoch"))
    return Lock(
        owner=held.get("owner", "").strip(), run=held.get("run", "").strip(), until=until, live=same_boot and alive
    )


def _manifest(coded: str) -> Mapping[str, Any]:
    try:
        found = json.loads(base64.b64decode(coded, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
