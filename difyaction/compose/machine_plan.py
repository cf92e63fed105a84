"""What the plans for a machine share, whatever is around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from difyaction.target import Change, Document, Finding, Objection


@dataclass(frozen=True)
class Note:
    """A sentence that a reader should know, as a template over facts."""

    text: str
    facts: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text.format(**self.facts)


@dataclass(frozen=True, kw_only=True)
class MachinePlan:
    """What would be done to a machine. Satisfies `target.Plan`."""

    from_version: str
    to_version: str
    changes: tuple[Change, ...]
    objections: tuple[Objection, ...]
    findings: tuple[Finding, ...]
    documents: tuple[Document, ...]
    plan_id: str

    @property
    def stopping(self) -> tuple[Objection, ...]:
        """The objections that stop ``apply``."""
        return tuple(objection for objection in self.objections if objection.in_the_way)

    @property
    def settled(self) -> bool:
        """Whether the machine runs what is wanted: without that, there are changes, or objections say why not."""
        return not self.changes and not self.stopping

    @property
    def remarks(self) -> tuple[str, ...]:
        """The findings as English sentences."""
        return tuple(str(finding) for finding in self.findings)
