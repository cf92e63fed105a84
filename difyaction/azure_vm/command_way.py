"""The way in with no inbound port at all: every script goes through Azure's control plane."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from difyaction.azure.machine import Machine
from difyaction.azure.run_command import RunCommand
from difyaction.azure_vm.clients import Clients
from difyaction.azure_vm.ssh_key import vault_id
from difyaction.azure_vm.way_in import Approach
from difyaction.compose.follow import Watch
from difyaction.connections import Connection
from difyaction.inputs import Inputs
from difyaction.surroundings import Surroundings
from difyaction.target import Objection

_POLL = 20  # seconds that the host waits for news, as each question takes as long by itself
_GATHER = 10


class CommandWay:
    """See `WayIn`. No door, no key, no host key: Azure vouches for the machine, and for us."""

    def __init__(self, inputs: Inputs, surroundings: Surroundings, clients: Clients) -> None:
        self._inputs, self._surroundings, self._clients = inputs, surroundings, clients
        self._machine: Machine | None = None

    def approach(self, machine: Machine) -> Approach:
        """See `WayIn`."""
        self._machine = machine
        return Approach(
            run_command=True,
            other_groups=machine.nic.groups,
            other_vaults=(vault_id(self._inputs),) if self._inputs.key_vault else (),
            told=(f"way in: Run Command, as {self._inputs.user or 'root'}; no port",),
        )

    def objections(self, version: str) -> Iterable[Objection]:
        """See `WayIn`. Power, agent and rights are looked at for every way."""
        del version
        return ()

    def connection(self) -> Connection:
        """See `WayIn`."""
        if self._machine is None:
            raise ValueError("`approach` comes first")
        self._surroundings.say("Run Command takes 20 to 60 seconds for each question: this takes longer than SSH")
        return RunCommand(self._clients.azure, self._machine.id, user=self._inputs.user)

    def close(self) -> None:
        """See `WayIn`."""


def unhurried(watch: Watch) -> Watch:
    """Return how a host is followed through Run Command: few questions, each with much news."""
    return replace(watch, poll=_POLL, gather=_GATHER)
