"""The way in by SSH, as a test sees it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.rig import keys
from tests.rig.doors import Door
from tests.rig.machine import Machine

# sessions are processes named as the one that listens, whose pid stands in the file; what they started goes on
END_SESSIONS = """
for pid in $(ps -o pid= -C sshd); do
    [ "$pid" = "$(cat /run/sshd.pid)" ] || kill -9 "$pid" 2>/dev/null
done
true
"""
HANG_UP = f'kill -9 "$(cat /run/sshd.pid)"; echo 0 >/run/sshd.pid; {END_SESSIONS} rm -f /run/sshd.pid'


@dataclass(frozen=True)
class Sshd:
    """A real sshd on a loopback port. Users: see machine.sh."""

    machine: Machine
    door: Door
    user: str = "dify"
    host_key: str = keys.HOST

    @property
    def host(self) -> str:
        return self.door.host

    @property
    def port(self) -> int:
        return self.door.port

    @property
    def key(self) -> str:
        """Return the private key, OpenSSH format, ed25519."""
        return self.key_file.read_text(encoding="ascii")

    @property
    def key_file(self) -> Path:
        return self.machine.state / "ssh" / "client"

    @property
    def known_hosts(self) -> str:
        return keys.known_host(self.machine.state, self.host, self.port, self.host_key)

    @property
    def known_within(self) -> str:
        """Return the line for who is in the machine's network already, as a jump host is."""
        return keys.known_host(self.machine.state, "127.0.0.1", keys.SSH_PORT, keys.HOST)

    def cut(self) -> int:
        """Reset all connections; return how many there were."""
        return self.door.cut()

    def end_sessions(self) -> None:
        """Kill the sessions' server side, and leave what they started."""
        self.machine.run(["sh", "-c", END_SESSIONS])

    def restart(self, down_for: Callable[[], None] = lambda: None) -> None:
        """Kill sshd and its sessions, do something meanwhile, start it again."""
        self.machine.run(["sh", "-c", HANG_UP])
        down_for()
        self.machine.restart_part(signal.SIGUSR1)
        self.machine.wait_for(lambda: self.machine.path("/run/sshd.pid").exists(), "sshd", 10)
