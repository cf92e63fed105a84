"""The emulated Azure's whole state."""

from __future__ import annotations

import threading
from itertools import cycle
from typing import Literal

from tests.emulators.azure.clock import Clock, Timing
from tests.emulators.azure.directory import Directory
from tests.emulators.azure.github_oidc import GitHubOidc
from tests.emulators.azure.operations import Operations
from tests.emulators.azure.resources import Store
from tests.emulators.azure.rights import Lock, Rights
from tests.emulators.azure.shells import Script

TENANT = "11111111-1111-1111-1111-111111111111"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
Overlap = Literal["accept", "retryable", "conflict", "supersede"]


class Cloud:
    """One tenant with one subscription. ``url`` is known when the server has its port."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.timing = Timing()
        self.github = GitHubOidc(self.clock)
        self.tenant_id, self.subscription_id = TENANT, SUBSCRIPTION
        self.directory = Directory(self.tenant_id, self.clock, self.timing, self.github)
        self.rights = Rights()
        self.locks: list[Lock] = []
        self.operations = Operations(self.clock)
        self.store = Store()
        self.groups: dict[str, str] = {}
        self.overlap: Overlap = "accept"
        self.url = ""
        self.scripts: list[Script] = []  # all that were begun, to be ended with the test
        self.lock = threading.RLock()
        self._addresses: tuple[str, ...] = ("203.0.113.10",)
        self._turn = cycle(self._addresses)

    @property
    def root(self) -> str:
        return f"/subscriptions/{self.subscription_id}"

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses that we come from, in turn."""
        return self._addresses

    @addresses.setter
    def addresses(self, addresses: tuple[str, ...]) -> None:
        self._addresses, self._turn = addresses, cycle(addresses)

    def next_address(self) -> str:
        return next(self._turn)
