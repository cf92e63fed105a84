"""For a conftest: the station, or the named reason why there is none."""

from __future__ import annotations

from collections.abc import Iterator

from tests.image.station import Station
from tests.rig.session import one_or_skip

_running: list[Station] = []


def station_or_skip() -> Iterator[Station]:
    """Give the one station of this process; skip where it cannot stand, fail where CI promised that it can."""
    return one_or_skip(Station.up, _running)
