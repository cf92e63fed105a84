"""The machine to go through, where `jump-vm` names one: which it is, and as whom."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from difyaction.azure import rights
from difyaction.azure.machine import Machine, machine_id, read_machine
from difyaction.azure.rights import Need
from difyaction.azure_vm.clients import Clients
from difyaction.input_table import SSH_PORT
from difyaction.inputs import Inputs

_FORM: Final = re.compile(r"(?:(?P<user>[^@/:]+)@)?(?P<name>[^@:]+)(?::(?P<port>[0-9]+))?")


@dataclass(frozen=True)
class Jump:
    """A machine on the way to another: its id, and the user and port of its SSH server."""

    id: str
    user: str
    port: int


def asked(inputs: Inputs) -> Jump | None:
    """Return what `jump-vm` says, None when it says nothing. A bare name lies in the machine's resource group."""
    found = _FORM.fullmatch(inputs.jump_vm)
    if found is None:
        return None
    name = found["name"]
    named = name if name.startswith("/") else machine_id(inputs.azure_subscription_id, inputs.resource_group, name)
    return Jump(named, found["user"] or inputs.user, int(found["port"] or SSH_PORT))


class Entrance:
    """The machine whose doors are opened: the jump machine where there is one, else the machine itself."""

    def __init__(self, inputs: Inputs, clients: Clients, machine: Machine) -> None:
        self._inputs, self._clients, self._target = inputs, clients, machine

    @cached_property
    def jump(self) -> Jump | None:
        """What `jump-vm` says."""
        return asked(self._inputs)

    @cached_property
    def machine(self) -> Machine:
        """The machine that is entered first. Asks Azure when it is another one."""
        return read_machine(self._clients.azure, self.jump.id) if self.jump else self._target

    @property
    def address(self) -> str:
        """Where it is reached from outside: what `host` says of a machine that is entered itself."""
        named = "" if self.jump else self._inputs.host
        return named or self.machine.nic.public or self.machine.nic.private

    @property
    def port(self) -> int:
        """The port of its SSH server."""
        return self.jump.port if self.jump else self._inputs.port or SSH_PORT

    def needs(self, *, host_keys: bool) -> tuple[Need, ...]:
        """Return what a jump machine takes beyond its doors; ``host_keys``: they are read through Run Command."""
        if self.jump is None:
            return ()
        return tuple(
            need
            for need in rights.needs(rights.Asked(self.machine, run_command=host_keys))
            if need.scope == self.machine.id
        )
