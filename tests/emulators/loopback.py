"""A threaded HTTP server on 127.0.0.1: keeps the log, runs into faults, and hands the rest to a model."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
import traceback
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.emulators.faults import Fault, Faults
from tests.emulators.request import Request, Response

Answer = Callable[[Request], Response]

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Loopback:
    """Serves one model. ``read`` completes a request (kind of token, GraphQL), ``answer`` answers it.

    ``surprises`` holds what the model does not know or broke on: a test that ends with one has found a hole here.
    With ``tls`` it speaks HTTPS.
    """

    def __init__(
        self,
        read: Callable[[Request], None],
        answer: Answer,
        *,
        clock: Callable[[], float] = time.time,
        journal: Path | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.requests: list[Request] = []
        self.surprises: list[str] = []
        self.faults = Faults()
        self.clock = clock
        self._read, self._answer, self._journal = read, answer, journal
        self._lock, self._over = threading.Lock(), threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Exchange)
        self._server.loopback, self._server.tls = self, tls
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.host = f"127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join(timeout=10)

    def respond(self, request: Request) -> Response | None:
        """Log, run into faults, answer; None means that the connection breaks."""
        self._read(request)
        self.requests.append(request)
        ending: Fault | None = None
        for fault in self.faults.strike(request):
            if fault.delay and self._over.wait(fault.delay):
                return None
            if fault.before is not None:
                fault.before(request)
            if fault.ends_exchange:
                ending = fault
        response = None if ending is not None and not ending.lost else self._guarded(request)
        if ending is not None:
            status, body = ending.answer()
            response = None if ending.reset else Response(status, body, ending.headers)
        request.status = response.status if response else 0
        self._write_journal(request)
        return response

    def _guarded(self, request: Request) -> Response:
        try:
            return self._answer(request)
        except Exception:  # noqa: BLE001 - a broken model must be seen in the test, not die in a thread
            self.surprises.append(traceback.format_exc())
            return Response(500, {"message": "the emulator broke on this request"})

    def _write_journal(self, request: Request) -> None:
        if self._journal is not None:
            with self._lock, self._journal.open("a", encoding="utf-8") as journal:
                journal.write(request.journal_line() + "\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    loopback: Loopback
    tls: ssl.SSLContext | None = None

    def __init__(self, *arguments: Any) -> None:  # noqa: ANN401 - as in the library
        super().__init__(*arguments)
        self.connections: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self.tls is not None:  # the handshake happens at the first read, in the connection's own thread
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def hang_up(self) -> None:
        """Close what clients keep alive, so that no thread waits for them."""
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in the library
        """Clients may hang up whenever they like."""


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def _exchange(self) -> None:
        target = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=unquote(target.path),
            query=dict(parse_qsl(target.query, keep_blank_values=True)),
            headers=self.headers,  # type: ignore[arg-type]
            content=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            host=self.headers.get("Host", ""),
        )
        response = self.server.loopback.respond(request)
        if response is None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self.close_connection = True
            self.connection.close()
            return
        self._send(response)

    def _send(self, response: Response) -> None:
        content = response.content()
        self.send_response_only(response.status)
        self.send_header("Date", formatdate(self.server.loopback.clock(), usegmt=True))
        if response.status != 204:
            self.send_header("Content-Length", response.headers.get("Content-Length", str(len(content))))
        for name, value in {"Content-Type": "application/json; charset=utf-8", **response.headers}.items():
            if name != "Content-Length":
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _exchange  # noqa: N815 - the library's names

    def log_message(self, *arguments: object) -> None:
        """Write nothing: the log is ``Loopback.requests``."""
