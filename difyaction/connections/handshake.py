"""One hop of an SSH connection: from a socket to a session whose two ends know each other."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import paramiko

from difyaction.connections import Unreachable, refusals
from difyaction.connections.known_hosts import DEFAULT_PORT, HostKey, KnownHosts
from difyaction.connections.private_key import PrivateKey, load
from difyaction.secret import Secret

_PROHIBITED = 1  # RFC 4254, 5.1
_ALGORITHMS = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
_GIVES_UP = 60_000  # ms without an acknowledgement: a path that swallows packets is noticed
_SILENT, _NO_SHA2 = "Authentication timeout", "Unable to agree on a pubkey algorithm"  # paramiko's words (auth_handler)
_LONGEST_BANNER = 300
NO_PASSPHRASE = Secret("")


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Seconds: until TCP connects, until sshd says who it is, until it lets us in; and between signs of life.

    ``again``: how long to wait before each further attempt, when it hangs up without a word.
    """

    connect: float = 20.0
    banner: float = 20.0
    auth: float = 30.0
    keepalive: int = 15
    again: Sequence[float] = (0.5, 2.0)


@dataclass(frozen=True)
class Hop:
    """Where to, and as whom. ``field`` is the input that the key comes from, for complaints."""

    host: str
    port: int
    user: str
    key: Secret
    passphrase: Secret = NO_PASSPHRASE
    field: str = field(default="ssh-key", kw_only=True)

    def loaded(self) -> PrivateKey:
        """Read the key; raises Invalid."""
        return load(self.key, self.passphrase, name=self.field)

    def __str__(self) -> str:
        return self.host if self.port == DEFAULT_PORT else f"{self.host}:{self.port}"

    @property
    def line_name(self) -> str:
        """How known_hosts writes it."""
        return self.host if self.port == DEFAULT_PORT else f"[{self.host}]:{self.port}"


Dial = Callable[[], "socket.socket | paramiko.Channel"]


def dial(hop: Hop, timeouts: Timeouts) -> socket.socket:
    """Connect by TCP."""
    try:
        connected = socket.create_connection((hop.host, hop.port), timeout=timeouts.connect)
    except socket.gaierror:
        raise refusals.name_unknown(str(hop)) from None
    except ConnectionRefusedError:
        raise refusals.refused(str(hop)) from None
    except TimeoutError:
        raise refusals.silent(str(hop), timeouts.connect) from None
    except (OSError, UnicodeError) as error:
        raise refusals.no_route(str(hop), str(getattr(error, "strerror", None) or error)) from None
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _GIVES_UP)
    return connected


def dial_through(jump: paramiko.Transport, by: Hop, hop: Hop, timeouts: Timeouts) -> paramiko.Channel:
    """Connect from the jump host on."""
    try:
        line = jump.open_channel("direct-tcpip", (hop.host, hop.port), ("127.0.0.1", 0), timeout=timeouts.connect)
    except paramiko.ChannelException as error:
        if error.code == _PROHIBITED:
            raise refusals.jump_forbids(str(hop), str(by)) from None
        raise refusals.refused(f"{hop} (from {by})") from None
    except (paramiko.SSHException, OSError, EOFError):
        if jump.is_active():
            raise refusals.silent(f"{hop} (from {by})", timeouts.connect) from None
        raise refusals.cut(str(by)) from None
    hang_up = line.close

    def close() -> None:
        with contextlib.suppress(EOFError, OSError, paramiko.SSHException):
            hang_up()

    # the thread of the session in it hangs up, and where the jump host went first there is nobody to say that to
    line.close = close
    return line


def shake_hands(hop: Hop, known: KnownHosts, call: Dial, timeouts: Timeouts) -> paramiko.Transport:
    """Return a session with the host whose key is pinned, and no other; nobody is logged in yet."""
    pinned = known.keys_for(hop.host, hop.port)
    try:
        transport = _negotiated(hop, call, timeouts, pinned)
    except paramiko.ssh_exception.IncompatiblePeer as error:
        if "host key" not in str(error):
            raise refusals.no_agreement(str(hop), str(error)) from None
        # It has no key of a pinned kind: look which one it has, to be able to say so.
        try:
            other = _negotiated(hop, call, timeouts, ())
        except paramiko.ssh_exception.IncompatiblePeer as none_at_all:
            raise refusals.no_agreement(str(hop), str(none_at_all)) from None
        with other:
            raise refusals.host_key_changed(str(hop), pinned, _shown(other)) from None
    shown = _shown(transport)
    if shown in pinned:
        return transport
    transport.close()
    if known.revokes(shown, hop.host, hop.port):
        raise refusals.host_key_revoked(str(hop), shown)
    if pinned:
        raise refusals.host_key_changed(str(hop), pinned, shown)
    raise refusals.host_key_unknown(str(hop), hop.line_name, shown)


def log_in(transport: paramiko.Transport, hop: Hop, key: PrivateKey, timeouts: Timeouts, *, before: bool) -> None:
    """Log in by the key alone. ``before``: the same key was let in earlier."""
    transport.auth_timeout = timeouts.auth
    try:
        wanted = transport.auth_publickey(hop.user, key.pkey)
    except paramiko.BadAuthenticationType as error:
        raise refusals.key_not_enough(str(hop), error.allowed_types) from None
    except paramiko.AuthenticationException as error:
        if _SILENT in str(error):
            raise refusals.auth_slow(str(hop), timeouts.auth) from None
        if _NO_SHA2 in str(error):
            raise refusals.no_agreement(str(hop), "it takes no RSA key with SHA-2; an ed25519 key works") from None
        if not transport.is_active():
            raise refusals.login_cut(str(hop), hop.user, _banner(transport), before=before) from None
        raise refusals.auth_refused(str(hop), hop.user, key.public, before=before) from None
    except (paramiko.SSHException, OSError, EOFError):
        raise refusals.login_cut(str(hop), hop.user, _banner(transport), before=before) from None
    if wanted:
        raise refusals.key_not_enough(str(hop), wanted)
    transport.set_keepalive(timeouts.keepalive)


def _negotiated(hop: Hop, call: Dial, timeouts: Timeouts, pinned: tuple[HostKey, ...]) -> paramiko.Transport:
    """Agree on a session. An sshd that has its hands full hangs up on some of those who come (MaxStartups)."""
    for pause in timeouts.again:
        began = time.monotonic()
        try:
            return _agreed(hop, call, timeouts, pinned)
        except Unreachable as why:
            if why.id != "ssh-no-banner" or time.monotonic() - began >= timeouts.banner:
                raise
        time.sleep(pause)
    return _agreed(hop, call, timeouts, pinned)


def _agreed(hop: Hop, call: Dial, timeouts: Timeouts, pinned: tuple[HostKey, ...]) -> paramiko.Transport:
    transport = paramiko.Transport(call())
    try:
        transport.banner_timeout = transport.handshake_timeout = timeouts.banner
        if pinned:  # a server shows one key only: ask for one that we know
            kinds = dict.fromkeys(key.kind for key in pinned)
            transport.get_security_options().key_types = [
                name for kind in kinds for name in _ALGORITHMS.get(kind, (kind,))
            ]
        transport.start_client(timeout=timeouts.banner)
        transport.get_remote_server_key()  # raises when there was no agreement in time
    except paramiko.ssh_exception.IncompatiblePeer:
        transport.close()
        raise
    except (paramiko.SSHException, OSError, EOFError):
        transport.close()
        raise refusals.no_banner(str(hop)) from None
    except BaseException:
        transport.close()
        raise
    return transport


def _shown(transport: paramiko.Transport) -> HostKey:
    key = transport.get_remote_server_key()
    return HostKey(key.get_name(), key.asbytes())


def _banner(transport: paramiko.Transport) -> str:
    """Return the last of what the server had to say before it hung up, on one line."""
    said = getattr(transport.auth_handler, "banner", None) or b""
    printable = "".join(each if each.isprintable() else " " for each in said.decode("utf-8", "replace"))
    return " ".join(printable.split())[-_LONGEST_BANNER:]
