"""An sshd of this machine behind an emulated Azure: what needs no engine and no Dify is tried with it."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.connections.sshd import Sshd, make_key, private_text


@dataclass(frozen=True)
class Plain:
    """An sshd of this machine, as a setting wants it."""

    server: Sshd
    host: str = "127.0.0.1"

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def user(self) -> str:
        return getpass.getuser()

    @property
    def key(self) -> str:
        return private_text(self.server.client)

    @property
    def known_hosts(self) -> str:
        return self.server.known_hosts


@contextmanager
def plain_sshd(folder: Path) -> Iterator[Plain]:
    """Start one. Whoever gets in is told that there is nothing: what is looked at happens around that."""
    nothing = ("ForceCommand echo nothing here",)
    server = Sshd(folder, {"ed25519": make_key("ed25519")}, make_key("ed25519"), more=nothing)
    server.start()
    try:
        yield Plain(server)
    finally:
        server.stop()
