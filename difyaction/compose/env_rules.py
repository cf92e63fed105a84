"""The named rules by which keys of an env file change between two releases."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources

from difyaction.compose import env_amendments
from difyaction.compose.env_amendments import Amendments, Way
from difyaction.releases.version import Version

FULL_ENV = Version.parse("1.14.1")  # from here on the compose file supplies no defaults to Dify's containers


@dataclass(frozen=True)
class EnvRule:
    """Why keys change for whoever crosses ``since``. ``amend`` says which, and to what text."""

    id: str
    since: Version
    reason: str
    source: str
    amend: Callable[[Way], Amendments]


def crosses(since: Version, installed: Version, wanted: Version) -> bool:
    """Whether a release lies on the way; its release candidates count as itself."""
    return installed.numbers < since.numbers <= wanted.numbers


def rules_between(installed: Version, wanted: Version) -> tuple[EnvRule, ...]:
    """Return the rules of a way, in the order in which they are asked."""
    return tuple(rule for rule in all_rules() if crosses(rule.since, installed, wanted))


@functools.cache
def all_rules() -> tuple[EnvRule, ...]:
    """Read env_rules.toml."""
    text = resources.files(__package__).joinpath("env_rules.toml").read_text(encoding="utf-8")
    return tuple(
        EnvRule(
            id=entry["id"],
            since=Version.parse(entry["since"]),
            reason=entry["reason"],
            source=entry["source"],
            amend=getattr(env_amendments, entry["id"].replace("-", "_")),
        )
        for entry in tomllib.loads(text)["rule"]
    )
