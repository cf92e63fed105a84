"""The errors for what was kept of a disk and is no copy of it, or not yet."""

from __future__ import annotations

from typing import Any, Final

from difyaction.azure.arm import last_name
from difyaction.azure.machine import Disk
from difyaction.errors import Failed
from difyaction.language import N_

BROKE: Final = N_("Its creation failed ({says}).")
_WRONG: Final = N_("What was kept of the disk {disk} is no copy of it ({snapshot}).")


def unfinished(disk: Disk, snapshot: str, percent: float) -> Failed:
    """Return the error for a copy that was not complete in time; ``percent``: how far it was."""
    return Failed(
        "azure-snapshot-unfinished",
        "The snapshot {snapshot} of {disk} was at {percent} % when the time for it was up.",
        next_step="Run again later; disks of some kinds are copied in the background for hours.",
        snapshot=last_name(snapshot),
        disk=disk.name,
        percent=round(percent),
    )


def not_this_disk(disk: Disk, snapshot: str, why: str, **facts: Any) -> Failed:  # noqa: ANN401 - the facts of why
    """Return the error for what holds something else than the disk. ``why``: a sentence over ``facts``."""
    return Failed(
        "azure-snapshot-wrong",
        f"{_WRONG} {why}",
        next_step="Look at it in the portal, and run again.",
        disk=disk.name,
        snapshot=last_name(snapshot),
        **facts,
    )
