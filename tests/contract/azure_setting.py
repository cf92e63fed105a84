"""An emulated Azure with a machine, its door and its vault; and our clients for it, on a clock that pauses move."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import pytest

from difyaction.azure.arm import Arm
from difyaction.azure.clouds import PUBLIC, Cloud
from difyaction.azure.doors import Doors
from difyaction.azure.identity import GithubTokens, Identity
from difyaction.azure.leases import Run
from difyaction.azure.login import Login
from difyaction.azure.machine import Machine, read_machine
from difyaction.azure.management import Management
from difyaction.azure.nsg import Passage
from difyaction.azure.nsg_rules import Flow
from difyaction.azure.pace import Pace
from difyaction.azure.tokens import PlainTokens
from difyaction.azure.vault import Vault
from difyaction.azure.wire import Https
from difyaction.secret import Secret
from tests.emulators.azure.directory import Application
from tests.emulators.azure.emulator import AzureEmulator

SOURCE = "203.0.113.10"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n"


@dataclass
class SharedTime:
    """A clock for us and for the emulated Azure: a pause takes no time and moves both."""

    azure: AzureEmulator
    ahead: float = 0.0

    def pause(self, seconds: float) -> None:
        self.ahead += seconds
        self.azure.pass_time(seconds)

    def pace(self) -> Pace:
        return Pace(lambda: time.time() + self.ahead, lambda: time.monotonic() + self.ahead, self.pause, lambda: 0.5)


def cloud_of(azure: AzureEmulator) -> Cloud:
    return replace(PUBLIC, authority=f"https://{azure.authority}", arm=azure.url)


@dataclass
class Bench:
    """One run's clients. ``saved`` is what the post step would get, ``masked`` what was masked."""

    azure: AzureEmulator
    application: Application
    run: Run = field(default_factory=lambda: Run(123, 1, "ab12cd", "acme/infra"))
    saved: dict[str, str] = field(default_factory=dict)
    masked: list[Secret] = field(default_factory=list)
    fenced: bool = False

    def __post_init__(self) -> None:
        self.time = SharedTime(self.azure)
        self.pace = self.time.pace()
        self.wire = Https(self.azure.environ)
        self.identity = Identity("oidc", self.azure.tenant_id, self.application.client_id, cloud_of(self.azure))
        self.github = GithubTokens(
            self.azure.environ, self.wire, self.identity.wanted_audience, self.masked.append, self.time.pause
        )
        self.tokens = PlainTokens(self.identity, self.wire, self.github, self.masked.append, self.time.pause)
        self.login = self.login_as(self.identity)
        self.sdk = Management(self.identity.cloud, self.login, self.pace)
        self.arm = Arm(self.azure.url, PUBLIC.arm_scope, self.login, self.wire, self.pace)
        self.doors = Doors(self.saved.update, self.pace.clock, self.pace.monotonic, lambda: self.fenced)

    def login_as(self, identity: Identity) -> Login:
        return Login(identity, self.github, lambda: self.github.claims, self.masked.append)

    def machine(self, vm: str) -> Machine:
        return read_machine(self.sdk, vm)

    def passage(self, vm: str, port: int) -> Passage:
        machine = self.machine(vm)
        flow = Flow(SOURCE, machine.nic.private, port)
        return Passage(self.sdk, self.arm, self.doors, self.run, flow, machine.nic.groups)

    def vault(self, url: str) -> Vault:
        return Vault("dify-kv", url, self.login, self.arm)


def bench(azure: AzureEmulator, *, run: Run | None = None, like: Bench | None = None) -> Bench:
    """Return a run's clients; ``like``: another run of the same application."""
    application = like.application if like else azure.application(subjects=[azure.github.subject])
    return Bench(azure, application, run or Run(123, 1, "ab12cd", "acme/infra"))


def trust(azure: AzureEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let libraries in this process trust the emulator's certificate."""
    for name, value in azure.environ.items():
        monkeypatch.setenv(name, value)
