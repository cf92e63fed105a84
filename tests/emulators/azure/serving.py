"""The ports of one emulated Azure: Resource Manager's, each vault's, each machine's metadata; one log for all."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from tests.emulators.azure.certificates import throw_away_authority
from tests.emulators.azure.cloud import Cloud
from tests.emulators.azure.data_plane import DataPlane
from tests.emulators.azure.door import Door, read
from tests.emulators.azure.metadata import Metadata
from tests.emulators.azure.vaults import Vault
from tests.emulators.loopback import Answer, Loopback


class Servers:
    """Starts and stops them."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._directory = tempfile.TemporaryDirectory(prefix="azure-")
        folder = Path(self._directory.name)
        authority = throw_away_authority()
        self._tls = authority.context(folder)
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_text(authority.ca, encoding="ascii")
        self.manager = self._serve(Door(cloud).answer)
        self._others: list[Loopback] = []
        cloud.url = cloud.github.origin = f"https://{self.manager.host}"
        cloud.directory.resources.add(cloud.url)

    def _serve(self, answer: Answer) -> Loopback:
        return Loopback(read, answer, clock=self._cloud.clock, tls=self._tls)

    def _start(self, door: Loopback) -> None:
        """Start one that shares log and faults with Resource Manager's."""
        door.requests, door.faults = self.manager.requests, self.manager.faults
        self._others.append(door)
        door.start()

    @property
    def _all(self) -> list[Loopback]:
        return [self.manager, *self._others]

    def open_vault(self, vault: Vault) -> None:
        """Give a vault a port of its own."""
        door = self._serve(DataPlane(self._cloud, vault).answer)
        vault.url = f"https://{door.host}"
        # The SDK wants the challenge's resource to be the end of the vault's host, as vault.azure.net is in the cloud.
        vault.resource = vault.url.replace("//127.", "//")
        self._cloud.directory.resources.add(vault.resource)
        self._start(door)

    def open_metadata(self, metadata: Metadata) -> str:
        """Give a machine's metadata service a port of its own, without TLS as in Azure; return its address."""
        door = Loopback(read, metadata.answer, clock=self._cloud.clock)
        self._start(door)
        return f"http://{door.host}"

    def stop(self) -> None:
        for door in self._all:
            door.stop()
        with contextlib.suppress(OSError):
            self._directory.cleanup()

    def surprises(self) -> list[str]:
        """Return what was asked and is not modelled, or broke the model."""
        return [surprise for door in self._all for surprise in door.surprises]

    def forgive(self) -> None:
        for door in self._all:
            door.surprises.clear()
