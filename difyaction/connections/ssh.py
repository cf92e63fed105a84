"""A host over SSH, as a place where scripts run. The connection is made when it is needed, and made anew when lost."""

from __future__ import annotations

import base64
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

import paramiko

from difyaction.connections import Lost, Ran, handshake, refusals
from difyaction.connections.handshake import Hop, Timeouts
from difyaction.connections.known_hosts import KnownHosts
from difyaction.connections.parcel import put
from difyaction.secret import Secret

MOST_OUTPUT = 64 * 1024 * 1024
MOST_SCRIPT = 90_000  # bytes: what fits into one argument of the kernel, as base64
_PIECE = 64 * 1024
_GONE = (paramiko.SSHException, OSError, EOFError)  # what paramiko raises where the other end is there no more
_AUTH_ATTEMPTS = 3
logging.getLogger("paramiko").addHandler(logging.NullHandler())  # what it has to say is raised, too


class Ssh:
    """See `Connection`. Keys and pinned host keys are read at once, raising Invalid; `run` is the first contact.

    ``entered()`` surrounds each making of the connection: a door that is open for that time only.
    """

    def __init__(  # noqa: PLR0913 - where to, trusting whom, through what
        self,
        hop: Hop,
        known_hosts: str,
        *,
        jump: Hop | None = None,
        timeouts: Timeouts | None = None,
        say: Callable[[str], None] = lambda _: None,
        entered: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._entered = entered
        self._hops = (*((jump,) if jump else ()), hop)
        self._known = KnownHosts.parse(known_hosts)
        self._keys = [each.loaded() for each in self._hops]
        self._timeouts = timeouts or Timeouts()
        self._transports: list[paramiko.Transport] = []
        self._let_in = False
        self._refusals = 0
        for each, key in zip(self._hops, self._keys, strict=True):
            if key.repairs:
                say(f"{each.field}: mended ({', '.join(key.repairs)}); {key.public.kind} {key.public.fingerprint}")

    def connect(self) -> None:
        """Make the connection, unless there is one."""
        if self._transports and all(each.is_active() for each in self._transports):
            return
        self.close()
        try:
            with self._entered():
                self._go_through()
        except BaseException as error:
            self._refusals += getattr(error, "id", "") == "ssh-auth-refused"
            self.close()
            raise
        self._let_in, self._refusals = True, 0

    def _go_through(self) -> None:
        for hop, key in zip(self._hops, self._keys, strict=True):
            transport = handshake.shake_hands(hop, self._known, self._dialling(hop), self._timeouts)
            self._transports.append(transport)
            before = self._let_in and self._refusals < _AUTH_ATTEMPTS
            handshake.log_in(transport, hop, key, self._timeouts, before=before)

    def run(self, script: str, *, stdin: bytes = b"", timeout: float) -> Ran:
        """See `Connection`."""
        self.connect()
        where, deadline = str(self._hops[-1]), time.monotonic() + timeout
        try:
            channel = self._transports[-1].open_session(timeout=timeout)
        except _GONE:
            self.close()
            raise refusals.cut(where) from None
        try:
            return _Conversation(channel, where, timeout).held(_command(script), stdin, deadline)
        except Lost:
            self.close()
            raise
        finally:
            # the answer counts, though the connection may be cut before the channel is closed
            with contextlib.suppress(*_GONE):
                channel.close()

    def put(self, folder: str, files: Mapping[str, bytes | Secret]) -> None:
        """See `Connection`."""
        put(self, folder, files)

    def close(self) -> None:
        """See `Connection`."""
        while self._transports:
            self._transports.pop().close()

    def _dialling(self, hop: Hop) -> handshake.Dial:
        if not self._transports:
            return lambda: handshake.dial(hop, self._timeouts)
        return lambda: handshake.dial_through(self._transports[0], self._hops[0], hop, self._timeouts)


class _Conversation:
    """One command: three streams at once, so that neither end waits for the other."""

    def __init__(self, channel: paramiko.Channel, where: str, timeout: float) -> None:
        self._channel = channel
        self._where = where
        self._timeout = timeout
        self._said: dict[str, bytearray] = {"out": bytearray(), "err": bytearray()}
        self._too_much = False

    def held(self, command: str, stdin: bytes, deadline: float) -> Ran:
        self._channel.settimeout(self._timeout)
        try:
            self._channel.exec_command(command)
        except _GONE:
            raise refusals.cut(self._where) from None
        threads = [
            threading.Thread(target=self._speak, args=(stdin,), daemon=True),
            threading.Thread(target=self._hear, args=("out", self._channel.recv), daemon=True),
            threading.Thread(target=self._hear, args=("err", self._channel.recv_stderr), daemon=True),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if self._too_much:
            raise refusals.too_much(self._where, MOST_OUTPUT)
        over = self._channel.status_event.wait(max(0.0, deadline - time.monotonic()))
        if not over or any(thread.is_alive() for thread in threads):
            raise refusals.slow(self._where, self._timeout)
        if self._channel.exit_status < 0:
            raise refusals.cut(self._where)
        return Ran(self._channel.exit_status, bytes(self._said["out"]), bytes(self._said["err"]))

    def _speak(self, stdin: bytes) -> None:
        with contextlib.suppress(*_GONE):  # a command may end without having read everything
            self._channel.sendall(stdin)
            self._channel.shutdown_write()

    def _hear(self, stream: str, receive: Callable[[int], bytes]) -> None:
        with contextlib.suppress(*_GONE):
            while piece := receive(_PIECE):
                self._said[stream] += piece
                if len(self._said[stream]) > MOST_OUTPUT:
                    self._too_much = True
                    self._channel.close()


def _command(script: str) -> str:
    """Write a script so that any login shell, also fish or csh, hands it to sh unchanged."""
    coded = base64.b64encode(script.encode()).decode()
    if len(script.encode()) > MOST_SCRIPT:
        raise ValueError("the script is too long for one command; put it into a file")
    return f"exec sh -c 'eval \"$(printf %s {coded} | base64 -d)\"'"
