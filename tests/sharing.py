"""How tests are shared among processes (pytest-xdist): who needs an engine first and alone, all else by its file."""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

STATION = "tests/image/"
ONE_INSTALL = "tests/e2e/test_server_unharmed.py"
SLOW = ("tests/e2e/", "tests/rig/", "tests/reliability/")


class Sharing(LoadScopeScheduling):
    """Gives what needs the station to one process, and tests with a rig singly: each process has a rig of its own."""

    def _split_scope(self, nodeid: str) -> str:
        for together in (STATION, ONE_INSTALL):
            if nodeid.startswith(together):
                return together
        return nodeid if nodeid.startswith(SLOW) else nodeid.partition("::")[0]


def sort(items: list[pytest.Item]) -> None:
    """Bring what takes longest to the front, so that all processes end at about the same time."""
    first = (ONE_INSTALL, STATION)
    items.sort(key=lambda item: (not item.nodeid.startswith(first), "rig" not in getattr(item, "fixturenames", ())))
