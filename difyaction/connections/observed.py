"""A connection that tells of each round trip, for a run that is debugged. What was sent and said is not told."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from difyaction.connections import Connection, Ran
from difyaction.events import Events
from difyaction.secret import Secret


def observed(connection: Connection, events: Events) -> Connection:
    """Return the connection, told of when somebody listens."""
    return Observed(connection, events) if events.on else connection


class Observed:
    """See `Connection`."""

    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def run(self, script: str, *, stdin: bytes = b"", timeout: float) -> Ran:
        """Run it, and tell how long it took and how much came back."""
        with self._told("run") as told:
            ran = self._connection.run(script, stdin=stdin, timeout=timeout)
            told |= {"exit_code": ran.exit_code, "sent": len(script) + len(stdin), "bytes": len(ran.out)}
            return ran

    def put(self, folder: str, files: Mapping[str, bytes | Secret]) -> None:
        """Put the files, and tell how many."""
        with self._told("put") as told:
            told["files"] = len(files)
            self._connection.put(folder, files)

    def close(self) -> None:
        """Let go."""
        self._connection.close()

    @contextmanager
    def _told(self, what: str) -> Iterator[dict[str, object]]:
        began, told = time.monotonic(), dict[str, object]()
        try:
            yield told
        except BaseException as why:
            told["error"] = getattr(why, "id", type(why).__name__)
            raise
        finally:
            self._events.tell("round-trip", what=what, seconds=round(time.monotonic() - began, 3), **told)
