"""One emulated GitHub for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulators.github.emulator import GitHubEmulator


@pytest.fixture
def github() -> Iterator[GitHubEmulator]:
    with GitHubEmulator() as running:
        yield running
