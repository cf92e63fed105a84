"""Ways out of a machine that has no network but its own: a port of its loopback leads to the same port of ours."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.rig.doors import enter_network

PIECE = 1 << 16


@contextlib.contextmanager
def outlet(process: int, port: int) -> Iterator[None]:
    """Let what is in the network of ``process`` reach 127.0.0.1:``port`` of this side under that very address."""
    with ThreadPoolExecutor(1) as visitor:  # a thread that went into another network is not used for anything else
        listener = visitor.submit(_listen, process, port).result()
    threading.Thread(target=_serve, args=(listener, port), name=f"outlet-{port}", daemon=True).start()
    try:
        yield
    finally:
        # wakes the thread that accepts; close alone would not
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _listen(process: int, port: int) -> socket.socket:
    enter_network(process)
    return socket.create_server(("127.0.0.1", port), backlog=128)


def _serve(listener: socket.socket, port: int) -> None:
    while True:
        try:
            inside, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_carry, args=(inside, port), daemon=True).start()


def _carry(inside: socket.socket, port: int) -> None:
    with inside:
        try:
            outside = socket.create_connection(("127.0.0.1", port), timeout=10)
        except OSError:
            return
        with outside:
            outside.settimeout(None)
            back = threading.Thread(target=_pump, args=(outside, inside), daemon=True)
            back.start()
            _pump(inside, outside)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE):
            sink.sendall(piece)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
