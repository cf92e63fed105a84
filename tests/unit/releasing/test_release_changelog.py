from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from scripts.release import changelog
from scripts.release.refusal import Refused
from scripts.release.version import Version

ROOT = Path(__file__).resolve().parents[3]
VERSION = Version(1, 2, 3)
LOG = """\
# Changelog

## Unreleased

## 1.2.3 - 2026-11-20

### Added

- Something.

## 1.2.2 - 2026-10-01

- Something else.
"""


def test_the_notes_of_a_version_end_where_the_next_begins() -> None:
    assert changelog.notes(LOG, VERSION) == "### Added\n\n- Something.\n"
    assert changelog.notes(LOG, Version(1, 2, 2)) == "- Something else.\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("## 1.2.3 - 2026-11-20", "## 1.2.4 - 2026-11-20"),
        ("2026-11-20", "2026-11-31"),
        ("1.2.3 - 2026-11-20", "1.2.3 (2026-11-20)"),
        ("1.2.3 - 2026-11-20", "1.2.3"),
        ("- Something.", ""),
        ("1.2.2 - 2026-10-01", "1.2.3 - 2026-11-20"),
    ],
)
def test_a_version_without_heading_date_or_change_is_refused(old: str, new: str) -> None:
    with pytest.raises(Refused, match=r"CHANGELOG\.md"):
        changelog.notes(LOG.replace(old, new), VERSION)


def test_a_release_candidate_is_not_taken_for_its_release() -> None:
    with pytest.raises(Refused):
        changelog.notes(LOG.replace("## 1.2.3 -", "## 1.2.3-rc.1 -"), VERSION)


def test_what_was_unreleased_belongs_to_the_version_then() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    after = changelog.released(text, Version(99, 0, 0), date(2026, 11, 20))
    assert after.replace("\n## 99.0.0 - 2026-11-20\n", "", 1) == text


def test_a_version_is_released_once() -> None:
    with pytest.raises(Refused, match="already"):
        changelog.released(LOG, VERSION, date(2026, 11, 20))
    with pytest.raises(Refused, match="Unreleased"):
        changelog.released("# Changelog\n", VERSION, date(2026, 11, 20))
