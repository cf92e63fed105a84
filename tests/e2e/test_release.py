"""A release from beginning to end, without an account. With an engine: `make release-dry-run`."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from scripts.release.dry_run import rehearse
from tests.stage.run import ROOT


def test_a_release_can_be_rehearsed_from_this_very_commit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    rehearse(ROOT, tmp_path, date(2026, 11, 20), missing="not asked here", instead="")
    told = capsys.readouterr().out
    assert told.count(" is made at ") == 4  # planned and tagged, of two versions
    assert told.count("no other tag moves") == 4  # the second try of both
