"""The stage of the target `azure-vm`: an emulated Azure around the rig's machine, upstream on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.e2e.azure_runs import Setting, setting
from tests.emulators.azure.emulator import AzureEmulator
from tests.rig.stack import Rig
from tests.stage.server import QUICK, ServerStage


@dataclass(frozen=True)
class AzureStage:
    """A machine of Azure in front of the rig, behind two security groups, its SSH key in a closed vault."""

    server: ServerStage
    place: Setting

    @property
    def environ(self) -> dict[str, str]:
        """What a process needs to find and to trust this Azure."""
        return dict(self.place.azure.environ)

    def inputs(self, rig: Rig, **more: str) -> dict[str, str]:
        """Return the inputs of the upgrade that the server's stage is made for; underscores become hyphens."""
        theirs = self.server.inputs(rig)
        shared = {name: theirs[name] for name in ("dify-version", "dify-api-url", "dify-token")}
        return {
            **self.place.inputs(),
            **shared,
            **QUICK,
            **{name.replace("_", "-"): text for name, text in more.items()},
        }

    def left(self) -> str:
        """Say what stands open now."""
        open_now = [*self.place.rules, *self.place.vault.addresses, *self.place.vault.tags]
        return ", ".join(open_now) or "nothing"


@contextmanager
def azure_stage(rig: Rig, server: ServerStage) -> Iterator[AzureStage]:
    """Put an Azure around the rig."""
    with AzureEmulator() as azure, setting(azure, rig.sshd("root")) as place:
        yield AzureStage(server, place)
