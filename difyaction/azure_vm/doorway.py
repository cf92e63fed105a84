"""A leased door around each handshake: opened, waited for by SSH's own greeting, closed before anything is said."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from difyaction.azure.doors import DoorOpen
from difyaction.azure.nsg import Passage
from difyaction.connections import HOST_GOES_ON, Unreachable
from difyaction.errors import Failed
from difyaction.language import N_

_BARRED = N_("The way to the machine could not be opened again.")
_LOOK = 3.0  # seconds for one look at the port: a packet that was dropped is sent again after one


class Doorway:
    """Give ``entered`` to `Ssh`. Nobody gets in otherwise, and nothing is open once somebody is.

    Before anybody has been in, whatever goes wrong ends the run: nothing is touched yet. Later the host works, and
    following it goes on: what keeps us out for now is `Unreachable`, which is tried again, and a door that could not
    be closed is said, tried again at the next closing, and counts at the end.
    """

    def __init__(self, passage: Passage, answers: Callable[[], bool], say: Callable[[str], None]) -> None:
        self._passage, self._answers, self._say = passage, answers, say
        self._was_in = False

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Surround one handshake. A signal passes, whoever catches it closes all doors at once."""
        try:
            self._opened()
            yield
        except Exception:
            self._closed()
            raise
        self._closed()
        self._was_in = True

    def _opened(self) -> None:
        try:
            self._say("opening the way to SSH for one handshake")
            self._passage.open()
            self._passage.wait(self._answers)
        except Failed as error:
            if not self._was_in or self._passage.doors.fenced():
                raise
            facts: dict[str, Any] = error.facts
            raise Unreachable(
                "azure-way-barred",
                f"{_BARRED} {error.what}",
                state=HOST_GOES_ON,
                next_step="Run again: it finds what goes on there.",
                **facts,
            ) from error

    def _closed(self) -> None:
        try:
            self._passage.close()
        except DoorOpen as error:
            if not self._was_in:
                raise
            self._say(f"the door is not closed yet: {error}")


def greets(host: str, port: int) -> Callable[[], bool]:
    """Return a look at whether an SSH server answers at a port."""

    def look() -> bool:
        try:
            with socket.create_connection((host, port), timeout=_LOOK) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    return look
