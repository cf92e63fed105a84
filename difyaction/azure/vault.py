"""Reads one secret of a Key Vault; lets our address in for the seconds of that read, if that is asked for.

The secret comes by azure-keyvault-secrets. The firewall is Resource Manager's, for which there is no SDK here: it is
opened by the client that closes it.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from difyaction.azure.arm import VAULTS, Arm, Unanswered, last_name
from difyaction.azure.closing import GRACE, close, insist, note
from difyaction.azure.door import VaultDoor, extended
from difyaction.azure.doors import Doors
from difyaction.azure.leases import Lease
from difyaction.azure.login import Login
from difyaction.azure.refusals import refused
from difyaction.azure.vault_gates import Gate, gate, seen_address, vault_refused
from difyaction.azure.vault_rules import opening, stood_before
from difyaction.azure.wire import PASSING_STATUS, Answer, bounded
from difyaction.errors import Failed
from difyaction.secret import Secret

if TYPE_CHECKING:
    import requests
    from azure.keyvault.secrets import SecretClient

PATIENCE: Final = 300.0  # seconds until an opened firewall lets us in; a minute is usual
ADDRESSES: Final = 4  # of one runner behind a pool of addresses
CLOSING: Final = GRACE  # seconds


@dataclass
class Vault:
    """A vault's data plane, at ``url``. A challenge that names another place for tokens than the vault's is refused.

    ``arm`` is for its firewall. ``calls`` counts requests by method; ``session`` makes other HTTP sessions.
    """

    name: str
    url: str
    login: Login
    arm: Arm
    calls: Counter[str] = field(default_factory=Counter)
    session: Callable[[], requests.Session] | None = None
    _client: SecretClient | None = field(default=None, init=False, repr=False)

    def read(self, secret: str) -> Answer:
        """Ask once for the newest version of a secret, renewing a token that is no longer taken."""
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - only those who go to Azure pay for the library

        from difyaction.azure.answers import answer_of  # noqa: PLC0415 - as above

        client = self._client = self._client or self._connected()
        answer = Answer(0)
        for _ in range(2):
            try:
                return Answer(HTTPStatus.OK, {}, {"value": client.get_secret(secret).value})
            except AzureError as error:
                answer = answer_of(error)
            except ValueError as error:  # the SDK's word for a challenge that would lead the token elsewhere
                raise _elsewhere(self.name, error) from error
            if answer.status != HTTPStatus.UNAUTHORIZED:
                break
            self.login.renew()
        return answer

    def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            self._client.close()
        self._client = None

    def _connected(self) -> SecretClient:
        from azure.keyvault.secrets import SecretClient  # noqa: PLC0415 - as above

        from difyaction.azure.pipeline import vault_settings  # noqa: PLC0415 - as above

        session = self.session() if self.session else None
        return SecretClient(self.url, self.login, **vault_settings(self.arm.pace, self.calls, session))


@dataclass(frozen=True)
class Opening:
    """Leave to open the firewall of the vault with this id, and the lease to do it under."""

    vault: str
    lease: Lease
    doors: Doors


def read_secret(vault: Vault, secret: str, *, leave: Opening | None = None, patience: float = PATIENCE) -> Secret:
    """Return a secret's value. With ``leave``, a firewall that refuses is opened for the time of the read.

    The door is closed again when this returns, and also when it raises. `DoorOpen` when that cannot be done.
    """
    until = vault.arm.pace.until(patience if leave else 30.0)
    answer = _patient(vault, secret, until)
    found = gate(answer)
    if found is Gate.FIREWALL and leave is not None:
        answer = _behind_the_door(vault, secret, answer, leave, until)
        found = gate(answer)
    if found is not Gate.NONE:
        raise vault_refused(found, answer, vault.name, secret)
    value = answer.data.get("value") if isinstance(answer.data, Mapping) else None
    if not value:
        raise vault_refused(Gate.NO_SECRET, answer, vault.name, secret)
    return Secret(str(value))


def _patient(vault: Vault, secret: str, until: float) -> Answer:
    attempt, pace = 0, vault.arm.pace
    answer = vault.read(secret)
    while answer.status in PASSING_STATUS and attempt < 4 and pace.back_off(attempt, until=until):  # noqa: PLR2004 - tries
        answer = vault.read(secret)
        attempt += 1
    return answer


def _behind_the_door(vault: Vault, secret: str, answer: Answer, leave: Opening, until: float) -> Answer:
    """Open, read until the vault gives an answer of another kind, close.

    A signal passes through: whoever catches it closes all doors at once, and has less time than this.
    """
    standing = [VaultDoor(leave.vault, (), leave.lease)]
    try:
        answer = _read_while_open(vault, secret, answer, doors=leave.doors, standing=standing, until=until)
    except Exception:
        _shut(vault.arm, standing[-1], leave.doors)
        raise
    _shut(vault.arm, standing[-1], leave.doors)
    return answer


def _read_while_open(  # noqa: PLR0913 - what is read, and through what
    vault: Vault, secret: str, answer: Answer, *, doors: Doors, standing: list[VaultDoor], until: float
) -> Answer:
    """Read again and again until the firewall lets us; ``standing`` gains the door each time that it changes."""
    for attempt in range(1000):
        if gate(answer) not in {Gate.FIREWALL, Gate.UNREACHABLE}:
            break
        _admit(vault, standing, seen_address(answer), doors, until)
        if not vault.arm.pace.back_off(attempt, until=until, shortest=1.0, longest=5.0):
            raise _never_open(vault.name, standing[-1])
        answer = vault.read(secret)
    return answer


def _shut(arm: Arm, door: VaultDoor, doors: Doors) -> None:
    if not door.addresses:
        return
    ended = close(arm, door, until=arm.pace.until(CLOSING), doubt=doors.doubt(door))
    note(doors, ended)
    insist([ended])


def _admit(vault: Vault, standing: list[VaultDoor], address: str, doors: Doors, until: float) -> None:
    """See that the door stands open for the address that the vault named last."""
    arm = vault.arm
    for attempt in range(1000):
        door = standing[-1]
        try:
            found = arm.look(door.vault, version=VAULTS, until=until)
        except Unanswered as error:
            raise refused(error, "reading the Key Vault's firewall") from error
        if found is None:
            raise _unknown(door)
        wanted = _with(door, address, found, vault.name)
        body = opening(found, wanted) if wanted.addresses else None
        if body is None:
            doors.seen(wanted)
            return
        doors.register(wanted)
        standing.append(wanted)
        answer = arm.ask("PATCH", wanted.vault, body, version=VAULTS, until=until, repeats=False)
        doors.answered(wanted, answer)
        doors.check()
        final = answer.status in {HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST} or "ScopeLocked" in answer.codes
        if final or (not answer.ok and not arm.pace.back_off(attempt, until=until)):
            raise refused(Unanswered(answer, f"PATCH {wanted.vault}"), "opening the Key Vault's firewall")


def _with(door: VaultDoor, address: str, found: Mapping[str, Any], name: str) -> VaultDoor:
    """Return the door with the address, unless it has it or the address is not ours to add and to remove."""
    if not address or address in door.addresses or stood_before(found, address):
        return door  # it has it, or the vault's front ends do not all know it yet
    if not _is_ipv4(address):
        raise _not_ipv4(name, address)
    if len(door.addresses) >= ADDRESSES:
        raise _too_many(name, door)
    return extended(door, address)


def _is_ipv4(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 4  # noqa: PLR2004 - the protocol's number
    except ValueError:
        return False


def _never_open(name: str, door: VaultDoor) -> Failed:
    return Failed(
        "vault-never-open",
        "The firewall of Key Vault {vault} still refuses us after {addresses} was let in; it is closed again.",
        next_step="Run again; if it stays so, the runner leaves by changing addresses: use a self-hosted runner, give "
        "the key as ssh-key, or use connection: run-command.",
        vault=name,
        addresses=", ".join(door.addresses) or last_name(door.vault),
    )


def _unknown(door: VaultDoor) -> Failed:
    return Failed(
        "vault-unknown",
        "Something answers as Key Vault {vault}, and its firewall cannot be opened: Azure knows no vault {whole}.",
        next_step="A vault of another resource group is named by its whole id: give key-vault what `az keyvault show "
        "--name {vault} --query id --output tsv` prints.",
        vault=last_name(door.vault),
        whole=door.vault,
    )


def _elsewhere(name: str, error: ValueError) -> Failed:
    return Failed(
        "vault-elsewhere",
        "What answers as Key Vault {vault} asks for a token that is not for it; none was sent ({says}).",
        next_step="Check key-vault and azure-environment, and whether a proxy answers in the vault's place.",
        vault=name,
        says=bounded(error),
    )


def _not_ipv4(name: str, address: str) -> Failed:
    return Failed(
        "vault-not-ipv4",
        "Key Vault {vault} sees us come from {address}, and its firewall takes IPv4 addresses only.",
        next_step="Give the key as ssh-key, or use connection: run-command.",
        vault=name,
        address=bounded(address),
    )


def _too_many(name: str, door: VaultDoor) -> Failed:
    return Failed(
        "vault-many-addresses",
        "This runner reaches Key Vault {vault} from ever new addresses ({addresses}); no range is opened for that.",
        next_step="Use a runner with a fixed address, give the key as ssh-key, or use connection: run-command.",
        vault=name,
        addresses=", ".join(door.addresses),
    )
