"""Where upstream's own files and the corpus of real edits lie, when they lie beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ABSENT = "shared facts are not here"


def _place() -> Path:
    beside = Path(__file__).resolve().parent.parent.parent / "shared"
    return Path(os.environ.get("DIFY_ACTION_SHARED") or beside)


def upstream_source() -> str:
    """Return what the rig's installs are made of here: upstream's own files, or the rig's miniature of them."""
    return "shared" if _place().is_dir() else "mini"


def shared_root() -> Path:
    """Return the folder; skip the test when it is not there, or fail it where CI says that it must be."""
    root = _place()
    if root.is_dir():
        return root
    if os.environ.get("CI") == "true":
        pytest.fail(ABSENT)
    pytest.skip(ABSENT)


def upstream_file(tag: str, path: str) -> str:
    """Return one of upstream's own files (``docker/.env.example``) as it was at a tag."""
    return (shared_root() / "dify" / "releases" / tag / path).read_text(encoding="utf-8")


def upstream_tags() -> list[str]:
    """Return the tags whose files are here."""
    return sorted(entry.name for entry in (shared_root() / "dify" / "releases").iterdir())
