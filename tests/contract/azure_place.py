"""A machine behind two security groups, and something that says hello behind its gate."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.azure_setting import Bench
from tests.emulators.azure.emulator import AzureEmulator
from tests.emulators.azure.gate import Gate
from tests.emulators.azure.machines import Machine
from tests.emulators.azure.security_groups import SecurityGroup


class Place:
    """A machine with a subnet's and an interface's NSG, and something that says hello behind its gate."""

    def __init__(self, azure: AzureEmulator) -> None:
        self.group = azure.group("rg")
        self.subnet = self.group.security_group("subnet-nsg")
        self.nic = self.group.security_group("nic-nsg")
        self.machine: Machine = self.group.machine("dify", nic_group=self.nic, subnet_group=self.subnet)
        self._server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        self.gate: Gate = azure.gate(self.machine, to=self._server.getsockname())

    def _serve(self) -> None:
        try:
            while True:
                connection, _ = self._server.accept()
                with connection:
                    connection.sendall(b"SSH-2.0-hello\r\n")
        except OSError:
            return

    def close(self) -> None:
        self._server.close()

    def answers(self) -> bool:
        try:
            with socket.create_connection((self.gate.host, self.gate.port), timeout=0.3) as connection:
                return connection.recv(7) == b"SSH-2.0"
        except OSError:
            return False

    @property
    def nsgs(self) -> tuple[SecurityGroup, SecurityGroup]:
        return self.subnet, self.nic

    @property
    def rules(self) -> list[str]:
        return [name for nsg in self.nsgs for name in nsg.rules]


@contextmanager
def opened(setting: Bench, place: Place) -> Iterator[None]:
    passage = setting.passage(place.machine.id, place.gate.port)
    with passage.opened():
        passage.wait(lambda: place.gate.is_open)
        yield
