"""For a conftest: the rig, or the named reason why there is none.

@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    yield from rig_or_skip()
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.rig.stack import Rig, lacking

_running: list[Rig] = []


def rig_or_skip() -> Iterator[Rig]:
    """Give the one rig of this process; skip where it cannot stand, fail where CI promised that it can."""
    if _running:
        yield _running[0]
        return
    if reason := lacking(os.environ):
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    rig = Rig.up()
    _running.append(rig)
    try:
        yield rig
    finally:
        _running.clear()
        rig.down()
