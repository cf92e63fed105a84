"""The same place, with every script run by ``sudo``: where Docker answers only to root."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from difyaction.connections import Connection, Ran
from difyaction.connections.parcel import put
from difyaction.secret import Secret


class AsRoot:
    """See `Connection`. Nobody is asked for a password: the user may run ``sudo -n``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(self, script: str, *, stdin: bytes = b"", timeout: float) -> Ran:
        """Run it as root."""
        return self._connection.run(f"exec sudo -n sh -c {shlex.quote(script)}", stdin=stdin, timeout=timeout)

    def put(self, folder: str, files: Mapping[str, bytes | Secret]) -> None:
        """Put files there as root."""
        put(self, folder, files)

    def close(self) -> None:
        """Let go."""
        self._connection.close()
