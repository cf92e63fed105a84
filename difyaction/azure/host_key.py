"""Learns a machine's SSH host keys over the authenticated control plane, so that they can be pinned."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from difyaction.azure.management import Management
from difyaction.azure.run_command import run_script
from difyaction.azure.wire import bounded
from difyaction.errors import Failed

SCRIPT: Final = """PATH=$PATH:/usr/sbin:/sbin
keys=$(sshd -T 2>/dev/null | sed -n 's/^hostkey //p')
[ -n "$keys" ] || keys=$(ls /etc/ssh/ssh_host_*_key)
for key in $keys; do
  case $key in *dsa_key) case $key in *ecdsa_key) ;; *) continue ;; esac ;; esac
  if [ -f "$key.pub" ]; then cat "$key.pub"; else ssh-keygen -y -f "$key"; fi
done | cut -d ' ' -f 1,2"""
_KEY = re.compile(r"^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+) ([A-Za-z0-9+/]+={0,2})$", re.MULTILINE)


@dataclass(frozen=True)
class HostKey:
    """A public host key: its kind, and its base64 text."""

    kind: str
    text: str

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it."""
        digest = hashlib.sha256(base64.b64decode(self.text)).digest()
        return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def read_host_keys(azure: Management, vm: str) -> tuple[HostKey, ...]:
    """Return the keys that sshd shows on this machine. About 20 to 60 seconds; ``Failed`` when there are none."""
    message = run_script(azure, vm, SCRIPT)
    found = parse(message.out)
    if not found:
        raise Failed(
            "azure-host-key-unread",
            "The machine told no SSH host key: {says}",
            next_step="Check that sshd is installed, or give the keys as ssh-known-hosts.",
            says=bounded(f"{message.head} {message.err}"),
        )
    return found


def parse(text: str) -> tuple[HostKey, ...]:
    """Return the keys in a text, each once."""
    return tuple(dict.fromkeys(HostKey(kind, key) for kind, key in _KEY.findall(text) if _is_key(kind, key)))


def known_hosts(keys: tuple[HostKey, ...], address: str, port: int = 22) -> str:
    """Return the keys as lines of a known_hosts file."""
    name = address if port == 22 else f"[{address}]:{port}"  # noqa: PLR2004 - SSH's own port needs no brackets
    return "".join(f"{name} {key.kind} {key.text}\n" for key in keys)


def _is_key(kind: str, text: str) -> bool:
    """Whether the text names its own kind inside, as every public key does."""
    try:
        blob = base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return blob[4 : 4 + int.from_bytes(blob[:4], "big")] == kind.encode()
