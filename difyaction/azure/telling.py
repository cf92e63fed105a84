"""What is said of a door that was closed as far as it could be. Standard library only: the post step says it too."""

from __future__ import annotations

from difyaction.azure.closing import GRACE, Closed, command


def doubtful(ended: Closed) -> str:
    """Return what is to be said of a door that was seen closed, and whose opening Azure never answered."""
    return (
        f"Seen closed for {GRACE:.0f} s after it was asked for: {ended.door.where}. Azure never answered a request that"
        " opens it; should it carry that out yet, mode sweep closes it when its lease is over. To be sure, look: "
        f"{command(ended.door)}"
    )


def kept_open(ended: Closed) -> str:
    """Return what is to be said of an address that another run's lease keeps open."""
    return (
        f"Our lease is gone, but it stays open: {ended.door.where}. {'; '.join(ended.why)}. Whoever may write the"
        f" vault's tags can write such a lease; if there is no such run: {command(ended.door)}"
    )
