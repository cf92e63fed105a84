"""Short-lived branches that take a signed commit before ours moves there. Pure: names, and how old they are."""

from __future__ import annotations

import re
from typing import Final

from difyaction.gitops.github.pace import Pace

PREFIX: Final = "dify-upgrade-temporary/"  # beside our branches, not below one: `a` and `a/b` cannot both exist
LIFE: Final = 3600  # seconds; no run of ours needs one longer than some seconds

_NAME = re.compile(rf"{re.escape(PREFIX)}([0-9a-f]{{8,}})-[0-9a-f]{{8}}")


def temporary_name(pace: Pace) -> str:
    """Return a name that nobody else has, and that says when it was made."""
    return f"{PREFIX}{int(pace.clock()):08x}-{pace.token()}"


def is_stale(name: str, now: float) -> bool:
    """Whether this is one of ours whose run has ended long ago. ``now``: seconds since 1970."""
    made = _NAME.fullmatch(name)
    return made is not None and int(made[1], 16) + LIFE < now
