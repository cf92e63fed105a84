"""The way in by SSH: through a rule that stands for the seconds of a handshake, each time that one is made."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from difyaction.azure import machine as machines
from difyaction.azure import nsg
from difyaction.azure.host_key import known_hosts, read_host_keys
from difyaction.azure.machine import Machine, distinct
from difyaction.azure.nsg_rules import Flow
from difyaction.azure.whereabouts import source_address
from difyaction.azure_vm.clients import Clients
from difyaction.azure_vm.doorway import Doorway, greets
from difyaction.azure_vm.jump import Entrance
from difyaction.azure_vm.ssh_key import KeyVault, find_vault, key_of, vault_id
from difyaction.azure_vm.way_in import Approach
from difyaction.connections import Connection
from difyaction.connections.handshake import Hop, Timeouts
from difyaction.connections.private_key import load
from difyaction.connections.ssh import Ssh
from difyaction.input_table import SSH_PORT
from difyaction.inputs import Inputs
from difyaction.secret import Secret
from difyaction.surroundings import Surroundings
from difyaction.target import Objection


class SshWay:
    """See `WayIn`. The key is an input or lies in a vault; host keys are pinned, or read over Run Command.

    Keys that are inputs are read at once, raising Invalid before anybody is asked anything.
    """

    def __init__(self, inputs: Inputs, surroundings: Surroundings, clients: Clients) -> None:
        for field, key in (("ssh-key", inputs.ssh_key), ("jump-ssh-key", inputs.jump_ssh_key)):
            if key:
                load(key, inputs.ssh_key_passphrase, name=field)
        self._inputs, self._surroundings, self._clients = inputs, surroundings, clients
        self._machine: Machine | None = None
        self._entrance: Entrance | None = None
        self._connection: Ssh | None = None

    def approach(self, machine: Machine) -> Approach:
        """See `WayIn`."""
        self._machine, self._entrance = machine, Entrance(self._inputs, self._clients, machine)
        inputs, door = self._inputs, self._door
        groups = tuple(each for each in door.machine.nic.groups if nsg.is_named(each, inputs.nsg_name))
        vaults = (vault_id(inputs),) if inputs.key_vault else ()
        through = f", through {door.machine.name} at {door.address} port {door.port}" if door.jump else ""
        return Approach(
            groups=groups,
            vaults=vaults if inputs.open_key_vault else (),
            other_groups=distinct((*door.machine.nic.groups, *machine.nic.groups), besides=groups),
            other_vaults=() if inputs.open_key_vault else vaults,
            run_command=not inputs.ssh_known_hosts,
            needs=door.needs(host_keys=not inputs.ssh_known_hosts),
            told=(f"way in: SSH to {self._address} port {self._port} as {inputs.user}{through}",),
        )

    def objections(self, version: str) -> Iterator[Objection]:
        """See `WayIn`."""
        door = self._door
        if door.jump:
            agent = not self._inputs.ssh_known_hosts
            yield from machines.objections(door.machine, version, snapshots=False, agent=agent)
        groups = nsg.read_groups(self._clients.azure, door.machine.nic.groups)
        inside = door.address == door.machine.nic.private
        yield from nsg.objections(groups, self._flow, version, only=self._inputs.nsg_name, inside=inside)

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
            jump=self._jump(key, field),
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
    def _target(self) -> Machine:
        if self._machine is None:
            raise ValueError("`approach` comes first")
        return self._machine

    @property
    def _door(self) -> Entrance:
        if self._entrance is None:
            raise ValueError("`approach` comes first")
        return self._entrance

    @property
    def _address(self) -> str:
        """Where the machine is reached: through another one, by its private address."""
        return self._target.nic.private if self._door.jump else self._door.address

    @property
    def _port(self) -> int:
        return self._inputs.port or SSH_PORT

    def _jump(self, key: Secret, field: str) -> Hop | None:
        inputs, door = self._inputs, self._door
        if door.jump is None:
            return None
        own = inputs.jump_ssh_key
        field = "jump-ssh-key" if own else field
        return Hop(door.address, door.port, door.jump.user, own or key, inputs.ssh_key_passphrase, field=field)

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
        return Flow(source, self._door.machine.nic.private, self._door.port)

    @cached_property
    def _doorway(self) -> Doorway:
        clients, door, named = self._clients, self._door, self._inputs.nsg_name
        groups = tuple(each for each in door.machine.nic.groups if nsg.is_named(each, named))
        passage = nsg.Passage(clients.azure, clients.arm, clients.doors, clients.run, self._flow, groups)
        return Doorway(passage, greets(door.address, door.port), self._surroundings.say)

    def _known(self) -> str:
        if self._inputs.ssh_known_hosts:
            return "\n".join(self._inputs.ssh_known_hosts)
        self._surroundings.say("no ssh-known-hosts: the hosts' keys are read through Run Command")
        lines = self._keys_of(self._target, self._address, self._port)
        if self._door.jump:
            lines += self._keys_of(self._door.machine, self._door.address, self._door.port)
        return lines

    def _keys_of(self, machine: Machine, address: str, port: int) -> str:
        keys = read_host_keys(self._clients.azure, machine.id)
        for key in keys:
            self._surroundings.say(f"{machine.name}: host key {key.kind} {key.fingerprint}")
        return known_hosts(keys, address, port)
