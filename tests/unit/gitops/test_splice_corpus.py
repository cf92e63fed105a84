"""Edits that people made to real charts come out byte by byte as they made them."""

from __future__ import annotations

import json
from pathlib import Path

from difyaction.gitops.editing.splice import Edit, splice
from tests.shared import shared_root


def bumped(folder: Path) -> bool:
    change = json.loads((folder / "change.json").read_bytes())
    edits = [Edit(tuple(one["path"]), one["document"], one["to"], expect=one["from"]) for one in change["changes"]]
    after = splice((folder / "before.yaml").read_bytes(), edits, file=change["file"])
    return after == (folder / "after.yaml").read_bytes()


def test_every_real_bump_is_byte_identical() -> None:
    folders = sorted((shared_root() / "corpus" / "bumps").iterdir())
    assert len(folders) >= 49
    assert [folder.name for folder in folders if not bumped(folder)] == []
