"""The upgrades that cells are runs of: the one of the first matrix, and those that alone have some of the steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from tests.reliability.cells import Cell
from tests.stage.server import NEW, OLD

KIND = "line"


@dataclass(frozen=True)
class Way:
    """From one release to another, with what its plan asks to be acknowledged, and further inputs.

    ``stores``: the store of vectors gets another version, and can read what the old one wrote only where that is
    said; ``back``: the upgrade has happened, and what is struck is the run of ``mode: rollback`` after it.
    """

    old: str
    new: str
    rules: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    stores: str = ""  # "read" or "refused" by the new version; empty: the same version
    back: bool = False

    @property
    def name(self) -> str:
        return f"{self.old} -> {self.new}" + (", and back" if self.back else "")

    @property
    def consents(self) -> str:
        """The value of ``acknowledge``."""
        return ",".join(f"{rule}@{self.new}" for rule in self.rules)


USUAL = Way(OLD, NEW)
PLUGINS = Way("0.15.8", "1.0.0", ("plugin-migration",))
STORES = Way(
    "1.0.0",
    "1.11.4",
    ("datasource-credentials", "weaviate-client-v4", "weaviate-jump"),
    {"backup": "all", "final-backup": "dump"},
    stores="read",
)
REFUSED = replace(STORES, stores="refused")
BACK = replace(STORES, back=True)

# step -> the way that has it, the faults that strike at it, and how such a run may end
FURTHER: Mapping[str, tuple[Way, tuple[str, ...], frozenset[str]]] = {
    "extra-plugins": (
        PLUGINS,
        ("script-killed", "engine-restarted", "host-rebooted"),
        frozenset({"rolled-back", "upgraded"}),
    ),
    "estimate": (STORES, ("script-killed",), frozenset({"failed"})),
    "save-volumes": (STORES, ("engine-restarted", "host-rebooted"), frozenset({"rolled-back", "upgraded"})),
    "move-database": (
        STORES,
        ("script-killed", "engine-restarted", "host-rebooted"),
        frozenset({"rolled-back", "upgraded"}),
    ),
    "extra-datasource-credentials": (STORES, ("host-rebooted",), frozenset({"rolled-back"})),
    "undo move-database": (REFUSED, ("engine-restarted",), frozenset({"rolled-back"})),
    "undo save-volumes": (REFUSED, ("script-killed", "host-rebooted"), frozenset({"rolled-back"})),
    "restore": (
        BACK,
        ("script-killed", "engine-restarted", "host-rebooted"),
        frozenset({"rolled-back", "restored"}),
    ),
}


def line_cells() -> Iterator[Cell]:
    """Yield the cells of the further ways, in the order of the page."""
    for step, (_, faults, _) in FURTHER.items():
        for fault in faults:
            yield Cell(KIND, fault, step, "zip", f"{KIND} {fault}/{step}")


def way_of(cell: Cell) -> Way:
    """Return the upgrade that a cell is a run of."""
    return FURTHER[cell.step][0] if cell.kind == KIND else USUAL


def is_line(cell: str) -> bool:
    """Whether it is the id of a cell of these."""
    return cell.startswith(f"{KIND}/")


def endings_of(cell: str) -> frozenset[str]:
    """Return the statuses with which a cell of these ends as it should."""
    return FURTHER[cell.split("/")[2]][2]
