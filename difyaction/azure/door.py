"""Openings as records, and as the text that the runner keeps of them for the post step. It never holds a secret.

Standard library only: the post step reads it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace

from difyaction.azure.leases import Lease, Run


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


@dataclass(frozen=True)
class Doubt:
    """An opening that was asked for and not answered: Azure may carry it out after whoever asked has gone.

    ``asked``: when, in seconds since 1970 by Azure's clock. ``only``: no other request can have made this door, so that
    whoever sees it stand knows that the request has been carried out. ``failed``: the status of an answer by which
    Azure says that it failed itself (503), 0 where none came. ``ticked``: when it was asked for, by the clock of this
    process that never jumps; the post step, which is another process, has none.
    """

    asked: float
    only: bool = True
    failed: int = 0
    ticked: float | None = field(default=None, compare=False)

    def age(self, now: float, ticks: float) -> float:
        """Return the seconds since it was asked for, by the better clock; never less than none."""
        return max(0.0, now - self.asked if self.ticked is None else ticks - self.ticked)


@dataclass(frozen=True)
class Recalled:
    """A door as the state names it. ``shut``: the run saw it closed. ``doubt``: an opening of it was not answered."""

    door: Door
    shut: bool = False
    doubt: Doubt | None = None


def extended(door: VaultDoor, address: str) -> VaultDoor:
    """Return the door with one address more."""
    return door if address in door.addresses else replace(door, addresses=(*door.addresses, address))


def written(doors: Iterable[Recalled]) -> str:
    """Return doors as one word for the runner's state."""
    records = [
        {
            "kind": "rule" if isinstance(each.door, RuleDoor) else "vault",
            "shut": each.shut,
            **({"doubt": _recorded(each.doubt)} if each.doubt else {}),
            **asdict(each.door),
        }
        for each in doors
    ]
    return base64.urlsafe_b64encode(json.dumps(records, separators=(",", ":")).encode()).decode()


def recalled(text: str) -> tuple[Recalled, ...]:
    """Return what the state says of doors. ``ValueError`` when the text is none of ours."""
    try:
        records = json.loads(base64.urlsafe_b64decode(text)) if text else []
        return tuple(Recalled(_door(each), each.get("shut") is True, _doubt(each.get("doubt"))) for each in records)
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"no list of doors: {error}") from error


def _recorded(doubt: Doubt) -> dict[str, object]:
    return {"asked": doubt.asked, "only": doubt.only, "failed": doubt.failed}


def _doubt(record: object) -> Doubt | None:
    if not isinstance(record, dict):
        return None
    return Doubt(float(record["asked"]), record["only"] is True, int(record["failed"]))


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
