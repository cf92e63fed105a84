"""Keys and settings of the machine's sshd and registry: made once, kept beside its disk."""

from __future__ import annotations

import subprocess
from pathlib import Path

REGISTRY = """\
version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {state}/registry}}
  delete: {{enabled: true}}
  maintenance: {{uploadpurging: {{enabled: false}}}}
http: {{addr: "127.0.0.1:5000", secret: rig}}
"""

SSHD = """\
Port 22
ListenAddress 127.0.0.1
HostKey {state}/ssh/host_ed25519
PidFile /run/sshd.pid
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PermitRootLogin prohibit-password
AllowTcpForwarding yes
MaxStartups 100:30:200
Subsystem sftp internal-sftp
"""


def prepare(state: Path) -> None:
    """Write what is not there yet."""
    ssh = state / "ssh"
    ssh.mkdir(mode=0o700, parents=True, exist_ok=True)
    (state / "registry").mkdir(exist_ok=True)
    for name in ("client", "host_ed25519"):
        if not (ssh / name).exists():
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(ssh / name)], check=True
            )
    (ssh / "sshd_config").write_text(SSHD.format(state=state), encoding="ascii")
    (state / "registry.yml").write_text(REGISTRY.format(state=state), encoding="ascii")


def known_host(state: Path, address: str, port: int) -> str:
    """Return the line of known_hosts for the address at which the machine's sshd is reached."""
    kind, key = (state / "ssh" / "host_ed25519.pub").read_text(encoding="ascii").split()[:2]
    return f"[{address}]:{port} {kind} {key}\n"
