"""What a file says beside the tags of Dify: other images, and whether somebody migrates the database."""

from __future__ import annotations

from collections.abc import Iterator

from difyaction.gitops.editing.address import Path
from difyaction.gitops.finding import charts, names
from difyaction.gitops.finding.kinds import pairs
from difyaction.gitops.finding.kinds.scan import Scan
from difyaction.gitops.finding.tree import Tree
from difyaction.releases.images import split_image

MIGRATION = "MIGRATION_ENABLED"


def other_images(scan: Scan) -> Iterator[tuple[str, str]]:
    """Yield name and tag of every image that is none of Dify's, unless something above it is switched off."""
    for parent, scalar in scan.tree.ending(("image",)):
        if not _is_off(scan.tree, parent):
            yield from _other(scan, scalar.text, "")
    for parent, key, repository in pairs.repositories(scan):
        tag = scan.tree.value((*parent, "tag"))
        if tag and key != "name" and not _is_off(scan.tree, parent):
            yield from _other(scan, repository, tag)


def migrates(tree: Tree) -> bool | None:
    """Whether the database is migrated as the api starts: None when nothing here says so."""
    found = [scalar.text for _, scalar in tree.ending((MIGRATION,))]
    found += [tree.value((*parent, "value")) for parent, name in tree.ending(("name",)) if name.text == MIGRATION]
    for layout in charts.layouts():
        if layout.migrates:
            found += [scalar.text for prefix, scalar in tree.ending(layout.migrates) if layout.is_proved(tree, prefix)]
    words = {word.lower() for word in found}
    if "true" in words:
        return True
    return False if "false" in words else None


def _other(scan: Scan, text: str, tag: str) -> Iterator[tuple[str, str]]:
    try:
        parts = split_image(text)
    except ValueError:
        return
    if names.canonical(parts.repository, scan.options.image_map) is None and (parts.tag or tag):
        yield parts.name, parts.tag or tag


def _is_off(tree: Tree, path: Path) -> bool:
    return any(tree.value((*path[:end], "enabled")).lower() == "false" for end in range(len(path) + 1))
