"""For a conftest: the station, or the named reason why there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.image.station import Station
from tests.rig.stack import lacking

_running: list[Station] = []


def station_or_skip() -> Iterator[Station]:
    """Give the one station of this process; skip where it cannot stand, fail where CI promised that it can."""
    if _running:
        yield _running[0]
        return
    if reason := lacking(os.environ):
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    station = Station.up()
    _running.append(station)
    try:
        yield station
    finally:
        _running.clear()
        station.down()
