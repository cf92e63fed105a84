"""Runs of the target ``azure-vm``: an emulated Azure whose gate stands in front of a real sshd, here of the rig."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from difyaction import inputs, story
from difyaction.azure_vm.clients import clients_of
from difyaction.errors import ActionError
from difyaction.journal import Journal
from difyaction.runner import Runner
from difyaction.surroundings import Surroundings
from difyaction.target import Plan
from difyaction.targets.azure_vm import AzureVm, way_of
from difyaction.upstream_releases import Releases
from tests.e2e import server_runs
from tests.e2e.server_runs import LONGEST_PAUSE, ShippedFiles
from tests.emulators.azure.directory import Application
from tests.emulators.azure.emulator import AzureEmulator
from tests.emulators.azure.gate import Gate
from tests.emulators.azure.groups import ResourceGroup
from tests.emulators.azure.machines import Machine
from tests.emulators.azure.security_groups import SecurityGroup
from tests.emulators.azure.vaults import Vault
from tests.rig.install import Install
from tests.rig.stack import Rig

# as inputs: nothing of SSH, and nothing of a vault
NO_PORT = {
    "connection": "run-command",
    "key_vault": "",
    "key_vault_secret": "",
    "open_key_vault": "",
    "ssh_known_hosts": "",
    "port": "",
    "user": "",
}
# What stands in for Dify needs a second where a busy machine gives it one: nothing here is about these times.
UNHURRIED = {"start-timeout": "5m", "drain-timeout": "5s", "migration-idle": "3m"}
VAULT = "dify-kv"
SECRET = "ssh-key"


@dataclass
class Told(server_runs.Told):
    """How a run ended, and its plan."""

    plan: Plan | None = None


class Sshd(Protocol):
    """A real sshd: the rig's, or one of this machine."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def user(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def known_hosts(self) -> str: ...


@dataclass
class Setting:
    """A machine with two disks behind the security groups of its subnet and its interface, and a closed vault."""

    azure: AzureEmulator
    app: Application
    group: ResourceGroup
    subnet: SecurityGroup
    nic: SecurityGroup
    machine: Machine
    gate: Gate
    vault: Vault
    sshd: Sshd

    @property
    def rules(self) -> list[str]:
        """The names of all rules."""
        return [name for nsg in (self.subnet, self.nic) for name in nsg.rules]

    @property
    def is_shut(self) -> bool:
        """Whether nothing of ours is left: no rule, no address, no lease."""
        return (self.rules, tuple(self.vault.addresses), dict(self.vault.tags)) == (
            [],
            (),
            {},
        ) and not self.gate.is_open

    def inputs(self, **given: str) -> dict[str, str]:
        """Return the inputs of a run; those that are given, with underscores in their names, win."""
        usual = {
            "target": "azure-vm",
            "azure-subscription-id": self.azure.subscription_id,
            "resource-group": self.group.name,
            "vm-name": self.machine.name,
            "azure-tenant-id": self.azure.tenant_id,
            "azure-client-id": self.app.client_id,
            "azure-authority": f"https://{self.azure.authority}",
            "azure-resource-manager": self.azure.url,
            "key-vault": VAULT,
            "key-vault-secret": SECRET,
            "open-key-vault": "true",
            "user": self.sshd.user,
            "port": str(self.gate.port),
            "ssh-known-hosts": self.known_hosts,
            **UNHURRIED,
        }
        return {**usual, **{name.replace("_", "-"): text for name, text in given.items()}}

    @property
    def known_hosts(self) -> str:
        """The host's keys, under the name of the gate."""
        keys = [line.partition(" ")[2] for line in self.sshd.known_hosts.splitlines()]
        return "\n".join(f"[{self.gate.host}]:{self.gate.port} {key}" for key in keys)


@contextmanager
def setting(azure: AzureEmulator, sshd: Sshd, *, name: str = "dify") -> Iterator[Setting]:
    """Put a machine of Azure around an sshd."""
    app = azure.application(subjects=[azure.github.subject])
    group = azure.group("dify-rg")
    subnet, nic = group.security_group("subnet-nsg"), group.security_group("nic-nsg")
    machine = group.machine(name, nic_group=nic, subnet_group=subnet, data_disks=1)
    gate = azure.gate(machine, to=(sshd.host, sshd.port))
    vault = group.vault(VAULT, secrets={SECRET: sshd.key})
    yield Setting(azure, app, group, subnet, nic, machine, gate, vault, sshd)


def trust(azure: AzureEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let libraries in this process trust the emulator's certificate."""
    for variable, text in azure.environ.items():
        monkeypatch.setenv(variable, text)


def run(place: Setting, rig: Rig, dify: Install, **given: str) -> Told:
    """Run the target once in this process, and return how it ended."""
    return told(place, ShippedFiles(rig, dify.wanted.source), **given)


def told(place: Setting, releases: Releases, **given: str) -> Told:
    """Run the target once in this process, with releases from anywhere."""
    out = io.StringIO()
    surroundings = surroundings_of(place, out)
    journal = Journal(surroundings.runner, time.monotonic)
    try:
        read = inputs.read(place.inputs(**given))
        clients = clients_of(read, surroundings)
        target = AzureVm(read, surroundings, clients, way=way_of(read, surroundings, clients), releases=releases)
        ending = story.tell(target, mode=read.mode, approved=read.plan_id, say=journal)
    except ActionError as why:
        return Told(why.status, why.id, {**why.left, "says": str(why)}, out.getvalue(), plan=journal.plan)
    outputs = ending.outcome.outputs if ending.outcome else {}
    return Told(ending.status, "", outputs, out.getvalue(), plan=journal.plan)


def surroundings_of(place: Setting, out: io.StringIO, *, ahead: timedelta = timedelta(0)) -> Surroundings:
    """Return what a run sees of the world; its clock may go ``ahead`` of Azure's."""
    return Surroundings(
        environ={"GITHUB_REPOSITORY": "acme/infra", "GITHUB_RUN_ID": "123", **place.azure.environ},
        runner=Runner({}, out, monotonic=time.monotonic),
        now=lambda: datetime.now(UTC) + ahead,
        pause=lambda seconds: time.sleep(min(seconds, LONGEST_PAUSE)),
        monotonic=time.monotonic,
    )
