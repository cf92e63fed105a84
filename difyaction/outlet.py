"""Where the log goes: it may lose its reader, and the run goes on."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TextIO


@dataclass(frozen=True)
class Outlet:
    """Writes whole lines."""

    out: TextIO

    def line(self, text: str) -> None:
        """Write a line. One write, flushed: a cancelled container must not keep half a command in its buffer."""
        try:
            self.out.write(f"{text}\n")
            self.out.flush()
        except (OSError, ValueError):  # a pipe that nobody reads, a full disk, a terminal that is gone
            self._let_nobody_listen()

    def _let_nobody_listen(self) -> None:
        """Go on without a log: no door stays open because its reader went away (`| head`; `| tee` and Ctrl-C)."""
        with suppress(OSError, ValueError):  # what has no file behind it fails again, at the next line
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.out.fileno())
            os.close(nowhere)
