"""Somebody who uses Dify all the while: sees when it is away, and remembers what it said it had kept."""

from __future__ import annotations

import threading
import time
from typing import Self

from tests.rig.install import Install

LOOK_EVERY = 1.0
LOOKS_PER_MESSAGE = 3
PATIENCE = 4.0  # seconds for a page; a proxy that is being replaced may swallow a request


class User:
    """``kept`` are ids of messages that Dify confirmed; ``outage`` the longest time without its answer, in seconds."""

    def __init__(self, dify: Install, *, look_every: float = LOOK_EVERY, writes: bool = True) -> None:
        self._look_every, self._writes = look_every, writes
        self.kept: list[str] = []
        self.outage = 0.0
        self._dify = Install(dify.machine, dify.wanted, int(dify.url.rpartition(":")[2]))  # a session is for one thread
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._use, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *how: object) -> None:
        self._over.set()
        self._thread.join()

    def _use(self) -> None:
        well, looks = time.monotonic(), 0
        while not self._over.wait(self._look_every):
            status, answer = self._dify.ask("/console/api/setup", seconds=PATIENCE)
            now = time.monotonic()
            if status == 200 and answer.get("step") == "finished":
                self.outage = max(self.outage, now - well - self._look_every)
                well = now
                looks += 1
                if self._writes and looks % LOOKS_PER_MESSAGE == 0:
                    self._write(looks)
        self.outage = max(self.outage, time.monotonic() - well - self._look_every)

    def _write(self, number: int) -> None:
        if message := self._dify.chat(f"message {number}", seconds=PATIENCE):
            self.kept.append(message)
