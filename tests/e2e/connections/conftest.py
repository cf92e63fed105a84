"""Real servers for tests of connections; each is ended by its own process id."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.connections.sshd import Sshd, make_key


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    keys = {kind: make_key(kind) for kind in ("ed25519", "ecdsa", "rsa")}
    server = Sshd(tmp_path_factory.mktemp("sshd"), keys, make_key("ed25519"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_sshd(tmp_path: Path) -> Iterator[Sshd]:
    """One that a test may stop, or configure and start anew."""
    server = Sshd(tmp_path / "own", {"ed25519": make_key("ed25519")}, make_key("ed25519"))
    server.start()
    yield server
    server.stop()
