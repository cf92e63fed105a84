"""Real edits that people made to real charts: the plan finds the same places and writes the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from difyaction.gitops.editing.address import Address
from difyaction.gitops.files import FileAt
from difyaction.gitops.finding import discover
from difyaction.gitops.planning.plan import GitopsFacts, PlanOptions, make_plan
from tests.shared import shared_root
from tests.unit.gitops.planning import release


def bumps() -> Iterator[tuple[dict[str, Any], bytes, bytes]]:
    """Every bump: what changed, the file before, the file after."""
    folders = sorted((shared_root() / "corpus" / "bumps").iterdir())
    assert folders
    for folder in folders:
        yield json.loads((folder / "change.json").read_text()), *_contents(folder)


def _contents(folder: Path) -> tuple[bytes, bytes]:
    return (folder / "before.yaml").read_bytes(), (folder / "after.yaml").read_bytes()


def test_every_tag_that_people_moved_is_found_and_the_set_of_their_release_gives_their_bytes() -> None:
    seen = 0
    for change, before, after in bumps():
        moved = {tuple(leaf["path"]) for leaf in change["changes"]}
        if not all(path[-1] == "tag" and path[0] == "image" for path in moved) or "dify" not in change["repository"]:
            continue
        file, target = (FileAt(change["file"], "100644", "oid", content) for content in (before, after))
        options = PlanOptions(allow_downgrade=True)
        theirs = {spot.image: spot.before for spot in discover.spots(target, options)}
        assert moved <= {spot.path for spot in discover.spots(file, options)}
        facts = GitopsFacts(files=(file,), release=release(theirs["langgenius/dify-api"], theirs), options=options)
        made = make_plan(facts)
        assert {change.where.partition("#")[2] for change in made.changes} == {".".join(path) for path in moved}
        assert made.files[0].after == after
        seen += 1
    assert seen > 10


def test_only_images_of_dify_are_found_in_any_of_these_files() -> None:
    for change, before, _ in bumps():
        for spot in discover.spots(FileAt(change["file"], "100644", "", before), PlanOptions()):
            assert spot.kind == "chart-version" or spot.image.startswith("langgenius/dify-")


@pytest.mark.parametrize("start", ["before", "after"])
def test_set_lines_give_the_bytes_of_every_bump(start: str) -> None:
    for change, before, after in bumps():
        lines = tuple(
            (Address(change["file"], tuple(leaf["path"]), None), str(leaf["to"])) for leaf in change["changes"]
        )
        file = FileAt(change["file"], "100644", "oid", before if start == "before" else after)
        made = make_plan(GitopsFacts(files=(file,), release=None, options=PlanOptions(set_lines=lines)))
        assert [each.after for each in made.files] == ([after] if start == "before" else [])
