"""What a merge of env files did, in records that a plan can show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from difyaction.compose.discreet import secretive
from difyaction.secret import Secret

Shown = str | Secret


@dataclass(frozen=True)
class Added:
    """A key that came below theirs. ``rule`` is empty for a new key of upstream, which has upstream's default."""

    key: str
    value: Shown
    rule: str = ""


@dataclass(frozen=True)
class Changed:
    """A value of theirs that a named rule changed in place. Texts are as the file has them, quotes included."""

    key: str
    old: Shown
    new: Shown
    rule: str


@dataclass(frozen=True)
class Remark:
    """What a reader should know about a key, and nobody has to act on. ``text`` is a template over ``facts``."""

    id: str
    key: str
    text: str
    details: Mapping[str, object] = field(default_factory=dict)

    @property
    def facts(self) -> Mapping[str, object]:
        """What fills the template: the key, and the details."""
        return {"key": self.key, **self.details}

    def __str__(self) -> str:
        return self.text.format(**self.facts)


@dataclass(frozen=True)
class Merged:
    """The merged env file and the way to it. ``kept_own`` are their keys that no file of upstream knows."""

    content: bytes = field(repr=False)
    added: tuple[Added, ...] = ()
    changed: tuple[Changed, ...] = ()
    kept_own: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()


def shown(key: str, raw: str, value: str) -> Shown:
    """Return a value as a plan may hold it: the file's own text, or a ``Secret`` where name or content say so."""
    return Secret(value) if secretive(key, value) else raw
