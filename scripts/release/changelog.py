"""CHANGELOG.md: the notes of a version, and the step from Unreleased to a version."""

from __future__ import annotations

import re
from datetime import date

from scripts.release.refusal import Refused
from scripts.release.version import Version

UNRELEASED = "## Unreleased"
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


def notes(text: str, version: Version) -> str:
    """Return what stands below ``## 1.2.3 - 2026-11-20``.

    Raises:
        Refused: there is no such heading, it has no real date, or nothing stands below it.

    """
    found = [each for each in _HEADING.finditer(text) if each[1].split(" ")[0] == str(version)]
    if len(found) != 1:
        raise Refused(f"CHANGELOG.md has {len(found)} headings for {version}, not one: `## {version} - YYYY-MM-DD`.")
    _dated(found[0][1], version)
    following = _HEADING.search(text, found[0].end())
    below = text[found[0].end() : following.start() if following else len(text)].strip()
    if not re.search(r"^- \S", below, re.MULTILINE):
        raise Refused(f"CHANGELOG.md names no change below {version}.")
    return below + "\n"


def released(text: str, version: Version, day: date) -> str:
    """Return the text with what was unreleased standing below the version, and nothing unreleased.

    Raises:
        Refused: there is no heading Unreleased, or the version has one already.

    """
    if text.count(UNRELEASED + "\n") != 1:
        raise Refused(f"CHANGELOG.md must have `{UNRELEASED}` once.")
    if any(each[1].split(" ")[0] == str(version) for each in _HEADING.finditer(text)):
        raise Refused(f"CHANGELOG.md has a heading for {version} already.")
    return text.replace(UNRELEASED + "\n", f"{UNRELEASED}\n\n## {version} - {day.isoformat()}\n")


def _dated(heading: str, version: Version) -> None:
    try:
        date.fromisoformat(heading.removeprefix(f"{version} - "))
    except ValueError:
        raise Refused(f"The heading of {version} in CHANGELOG.md must be `## {version} - YYYY-MM-DD`.") from None
