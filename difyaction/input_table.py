"""The table of inputs, read from inputs.toml: one `Spec` for each."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

SECRET_KINDS = frozenset({"secret", "credentials"})


@dataclass(frozen=True)
class Spec:
    """What one input is called, what it may hold, and who looks at it.

    ``default`` and ``in_action`` are texts as a user would write them; ``environ`` names a variable
    of the runner; empty ``modes`` and ``targets`` mean all; ``bounds`` are inclusive.
    """

    name: str
    kind: str
    description: str
    field: str
    default: str = ""
    in_action: str = ""
    environ: str = ""
    shape: str = ""
    values: tuple[str, ...] = ()
    bounds: tuple[int, int] | None = None
    modes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()

    @property
    def is_secret(self) -> bool:
        """Whether its text must never be printed, nor stand on a command line."""
        return self.kind in SECRET_KINDS

    @property
    def full_description(self) -> str:
        """The description with what the kind allows, as action.yml and --help show it."""
        allowed = {
            "boolean": "`true` or `false`.",
            "choice": f"One of: {', '.join(self.values)}.",
            "list": "Comma or newline-separated.",
        }
        return f"{self.description} {allowed.get(self.kind, '')}".rstrip()


def _spec(name: str, row: dict[str, Any]) -> Spec:
    default = row.get("default", "")
    bounds = row.get("range")
    return Spec(
        name=name,
        kind=row["kind"],
        description=row["description"],
        field=row.get("field", name.replace("-", "_")),
        default=default,
        in_action=row.get("in-action", default),
        environ=row.get("environ", ""),
        shape=row.get("shape", ""),
        values=tuple(row.get("values", ())),
        bounds=(bounds[0], bounds[1]) if bounds else None,
        modes=tuple(row.get("modes", ())),
        targets=tuple(row.get("targets", ())),
    )


@cache
def table() -> dict[str, Spec]:
    """Return every input by its name, in the order of action.yml."""
    text = Path(__file__).with_name("inputs.toml").read_text("utf-8")
    return {name: _spec(name, row) for name, row in tomllib.loads(text).items()}
