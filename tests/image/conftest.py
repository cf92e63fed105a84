"""One station, and the image in it, for a whole session; a job of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.image.runner import Job
from tests.image.session import station_or_skip
from tests.image.station import Station


@pytest.fixture(scope="session")
def station() -> Iterator[Station]:
    yield from station_or_skip()


@pytest.fixture
def job(station: Station) -> Iterator[Job]:
    """A job without a network but the engine's own."""
    with station.folder() as folder:
        yield Job(station.engine, station.image.name, folder)
