"""The rules of rules.toml over one situation: which objections stand in the way of a release."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from difyaction.releases import conditions, data_conditions, machine_conditions
from difyaction.releases.situation import Facts, Situation
from difyaction.releases.version import Version
from difyaction.target import Objection, Severity

__all__ = ["Rule", "Situation", "all_rules", "objections", "rule_ids"]

_ORDER = (Severity.NEVER, Severity.ACKNOWLEDGE, Severity.AUTOMATIC)


@dataclass(frozen=True)
class Rule:
    """One thing that can go wrong. ``since`` None: it does not depend on a release that is crossed."""

    id: str
    severity: Severity
    families: frozenset[str]
    source: str
    text: str
    machine_text: str  # what is said of a machine, where it is not what is said of a repository
    since: Version | None
    condition: Callable[[Situation], Facts | None]

    def facts(self, situation: Situation) -> Facts | None:
        """Return what the text names when the rule applies, else None."""
        if situation.family not in self.families or not self._is_crossed(situation):
            return None
        found = self.condition(situation)
        if found is None:
            return None
        installed = situation.installed or "an unknown version"
        return {"unit": situation.unit, "installed": installed, "wanted": situation.wanted, **found}

    def _is_crossed(self, situation: Situation) -> bool:
        """Whether the release that brought it lies on the way; its release candidates count as itself."""
        if self.since is None:
            return True
        if situation.installed is None:
            return False  # the rule installed-unknown speaks for all of them
        return situation.installed.numbers < self.since.numbers <= situation.wanted.numbers


def objections(situation: Situation, acknowledged: Collection[str]) -> tuple[Objection, ...]:
    """Return what stands in the way, the gravest first. ``acknowledged`` holds words like ``env-layout@1.14.1``."""
    found = [
        Objection(
            rule=rule.id,
            version=str(situation.wanted),
            severity=rule.severity,
            text=rule.machine_text if situation.family == "machine" else rule.text,
            facts=facts,
            acknowledged=f"{rule.id}@{situation.wanted}" in acknowledged,
        )
        for rule in all_rules()
        if (facts := rule.facts(situation)) is not None
    ]
    return tuple(sorted(found, key=lambda objection: _ORDER.index(objection.severity)))


def rule_ids() -> tuple[str, ...]:
    """Return the id of every rule, in the order of the file."""
    return tuple(rule.id for rule in all_rules())


@functools.cache
def all_rules() -> tuple[Rule, ...]:
    """Read rules.toml."""
    text = Path(__file__).with_name("rules.toml").read_text(encoding="utf-8")
    return tuple(
        Rule(
            id=entry["id"],
            severity=Severity(entry["severity"]),
            families=frozenset(entry["families"]),
            source=entry["source"],
            text=entry["text"],
            machine_text=entry.get("machine-text", entry["text"]),
            since=Version.parse(entry["since"]) if "since" in entry else None,
            condition=_condition(entry["id"].replace("-", "_")),
        )
        for entry in tomllib.loads(text)["rule"]
    )


def _condition(name: str) -> Callable[[Situation], Facts | None]:
    places = (conditions, machine_conditions, data_conditions)
    found: Callable[[Situation], Facts | None] = next(getattr(place, name) for place in places if hasattr(place, name))
    return found
