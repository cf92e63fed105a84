"""A TCP port that NSG rules really gate: a forwarder in front of a real one."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Literal

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
LOOK = 0.01
CHUNK = 65536
Refusal = Literal["drop", "reset"]


class Link:
    """A connection that was let in, and its other half."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self._ends = (client, server)
        self._is_cut = False

    def carry(self) -> None:
        """Carry bytes both ways until both sides have ended."""
        client, server = self._ends
        other = threading.Thread(target=self._pump, args=(server, client), daemon=True)
        other.start()
        self._pump(client, server)
        other.join()
        for end in self._ends:
            end.close()

    def cut(self) -> None:
        """Reset both sides."""
        self._is_cut = True
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                end.shutdown(socket.SHUT_RD)  # wakes the thread that reads; closing it then resets

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(CHUNK):
                target.sendall(chunk)
        if not self._is_cut:
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_WR)


class Gate:
    """Lets connections through while ``admits`` says so; live connections stay when it no longer does.

    ``refusal="drop"`` keeps the listener's queue full, so that the kernel drops what comes, as Azure does: ``connect``
    times out. ``"reset"`` accepts and resets at once.
    """

    def __init__(
        self, admits: Callable[[], bool], to: tuple[str, int], *, port: int = 0, refusal: Refusal = "drop"
    ) -> None:
        self._admits, self._to, self._refusal = admits, to, refusal
        self._listener = socket.create_server(("127.0.0.1", port), backlog=0)
        self._listener.settimeout(0)
        self.host, self.port = self._listener.getsockname()
        self.openings: list[tuple[float, float | None]] = []
        self._queue: list[socket.socket] = []
        self._queued: set[tuple[str, int]] = set()
        self._live: set[Link] = set()
        self._ended = threading.Event()
        self._is_open = False
        self._thread = threading.Thread(target=self._serve, name="gate", daemon=True)
        if refusal == "drop":
            self._stop_queue()
        self._thread.start()

    @property
    def is_open(self) -> bool:
        return self._admits()

    @property
    def exposure(self) -> float:
        """Seconds that it has been open."""
        now = time.monotonic()
        return sum((closed or now) - opened for opened, closed in self.openings)

    @property
    def connections(self) -> int:
        """Count the connections that live."""
        return len(self._live)

    def cut(self) -> None:
        """End all live connections, as a network failure does."""
        for link in list(self._live):
            link.cut()

    def close(self) -> None:
        self._ended.set()
        self._thread.join(timeout=10)
        self._listener.close()
        for waiting in self._queue:
            waiting.close()
        self.cut()

    def _serve(self) -> None:
        while not self._ended.is_set():
            wanted = self._admits()
            if wanted != self._is_open:
                self._turn(opened=wanted)
            if self._is_open or self._refusal == "reset":
                self._take_next()
            else:
                time.sleep(LOOK)

    def _turn(self, *, opened: bool) -> None:
        self._is_open = opened
        now = time.monotonic()
        if opened:
            self.openings.append((now, None))
            self._free_queue()
        else:
            self.openings[-1] = (self.openings[-1][0], now)
            if self._refusal == "drop":
                self._stop_queue()

    def _free_queue(self) -> None:
        self._listener.listen(128)
        for waiting in self._queue:
            if not _is_connected(waiting):  # nobody will accept it, and its port may be somebody else's soon
                self._queued.discard(waiting.getsockname())
            waiting.close()
        self._queue.clear()

    def _stop_queue(self) -> None:
        """Fill the queue with connections of our own, which nobody accepts."""
        self._listener.listen(0)
        while True:
            filler = socket.socket()
            filler.settimeout(0)
            filler.connect_ex((self.host, self.port))
            self._queue.append(filler)
            self._queued.add(filler.getsockname())
            if not select.select([], [filler], [], 0.005)[1]:
                break  # this one found no place: nor will anybody else

    def _take_next(self) -> None:
        if not select.select([self._listener], [], [], LOOK)[0]:
            return
        with contextlib.suppress(OSError):
            client, address = self._listener.accept()
            if address in self._queued:
                self._queued.discard(address)
                client.close()
            elif not self._is_open or not self._admits():
                _reset(client)
            else:
                threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        client.settimeout(None)
        try:
            server = socket.create_connection(self._to, timeout=5)
        except OSError:
            _reset(client)
            return
        server.settimeout(None)
        link = Link(client, server)
        self._live.add(link)
        link.carry()
        self._live.discard(link)


def _is_connected(end: socket.socket) -> bool:
    try:
        end.getpeername()
    except OSError:
        return False
    return True


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    end.close()
