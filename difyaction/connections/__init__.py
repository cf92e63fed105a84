"""Where a script runs: on a host over SSH, or on this machine. The shape of both, and how they are lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from difyaction.errors import Failed
from difyaction.language import N_
from difyaction.secret import Secret

HOST_GOES_ON = N_("What runs on the host goes on without us.")


@dataclass(frozen=True)
class Ran:
    """How a script ended, and what it said. Both outputs are somebody else's words."""

    exit_code: int
    out: bytes
    err: bytes


class Connection(Protocol):
    """A place where scripts run, one after the other."""

    def run(self, script: str, *, stdin: bytes = b"", timeout: float) -> Ran:
        """Run POSIX shell text by ``sh -c``. It stands in the process list: no secret belongs in it.

        ``timeout`` is in seconds. No answer by then, or a cut, raises `Lost`; the next call connects anew.
        """
        ...

    def put(self, folder: str, files: Mapping[str, bytes | Secret]) -> None:
        """Make ``folder`` (absolute, 0700) and ``files`` in it (relative names, 0600), in one round trip.

        A file that is there is replaced; files that are not named stay.
        """
        ...

    def close(self) -> None:
        """Let go. Safe to call twice; a later `run` connects anew."""
        ...


class Lost(Failed):
    """There is no connection, or none any more. What was started detached on the host is not affected."""


class Unreachable(Lost):
    """A connection could not be made: by name, route, refusal, silence or the wrong program at the port."""
