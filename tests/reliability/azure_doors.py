"""What stands open in the emulated Azure, counted door by door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from difyaction.azure.leases import OWNER
from tests.e2e.azure_runs import Setting
from tests.emulators.azure.gate import Gate
from tests.reliability.azure_cells import DENIES


@dataclass(frozen=True)
class Doors:
    """Rules that let somebody in (or a port that is open all the same), addresses of a vault, leases in its tags."""

    rules: int = 0
    addresses: int = 0
    locks: int = 0

    @property
    def total(self) -> int:
        return self.rules + self.addresses + self.locks

    @property
    def told(self) -> str:
        return f"{self.rules} / {self.addresses} / {self.locks}"

    def or_worse(self, other: Doors) -> Doors:
        """Return the larger number of each."""
        return Doors(max(self.rules, other.rules), max(self.addresses, other.addresses), max(self.locks, other.locks))


def doors_of(place: Setting, gates: Sequence[Gate] = ()) -> Doors:
    """Count what stands open now. ``gates`` are those of further machines."""
    admitting = sum(rule.get("access") == "Allow" for rule in _rules(place))
    ports = sum(gate.is_open for gate in (place.gate, *gates))
    return Doors(max(admitting, ports), len(place.vault.addresses), len(place.vault.tags))


def denying(place: Setting) -> list[str]:
    """Name what a run had to leave: rules of its own that it could only turn around."""
    ours = [rule for rule in _rules(place) if OWNER in str(rule.get("description"))]
    return [DENIES for rule in ours if rule.get("access") == "Deny"]


def _rules(place: Setting) -> list[Mapping[str, Any]]:
    return [rule for nsg in (place.subnet, place.nic) for rule in nsg.rules.values()]
