"""The schema head that each release migrates its database to, as heads.toml has it."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path

from difyaction.releases.version import Version


def head_of(version: Version) -> str | None:
    """Return the Alembic revision of a release, None when it is not known here. Several releases may share one."""
    return _heads().get(version)


def is_known(version: Version) -> bool:
    """Whether this project knows the release, or a newer one of the same line of development."""
    return version in _heads() or version <= newest_known()


def newest_known() -> Version:
    """Return the newest release that this project knows, the abandoned 2.0.0 line aside."""
    return max(version for version in _heads() if not version.is_abandoned)


@functools.cache
def _heads() -> Mapping[Version, str]:
    text = Path(__file__).with_name("heads.toml").read_text(encoding="utf-8")
    return {Version.parse(tag): head for tag, head in tomllib.loads(text).items()}
