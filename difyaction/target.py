"""What the story needs of a place: the Protocol Target and the records that cross it."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar


class Severity(enum.StrEnum):
    """How far an objection stands in the way."""

    AUTOMATIC = "automatic"  # dealt with by the plan itself; said, never in the way
    ACKNOWLEDGE = "acknowledge"  # in the way until someone writes `acknowledge: id@version`
    NEVER = "never"  # in the way, whatever anyone writes


@dataclass(frozen=True)
class Objection:
    """A reason not to go on. ``text`` is a template over ``facts``; ``rule`` is anchored in docs/rules.md."""

    rule: str
    version: str
    severity: Severity
    text: str
    facts: Mapping[str, object] = field(default_factory=dict)
    acknowledged: bool = False

    @property
    def consent(self) -> str:
        """The word that acknowledges this objection: ``id@version``, so that consent expires."""
        return f"{self.rule}@{self.version}"

    @property
    def in_the_way(self) -> bool:
        """Whether nothing may be armed or applied before somebody acts."""
        if self.severity is Severity.AUTOMATIC:
            return False
        return self.severity is Severity.NEVER or not self.acknowledged


@dataclass(frozen=True)
class Change:
    """One value that moves: where it stands, what stands there, what shall stand there.

    ``what`` names the thing for a reader (``langgenius/dify-api``, ``chart dify``); ``unit`` is the
    set that it moves with.
    """

    where: str
    what: str
    before: str
    after: str
    unit: str = ""


@dataclass(frozen=True)
class Document:
    """A text that a reader may want to see whole: a diff, a script, a list. ``kind`` names its fence.

    ``shown``: it is short, and everybody wants to see it.
    """

    title: str
    text: str
    kind: str = "text"
    shown: bool = False


class Finding(Protocol):
    """A sentence that a reader should know, as a template over facts, so that it can be translated."""

    @property
    def text(self) -> str:
        """The template, in English."""
        ...

    @property
    def facts(self) -> Mapping[str, object]:
        """What fills it."""
        ...


class Plan(Protocol):
    """What would be done. Pure data, made by ``Target.plan``."""

    @property
    def from_version(self) -> str:
        """The release that was found, empty when nobody can tell."""
        ...

    @property
    def to_version(self) -> str:
        """The release that is wanted, empty when none was named."""
        ...

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every value that would move."""
        ...

    @property
    def objections(self) -> tuple[Objection, ...]:
        """Every objection, also those that were acknowledged."""
        ...

    @property
    def stopping(self) -> tuple[Objection, ...]:
        """The objections that stop ``apply`` here (a draft pull request may carry some that a machine may not)."""
        ...

    @property
    def settled(self) -> bool:
        """Whether everything is as wanted already: without changes and not settled, nothing could be moved."""
        ...

    @property
    def findings(self) -> Sequence[Finding]:
        """What a reader should know and nobody has to act on; ``remarks`` are the same in English."""
        ...

    @property
    def remarks(self) -> tuple[str, ...]:
        """The findings as English sentences, for the log."""
        ...

    @property
    def documents(self) -> tuple[Document, ...]:
        """Texts to look at: diffs, scripts."""
        ...

    @property
    def plan_id(self) -> str:
        """A digest of plan and facts: equal ids mean that the same would be done to the same thing."""
        ...


@dataclass(frozen=True)
class Outcome:
    """How ``apply`` ended. ``outputs`` are the target's own outputs, by their names in action.yml.

    ``documents``: texts that a reader may want to see whole, and that only came about meanwhile.
    """

    status: str
    changed: bool
    outputs: Mapping[str, str] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()
    documents: tuple[Document, ...] = ()


F = TypeVar("F")
P = TypeVar("P", bound=Plan)


class Target(Protocol[F, P]):
    """A place where Dify is upgraded. Read it as: look, decide, do, close."""

    def inspect(self) -> F:
        """Read everything that is needed, the wanted release included. Changes nothing."""
        ...

    def plan(self, facts: F) -> P:
        """Decide, over facts alone."""
        ...

    def apply(self, plan: P) -> Outcome:
        """Do what the plan says."""
        ...

    def close(self) -> None:
        """Shut what was opened: connections, tokens, doors. Safe to call twice, and after a failure."""
        ...
