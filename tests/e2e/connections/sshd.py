"""A real sshd on 127.0.0.1 with keys of its own, to be connected to, restarted and cut."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from difyaction.connections.handshake import Hop
from difyaction.secret import Secret

Key = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
FORMS = {
    "openssh": PrivateFormat.OpenSSH,
    "pem": PrivateFormat.TraditionalOpenSSL,
    "pkcs8": PrivateFormat.PKCS8,
}


def make_key(kind: str) -> Key:
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ecdsa" else rsa.generate_private_key(65537, 2048)


def private_text(key: Key, form: str = "openssh", passphrase: str = "") -> str:
    lock: KeySerializationEncryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, FORMS[form], lock).decode()


def public_line(key: Key) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def sshd_program() -> str:
    """Return sshd's path; skip where it is not installed, or fail where CI says that it is."""
    program = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("sshd is not here")
        pytest.skip("sshd is not here")
    return program


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@dataclass
class Sshd:
    """One sshd. ``host_keys`` are what it shows; ``client`` is the key that it lets in."""

    folder: Path
    host_keys: dict[str, Key]
    client: Key
    port: int = field(default_factory=free_port)
    more: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return f"[127.0.0.1]:{self.port}"

    @property
    def known_hosts(self) -> str:
        return "".join(f"{self.name} {public_line(key)}\n" for key in self.host_keys.values())

    def hop(self, **changed: object) -> Hop:
        given = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": getpass.getuser(),
            "key": Secret(private_text(self.client)),
        }
        return Hop(**(given | changed))  # type: ignore[arg-type]

    def start(self) -> None:
        program = sshd_program()
        self.folder.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        lines = [
            f"Port {self.port}", "ListenAddress 127.0.0.1", "PidFile none", "StrictModes no", "UsePAM no", "UseDNS no",
            "PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin prohibit-password",
            f"AuthorizedKeysFile {self.folder}/authorized_keys", *self.more,
        ]  # fmt: skip
        for kind, key in self.host_keys.items():
            file = self.folder / f"host_{kind}"
            file.write_text(private_text(key), encoding="ascii")
            file.chmod(0o600)
            lines.append(f"HostKey {file}")
        (self.folder / "authorized_keys").write_text(f"{public_line(self.client)}\n", encoding="ascii")
        (self.folder / "config").write_text("\n".join([*lines, ""]), encoding="ascii")
        argv = [program, "-D", "-e", "-f", str(self.folder / "config")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._wait()

    def stop(self) -> None:
        """End the listening sshd; connections that stand go on, as on a real host."""
        if self.process:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    def cut(self) -> int:
        """Kill the processes that serve standing connections, and say how many there were."""
        assert self.process is not None
        children = (
            Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii").split()
        )
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        return len(children)

    def _wait(self) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError((self.folder / "log").read_text(encoding="utf-8"))
