"""Start a runbook detached, follow its journal by offset through cuts, find it again, finish a dead one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from difyaction.compose.run_journal import JournalRow
from difyaction.connections import Connection
from difyaction.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Watch:
    """How a run is followed. ``patience``: seconds without contact until `Lost` is passed on; ``poll``: seconds that
    the host waits for news before it answers that there are none.
    """

    clock: Callable[[], float]
    pause: Callable[[float], None]
    say: Callable[[str], None]
    patience: float = 900.0
    poll: int = 10


def start(connection: Connection, folder: str, script: str, files: Mapping[str, bytes | Secret]) -> None:
    """Put ``script`` and ``files`` (below ``$FILES``) into the run's folder and start it detached. Safe to repeat."""
    raise NotImplementedError


def follow(connection: Connection, folder: str, watch: Watch, *, offset: int = 0) -> Iterator[JournalRow]:
    """Yield every row from the beginning, as it is written, each once; the last one is final.

    A run that is found dead (killed, or the host was rebooted) is recovered, and followed to its end.
    Raises `Lost` when there was no contact for ``watch.patience`` seconds: the host goes on.
    """
    raise NotImplementedError


def recover(connection: Connection, folder: str) -> None:
    """Let the host finish a dead run's undos, detached; follow it afterwards. Harmless to a run that lives or ended."""
    raise NotImplementedError


def stop(connection: Connection, folder: str) -> None:
    """Ask a living run to stop now and undo what it did."""
    raise NotImplementedError
