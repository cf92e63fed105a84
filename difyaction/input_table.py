"""The table of inputs, read from inputs.toml: one `Spec` for each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from difyaction.language import N_

# What inputs are about, in the order in which they are shown.
SUBJECTS: Mapping[str, str] = {
    "run": N_("Every target"),
    "edit": N_("`gitops`: what is edited"),
    "delivery": N_("`gitops`: how the edit gets there"),
    "host": N_("`server` and `azure-vm`: the host, and Dify on it"),
    "upgrade": N_("`server` and `azure-vm`: backups and limits of time"),
    "azure": N_("`azure-vm`: the machine and the login"),
    "doors": N_("`azure-vm`: doors, the key and the disks"),
}
SSH_PORT = 22  # what `port`, and a port of a jump that is left out, mean
SECRET_KINDS = frozenset({"secret", "credentials"})


@dataclass(frozen=True)
class Spec:
    """What one input is called, what it may hold, and who looks at it.

    ``default`` and ``in_action`` are texts as a user would write them; ``environ`` names a variable
    of the runner; empty ``modes`` and ``targets`` mean all; ``bounds`` are inclusive; ``subject`` is one of `SUBJECTS`;
    ``may_be_zero`` is about durations: nothing is a time, too.
    """

    name: str
    kind: str
    description: str
    field: str
    subject: str
    default: str = ""
    in_action: str = ""
    environ: str = ""
    shape: str = ""
    values: tuple[str, ...] = ()
    bounds: tuple[int, int] | None = None
    may_be_zero: bool = False
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
        subject=row["subject"],
        default=default,
        in_action=row.get("in-action", default),
        environ=row.get("environ", ""),
        shape=row.get("shape", ""),
        values=tuple(row.get("values", ())),
        bounds=(bounds[0], bounds[1]) if bounds else None,
        may_be_zero=row.get("zero", False),
        modes=tuple(row.get("modes", ())),
        targets=tuple(row.get("targets", ())),
    )


@cache
def table() -> dict[str, Spec]:
    """Return every input by its name, in the order of action.yml."""
    text = Path(__file__).with_name("inputs.toml").read_text("utf-8")
    return {name: _spec(name, row) for name, row in tomllib.loads(text).items()}


def by_subject() -> dict[str, tuple[Spec, ...]]:
    """Return the same inputs under the title of their subject, which is a template in English."""
    return {
        title: tuple(spec for spec in table().values() if spec.subject == subject)
        for subject, title in SUBJECTS.items()
    }
