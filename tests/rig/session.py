"""For a conftest: the rig, or the named reason why there is none.

@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    yield from rig_or_skip()
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, TypeVar

import pytest

from tests.rig.stack import Rig, lacking


class Stands(Protocol):
    """What is made once a process, and ends with it."""

    def down(self) -> None: ...


S = TypeVar("S", bound=Stands)
_running: list[Rig] = []


def rig_or_skip() -> Iterator[Rig]:
    """Give the one rig of this process; skip where it cannot stand, fail where CI promised that it can."""
    return one_or_skip(lambda: Rig.up(number=_number(os.environ)), _running)


def _number(environ: Mapping[str, str]) -> int:
    """Return which of the processes that share the tests this is."""
    return int(environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def one_or_skip(up: Callable[[], S], running: list[S]) -> Iterator[S]:
    """Give the one that is in ``running``, or make it; skip or fail where no engine can stand."""
    if running:
        yield running[0]
        return
    if reason := lacking(os.environ):
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    made = up()
    running.append(made)
    try:
        yield made
    finally:
        running.clear()
        made.down()
