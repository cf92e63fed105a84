"""The schema head that a release's migration files lead to. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

FOLDER = "api/migrations/versions"  # of upstream's repository
_REVISION = re.compile(r"^revision\b[^=]*=(?P<ids>.*)$")
_DOWN = re.compile(r"^down_revision\b[^=]*=(?P<ids>.*)$")
_ID = re.compile(r"""['"]([0-9a-zA-Z_]+)['"]""")


def head_of_migrations(lines: Iterable[str]) -> str | None:
    """Return the one revision that no other one follows; None when there is none, or several."""
    revisions: set[str] = set()
    followed: set[str] = set()
    for line in lines:
        if found := _REVISION.match(line):
            revisions.update(_ID.findall(found["ids"]))
        elif found := _DOWN.match(line):
            followed.update(_ID.findall(found["ids"]))
    heads = revisions - followed
    return heads.pop() if len(heads) == 1 else None
