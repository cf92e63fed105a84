"""One emulated GitHub, or Azure, for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.azure_place import Place
from tests.contract.azure_setting import trust
from tests.emulators.azure.emulator import AzureEmulator
from tests.emulators.github.emulator import GitHubEmulator


@pytest.fixture
def github() -> Iterator[GitHubEmulator]:
    with GitHubEmulator() as running:
        yield running


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureEmulator]:
    with AzureEmulator() as running:
        trust(running, monkeypatch)
        yield running


@pytest.fixture
def place(azure: AzureEmulator) -> Iterator[Place]:
    found = Place(azure)
    yield found
    found.close()
