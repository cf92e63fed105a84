"""Ways into the machine's network: ports on this side's loopback, to ports in there; to be cut, shut and stalled."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
import threading
from collections.abc import Callable

CLONE_NEWNET = 0x40000000
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
PIECE = 1 << 16


class Door:
    """Carries TCP connections from 127.0.0.1 here to 127.0.0.1 in the machine."""

    def __init__(self, first_process: Callable[[], int], port_inside: int) -> None:
        self._first_process, self._port_inside = first_process, port_inside
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._flowing = threading.Event()
        self._flowing.set()
        self._is_open = True
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.host, self.port = "127.0.0.1", int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, name=f"door-{port_inside}", daemon=True).start()

    @property
    def connections(self) -> int:
        """How many are going."""
        with self._lock:
            return len(self._pairs)

    def cut(self) -> int:
        """Reset every connection that is going; return how many there were. New ones get through."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            for end in pair:
                _hang_up(end, reset=True)
        return len(pairs)

    def shut(self) -> None:
        """Reset what is going and refuse what comes, until it is opened."""
        self._is_open = False
        self.cut()

    def open(self) -> None:
        self._is_open = True
        self._flowing.set()

    def stall(self) -> None:
        """Carry nothing any more and say nothing, as a network that drops packets, until it is opened."""
        self._flowing.clear()

    def close(self) -> None:
        """Take the door away."""
        self._is_open = False
        self._listener.close()
        self._flowing.set()
        self.cut()

    def _serve(self) -> None:
        while True:
            try:
                outside, _ = self._listener.accept()
            except OSError:
                return
            if not self._is_open:
                _hang_up(outside, reset=True)
                continue
            threading.Thread(target=self._carry, args=(outside,), daemon=True).start()

    def _carry(self, outside: socket.socket) -> None:
        self._flowing.wait()
        try:
            enter_network(self._first_process())
            inside = socket.create_connection(("127.0.0.1", self._port_inside), timeout=10)
        except OSError:
            _hang_up(outside, reset=True)
            return
        inside.settimeout(None)
        pair = (outside, inside)
        with self._lock:
            self._pairs.add(pair)
        back = threading.Thread(target=self._pump, args=(inside, outside), daemon=True)
        back.start()
        self._pump(outside, inside)
        back.join()
        with self._lock:
            self._pairs.discard(pair)
        for end in pair:
            _hang_up(end, reset=False)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                self._flowing.wait()
                sink.sendall(piece)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


def _hang_up(end: socket.socket, *, reset: bool) -> None:
    with contextlib.suppress(OSError):
        if reset:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            # wakes the thread that reads; close alone would not
            end.shutdown(socket.SHUT_RD)
        end.close()


def enter_network(process: int) -> None:
    """Put this thread, and no other, into the network of a process."""
    network = os.open(f"/proc/{process}/ns/net", os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(network, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(network)
