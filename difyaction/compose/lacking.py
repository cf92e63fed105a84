"""What is said of a host that lacks a program."""

from __future__ import annotations

from difyaction.errors import Failed


def host_lacks(tool: str) -> Failed:
    """Return the error for a program without which nothing can be done there."""
    return Failed(
        "host-lacks-tool",
        "The host has no `{tool}`, which a run needs.",
        next_step="Install util-linux and coreutils (or busybox with these applets) there.",
        tool=tool,
    )
