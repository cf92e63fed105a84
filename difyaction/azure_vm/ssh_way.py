"""The way in by SSH: through a rule that stands for the seconds of a handshake, each time that one is made."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from difyaction.azure import nsg
from difyaction.azure.arm import last_name
from difyaction.azure.host_key import known_hosts, read_host_keys
from difyaction.azure.machine import Machine, Nic
from difyaction.azure.nsg_rules import Flow
from difyaction.azure.whereabouts import source_address
from difyaction.azure_vm.clients import Clients
from difyaction.azure_vm.doorway import Doorway, greets
from difyaction.azure_vm.ssh_key import KeyVault, find_vault, key_of, vault_id
from difyaction.azure_vm.way_in import Approach
from difyaction.connections import Connection
from difyaction.connections.handshake import Hop, Timeouts
from difyaction.connections.ssh import Ssh
from difyaction.input_checks import SSH_PORT
from difyaction.inputs import Inputs
from difyaction.surroundings import Surroundings
from difyaction.target import Objection


class SshWay:
    """See `WayIn`. The key is an input or lies in a vault; host keys are pinned, or read over Run Command."""

    def __init__(self, inputs: Inputs, surroundings: Surroundings, clients: Clients) -> None:
        self._inputs, self._surroundings, self._clients = inputs, surroundings, clients
        self._machine: Machine | None = None
        self._connection: Ssh | None = None

    def approach(self, machine: Machine) -> Approach:
        """See `WayIn`."""
        self._machine = machine
        inputs = self._inputs
        named = [group for group in self._nic.groups if last_name(group).lower() == inputs.nsg_name.lower()]
        return Approach(
            groups=tuple(named) if inputs.nsg_name else self._nic.groups,
            vaults=(vault_id(inputs),) if inputs.open_key_vault else (),
            run_command=not inputs.ssh_known_hosts,
            told=(f"way in: SSH to {self._address} port {self._port} as {inputs.user}",),
        )

    def objections(self, version: str) -> Iterator[Objection]:
        """See `WayIn`."""
        groups = nsg.read_groups(self._clients.azure, self._nic.groups)
        yield from nsg.objections(groups, self._flow, version, only=self._inputs.nsg_name)

    def connection(self) -> Connection:
        """See `WayIn`. The vault's door is closed before SSH begins."""
        inputs, surroundings = self._inputs, self._surroundings
        key = key_of(inputs, self._clients, self._vault)
        surroundings.runner.mask(key)
        patience = float(inputs.connect_timeout or 30)
        field = "ssh-key" if inputs.ssh_key else "key-vault-secret"
        self._connection = Ssh(
            Hop(self._address, self._port, inputs.user, key, inputs.ssh_key_passphrase, field=field),
            self._known(),
            timeouts=Timeouts(connect=patience, banner=patience, auth=patience, keepalive=inputs.keepalive or 15),
            say=surroundings.say,
            entered=self._doorway.entered,
        )
        return self._connection

    def close(self) -> None:
        """See `WayIn`."""
        if self._connection is not None:
            self._connection.close()

    @property
    def _nic(self) -> Nic:
        if self._machine is None:
            raise ValueError("`approach` comes first")
        return self._machine.nic

    @property
    def _address(self) -> str:
        return self._inputs.host or self._nic.public or self._nic.private

    @property
    def _port(self) -> int:
        return self._inputs.port or SSH_PORT

    @cached_property
    def _vault(self) -> KeyVault | None:
        return find_vault(self._inputs, self._clients)

    @cached_property
    def _flow(self) -> Flow:
        """Where we come from is asked of the vault, unless somebody knows it or another server tells."""
        told = self._inputs.source_address
        if told.startswith("https://"):
            source = source_address(self._clients.wire, probes=(told,))
        else:
            source = told or source_address(self._clients.wire, vault=self._vault.url if self._vault else "")
        return Flow(source, self._nic.private, self._port)

    @cached_property
    def _doorway(self) -> Doorway:
        clients, named = self._clients, self._inputs.nsg_name.lower()
        groups = tuple(group for group in self._nic.groups if not named or last_name(group).lower() == named)
        passage = nsg.Passage(clients.azure, clients.arm, clients.doors, clients.run, self._flow, groups)
        return Doorway(passage, greets(self._address, self._port), self._surroundings.say)

    def _known(self) -> str:
        if self._inputs.ssh_known_hosts:
            return "\n".join(self._inputs.ssh_known_hosts)
        machine = self._machine
        if machine is None:
            raise ValueError("`approach` comes first")
        self._surroundings.say("no ssh-known-hosts: the host's keys are read through Run Command")
        keys = read_host_keys(self._clients.azure, machine.id)
        for key in keys:
            self._surroundings.say(f"host key {key.kind} {key.fingerprint}")
        return known_hosts(keys, self._address, self._port)
