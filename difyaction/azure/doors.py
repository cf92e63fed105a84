"""Openings as records, and the list of them that outlives the run: each is written down before it is opened.

Standard library only: the post step reads the list. It never holds a secret.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Final

from difyaction.azure.leases import Lease, Run
from difyaction.errors import ActionError, Failed

STATE: Final = "azure_doors"
REMEMBERED: Final = 64  # doors: a variable of the environment holds 128 KiB, and each takes some 600 bytes


@dataclass(frozen=True)
class RuleDoor:
    """An NSG rule, by its whole id, and the lease that it carries."""

    rule: str
    lease: Lease

    @property
    def group(self) -> str:
        """The id of the network security group."""
        return self.rule.rpartition("/securityRules/")[0]

    @property
    def where(self) -> str:
        """The door in a reader's words."""
        return f"NSG rule {self.rule.rpartition('/')[2]} in {self.group.rpartition('/')[2]}"


@dataclass(frozen=True)
class VaultDoor:
    """Addresses on a Key Vault's firewall that were not there before us, and the lease that tells so."""

    vault: str
    addresses: tuple[str, ...]
    lease: Lease

    @property
    def where(self) -> str:
        """The door in a reader's words."""
        return f"address {', '.join(self.addresses)} on Key Vault {self.vault.rpartition('/')[2]}"


Door = RuleDoor | VaultDoor


class DoorOpen(ActionError):
    """An opening could not be closed. Beats every other end of a run. ``doors``: which, as far as it is known."""

    status = "door-open"
    exit_code = 9
    doors: tuple[Door, ...] = ()


@dataclass(frozen=True)
class Exposure:
    """How long a door was open, in seconds, from the request that opened it to the look that saw it closed.

    ``stands``: it was not seen closed yet; the seconds are those until now.
    """

    door: Door
    seconds: float
    stands: bool = False


@dataclass
class Doors:
    """The openings of one run.

    ``save`` hands values to the post step (``Runner.state``), ``fenced`` says that the post step has begun.
    ``register`` comes before the opening, ``closed`` after the look that proved it. What was closed stays in the list
    for the post step, which looks at it once more, and is told that it was seen closed.
    """

    save: Callable[[Mapping[str, str]], None]
    clock: Callable[[], float]
    fenced: Callable[[], bool] = lambda: False
    exposures: list[Exposure] = field(default_factory=list)
    _known: dict[str, Door] = field(default_factory=dict)
    _open: dict[str, float] = field(default_factory=dict)

    @property
    def open(self) -> tuple[Door, ...]:
        """What may be open now."""
        return tuple(self._known[key] for key in self._open)

    @property
    def known(self) -> tuple[Door, ...]:
        """Everything that this run opened or meant to open."""
        return tuple(self._known.values())

    @property
    def shut(self) -> tuple[Door, ...]:
        """What this run saw closed."""
        return tuple(door for key, door in self._known.items() if key not in self._open)

    @property
    def so_far(self) -> tuple[Exposure, ...]:
        """How long each door was open: those that were seen closed, then those that were not."""
        now = self.clock()
        standing = (Exposure(self._known[key], max(0.0, now - began), stands=True) for key, began in self._open.items())
        return (*self.exposures, *standing)

    def register(self, door: Door) -> None:
        """Write the door down, so that it is closed whatever happens from here on. ``Failed`` after the fence."""
        self.stands(door)
        self.check()

    def stands(self, door: Door) -> None:
        """Write down that a door is open, or may be: also one that was seen closed before."""
        key = _key(door)
        self._known[key] = door
        self._open.setdefault(key, self.clock())
        self._forget()
        self._write_down()

    def _forget(self) -> None:
        """Forget the oldest of those that were seen closed, when a flapping connection made too many."""
        shut = [key for key in self._known if key not in self._open]
        for key in shut[: max(0, len(self._known) - REMEMBERED)]:
            del self._known[key]

    def check(self) -> None:
        """Raise when the post step has begun: what it closes must not be opened again."""
        if self.fenced():
            raise Failed(
                "azure-fenced",
                "This run was cancelled and its doors are being closed by the post step; no other is opened.",
                next_step="Look at the post step's log: it says what is closed.",
                state="",
            )

    def closed(self, door: Door) -> None:
        """Note that a door was seen closed."""
        began = self._open.pop(_key(door), None)
        if began is not None:
            self.exposures.append(Exposure(door, max(0.0, self.clock() - began)))
            self._write_down()

    def _write_down(self) -> None:
        self.save({STATE: written(self.known, shut=self.shut)})


def _key(door: Door) -> str:
    # A vault's door may gain an address on the way; it stays one door.
    return (door.rule if isinstance(door, RuleDoor) else f"{door.vault}#{door.lease.run.text}").lower()


def extended(door: VaultDoor, address: str) -> VaultDoor:
    """Return the door with one address more."""
    return door if address in door.addresses else replace(door, addresses=(*door.addresses, address))


def written(doors: Iterable[Door], *, shut: Collection[Door] = ()) -> str:
    """Return doors as one word for the runner's state; ``shut``: those of them that were seen closed."""
    records = [
        {"kind": "rule" if isinstance(door, RuleDoor) else "vault", "shut": door in shut, **asdict(door)}
        for door in doors
    ]
    return base64.urlsafe_b64encode(json.dumps(records, separators=(",", ":")).encode()).decode()


def read(text: str) -> tuple[Door, ...]:
    """Return the doors that the state names. ``ValueError`` when the text is none of ours."""
    return tuple(door for door, _ in recalled(text))


def recalled(text: str) -> tuple[tuple[Door, bool], ...]:
    """Return the doors that the state names, and whether the run saw each closed. ``ValueError`` as for `read`."""
    try:
        records = json.loads(base64.urlsafe_b64decode(text)) if text else []
        return tuple((_door(record), record.get("shut") is True) for record in records)
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"no list of doors: {error}") from error


def _door(record: Mapping[str, object]) -> Door:
    lease = record["lease"]
    if not isinstance(lease, dict):
        raise TypeError("a lease is a record")
    held = Lease(Run(**lease["run"]), int(lease["expires"]))
    if record["kind"] == "rule":
        return RuleDoor(str(record["rule"]), held)
    addresses = record["addresses"]
    if not isinstance(addresses, list):
        raise TypeError("addresses are a list")
    return VaultDoor(str(record["vault"]), tuple(str(each) for each in addresses), held)
