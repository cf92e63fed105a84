"""The emulated Azure as tests hold it in their hands. README.md in this folder is its overview."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from tests.emulators.azure.cloud import Cloud, Overlap
from tests.emulators.azure.directory import Application
from tests.emulators.azure.gate import Gate, Refusal
from tests.emulators.azure.github_oidc import AZURE, GitHubOidc
from tests.emulators.azure.groups import ResourceGroup
from tests.emulators.azure.machines import Machine
from tests.emulators.azure.metadata import Metadata
from tests.emulators.azure.resources import Resource
from tests.emulators.azure.rights import EVERYTHING, Lock, Role
from tests.emulators.azure.serving import Servers
from tests.emulators.azure.snapshots import COLLECTION, SNAPSHOT, Collection, Snapshot
from tests.emulators.request import Request

Scope = Resource | ResourceGroup | None
FLAP = 0.05  # seconds for which a flapping NSG keeps one face


class AzureEmulator:
    """An Azure for one test."""

    def __init__(self) -> None:
        self.cloud = Cloud()
        self._servers = Servers(self.cloud)
        self.url, self.authority = self.cloud.url, self._servers.manager.host
        self.ca_file = self._servers.ca_file
        self.requests, self.faults = self._servers.manager.requests, self._servers.manager.faults
        self._gates: list[Gate] = []
        self._fresh: set[str] = set()
        self.tenant_id, self.subscription_id = self.cloud.tenant_id, self.cloud.subscription_id
        self.github, self.timing, self.operations = self.cloud.github, self.cloud.timing, self.cloud.operations

    def __enter__(self) -> Self:
        self._servers.manager.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for script in self.cloud.scripts:
            script.stop.set()
        for gate in self._gates:
            gate.close()
        self._servers.stop()
        surprises = self._servers.surprises()
        if kind is None and surprises:
            raise AssertionError("the emulator was asked for what it does not model:\n" + surprises[0])

    @property
    def environ(self) -> Mapping[str, str]:
        """What a process needs in its environment to find and to trust this Azure and this GitHub."""
        return {
            "REQUESTS_CA_BUNDLE": str(self.ca_file),
            "SSL_CERT_FILE": str(self.ca_file),
            "ACTIONS_ID_TOKEN_REQUEST_URL": self.github.request_url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.github.request_token,
            "AZURE_AUTHORITY_HOST": self.url,
        }

    def group(self, name: str, location: str = "japaneast") -> ResourceGroup:
        return ResourceGroup(self.cloud, name, location, self._servers.open_vault)

    def gate(
        self,
        machine: Machine,
        to: tuple[str, int],
        *,
        port: int = 0,
        refusal: Refusal = "drop",
        source: str | None = None,
    ) -> Gate:
        """Open a port of this machine that its NSGs gate; rules must name the gate's own port.

        Who comes is ``client_address``, or ``source`` (a jump host's private address).
        """
        known: list[int] = []

        def admits() -> bool:
            with self.cloud.lock:
                self.operations.settle()
                turn = int(time.monotonic() / FLAP)
                coming = (source,) if source else self.cloud.addresses
                return any(machine.admits(one, known[0], turn=turn) for one in coming if known)

        gate = Gate(admits, to, port=port, refusal=refusal)
        known.append(gate.port)
        self._gates.append(gate)
        return gate

    def application(
        self,
        *,
        subjects: tuple[str, ...] | list[str] = (),
        issuer: str = GitHubOidc.issuer,
        audience: str = AZURE,
        secret: str | None = None,
    ) -> Application:
        """Register an application that may do everything until ``allow`` says what it may."""
        application = self.cloud.directory.add(secret)
        for subject in subjects:
            application.federate(subject, issuer=issuer, audience=audience)
        self.cloud.rights.assign(application, self.cloud.root, EVERYTHING)
        self._fresh.add(application.object_id)
        return application

    def metadata(self, own: Application | None = None, *assigned: Application) -> Mapping[str, str]:
        """Start a machine's metadata service; return what a process needs in its environment to find it.

        ``own`` is the machine's own identity, ``assigned`` are those of users that it has besides.
        """
        address = self._servers.open_metadata(Metadata(self.cloud, own, assigned))
        return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": address}

    def allow(
        self,
        application: Application,
        *actions: str,
        scope: Scope = None,
        but: tuple[str, ...] = (),
        data: tuple[str, ...] = (),
    ) -> None:
        """Assign a role of these actions; the first one takes the initial "everything" away."""
        if application.object_id in self._fresh:
            self._fresh.discard(application.object_id)
            self.cloud.rights.withdraw(application, EVERYTHING)
        self.cloud.rights.assign(application, self._id(scope), Role(actions, but, data))

    def lock(self, scope: Scope, level: str = "CanNotDelete", *, name: str = "keep", notes: str = "") -> Lock:
        lock = Lock(self._id(scope), level, name, notes, self.cloud.locks)
        self.cloud.locks.append(lock)
        return lock

    def _id(self, scope: Scope) -> str:
        return self.cloud.root if scope is None else scope.id

    def pass_time(self, seconds: float) -> None:
        self.cloud.clock.advance(seconds)

    @property
    def client_address(self) -> str | tuple[str, ...]:
        """Where Azure sees us come from; several are a NAT pool: a vault sees them in turn, a gate lets each in."""
        return self.cloud.addresses

    @client_address.setter
    def client_address(self, address: str | tuple[str, ...]) -> None:
        self.cloud.addresses = (address,) if isinstance(address, str) else tuple(address)

    @property
    def overlap(self) -> Overlap:
        """What becomes of a write to an NSG on which another still runs."""
        return self.cloud.overlap

    @overlap.setter
    def overlap(self, overlap: Overlap) -> None:
        self.cloud.overlap = overlap

    @property
    def snapshots(self) -> list[Snapshot]:
        found = self.cloud.store.of_type(SNAPSHOT)
        return [one for one in found if isinstance(one, Snapshot)]

    @property
    def collections(self) -> list[Collection]:
        found = self.cloud.store.of_type(COLLECTION)
        return [one for one in found if isinstance(one, Collection)]

    def calls(self, pattern: str = "*") -> list[Request]:
        """Return the requests like ``"PUT */securityRules/*"``, in their order."""
        return [request for request in self.requests if request.is_like(pattern)]

    def forgive(self) -> None:
        """Forget what was asked and is not modelled."""
        self._servers.forgive()
