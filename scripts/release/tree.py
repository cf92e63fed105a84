"""What a checkout says of its version, held together before anything is built."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from scripts.release import changelog, pin
from scripts.release.refusal import Refused
from scripts.release.version import Version

_VERSION = re.compile(r'^__version__ = "([^"\n]+)"$', re.MULTILINE)
ACTION = "action.yml"
_PACKAGE = "difyaction/__init__.py"
_CHANGELOG = "CHANGELOG.md"


@dataclass(frozen=True)
class Tree:
    """A checkout of the project."""

    root: Path

    def notes(self, version: Version) -> str:
        """Return the version's release notes, after package, changelog and action.yml were found to agree.

        Raises:
            Refused: they do not.

        """
        if (said := self.version()) != version:
            raise Refused(f"{_PACKAGE} says {said}, and {version} is to be released: `prepare` makes them agree.")
        if (image := pin.image_of(self.action())) != "Dockerfile":
            raise Refused(f"{ACTION} names {image}; a release starts from a commit that builds its Dockerfile.")
        return changelog.notes(self._read(_CHANGELOG), version)

    def version(self) -> Version:
        """Return what ``difyaction.__version__`` says, without importing anything."""
        found = _VERSION.findall(self._read(_PACKAGE))
        if len(found) != 1:
            raise Refused(f'{_PACKAGE} must have one line `__version__ = "..."`.')
        return Version.parse(found[0])

    def action(self) -> bytes:
        """Return action.yml."""
        return (self.root / ACTION).read_bytes()

    def prepare(self, version: Version, day: date) -> None:
        """Write the version into package and changelog: the change that is reviewed before a release."""
        log = changelog.released(self._read(_CHANGELOG), version, day)
        package = _VERSION.sub(f'__version__ = "{version}"', self._read(_PACKAGE))
        (self.root / _CHANGELOG).write_text(log, "utf-8")
        (self.root / _PACKAGE).write_text(package, "utf-8")

    def _read(self, path: str) -> str:
        return (self.root / path).read_text("utf-8")
