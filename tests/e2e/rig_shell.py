"""Run Command inside the rig, as the guest agent runs it: as root, from a file, with next to no environment."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.emulators.azure.shells import LocalShell, Ran, Script
from tests.rig.stack import Rig

AGENTS = ("env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")


@dataclass
class RigShell:
    """A VM's ``shell``. ``asked`` are the scripts that came."""

    rig: Rig
    asked: list[Script] = field(default_factory=list)

    def __call__(self, script: Script) -> Ran:
        self.asked.append(script)
        # The rig's state folder is seen under the same path on both sides.
        return LocalShell((*self.rig.machine.enter(), *AGENTS), self.rig.state)(script)
