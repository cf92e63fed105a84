"""What is said of a door that was closed as far as it could be. Standard library only: the post step says it too."""

from __future__ import annotations

from difyaction.azure.closed import Closed
from difyaction.azure.closing import GRACE, command, looking, untag
from difyaction.azure.door import VaultDoor


def doubt(ended: Closed) -> str:
    """Return what came of the opening of a door that may be carried out yet: a clause."""
    if ended.failed:
        return f"Azure answered a request that opens it with a failure of its own ({ended.failed})"
    return "Azure never answered a request that opens it"


def doubt_title(ended: Closed) -> str:
    """Return the title of what `doubtful` says."""
    return "Azure failed at an opening" if ended.failed else "An opening was never answered"


def doubtful(ended: Closed) -> str:
    """Return what is to be said of a door that was seen closed, and of whose opening nobody knows what comes of it."""
    return (
        f"Watched until {GRACE:.0f} s after it was asked for, and closed: {ended.door.where}. {doubt(ended)}; should it"
        f" carry that out yet, mode sweep closes it when its lease is over. To be sure, look: {looking(ended.door)}"
    )


def kept_open(ended: Closed) -> str:
    """Return what is to be said of an address that another run's lease keeps open."""
    return (
        f"Our lease is gone, but it stays open: {ended.door.where}. {'; '.join(ended.why)}. Whoever may write the"
        f" vault's tags can write such a lease; if there is no such run: {command(ended.door)}"
    )


def tag_left(ended: Closed) -> str:
    """Return what is to be said of a lease in a vault's tags that nobody could take out, and that lets nobody in."""
    out = untag(ended.door) if isinstance(ended.door, VaultDoor) else "-"
    return (
        f"Not on the firewall any more: {ended.door.where}. The tag of run {ended.door.lease.run.text} is left, and"
        f" lets nobody in ({'; '.join(ended.why) or 'nobody saw it go'}); to take it out: {out}"
    )
