"""Keys and settings of the machine's sshd and registry: made once, kept beside its disk."""

from __future__ import annotations

import subprocess
from pathlib import Path

HOST, JUMP = "host_ed25519", "jump_ed25519"
SSH_PORT, JUMP_PORT = 22, 2222
REGISTRY = """\
version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {state}/registry}}
  delete: {{enabled: true}}
  maintenance: {{uploadpurging: {{enabled: false}}}}
http: {{addr: ":5000", secret: rig}}
"""

# Docker's client and Compose live for parts of a second: they need no collecting of garbage
SSHD = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {state}/ssh/{name}
PidFile /run/{pid}.pid
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PermitRootLogin prohibit-password
SetEnv GOGC=off
AllowTcpForwarding yes
MaxStartups 100:30:200
LogLevel VERBOSE
Subsystem sftp internal-sftp
"""


def prepare(state: Path) -> None:
    """Write what is not there yet."""
    ssh = state / "ssh"
    ssh.mkdir(mode=0o700, parents=True, exist_ok=True)
    (state / "registry").mkdir(exist_ok=True)
    for name in ("client", HOST, JUMP):
        if not (ssh / name).exists():
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(ssh / name)], check=True
            )
    for file, port, name, pid in (("sshd_config", 22, HOST, "sshd"), ("jump_config", JUMP_PORT, JUMP, "sshd-jump")):
        (ssh / file).write_text(SSHD.format(state=state, port=port, name=name, pid=pid), encoding="ascii")
    (state / "registry.yml").write_text(REGISTRY.format(state=state), encoding="ascii")


def known_host(state: Path, address: str, port: int, name: str) -> str:
    """Return the line of known_hosts for the address at which an sshd of the machine is reached."""
    kind, key = (state / "ssh" / f"{name}.pub").read_text(encoding="ascii").split()[:2]
    where = address if port == SSH_PORT else f"[{address}]:{port}"
    return f"{where} {kind} {key}\n"
