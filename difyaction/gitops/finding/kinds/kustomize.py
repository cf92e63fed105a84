"""Kustomize's `images:` lists: name, newName, newTag, digest."""

from __future__ import annotations

from collections.abc import Iterator

from difyaction.gitops.editing.address import Path
from difyaction.gitops.finding import names
from difyaction.gitops.finding.kinds.scan import Gap, Scan, spot_or_gap
from difyaction.gitops.finding.spot import Spot


def find(scan: Scan) -> Iterator[Spot | Gap]:
    """Yield the new tag, or the digest that stands without one, of every entry for an image of Dify."""
    for item in _items(scan):
        name, new_name = (scan.tree.value((*item, key)) for key in ("name", "newName"))
        image = names.canonical(name, scan.options.image_map) or names.canonical(new_name, scan.options.image_map)
        digest_at = (*item, "digest")
        new_tag = scan.tree.leaves.get((*item, "newTag"))
        leaf = new_tag if new_tag and new_tag.text else scan.tree.leaves.get(digest_at)
        if image is None or leaf is None or not leaf.text:
            continue
        alone = leaf is not new_tag
        place = names.Place("", leaf.text, (0, len(leaf.text))) if alone else names.find_place(leaf.text)
        yield spot_or_gap(
            scan,
            leaf,
            place,
            image=image,
            repository=new_name or name,
            kind="new-tag",
            layout="kustomize",
            digest_path=digest_at if scan.tree.value(digest_at) else None,
        )


def _items(scan: Scan) -> Iterator[Path]:
    found = dict.fromkeys(
        parent
        for key in ("newTag", "digest")
        for parent, _ in scan.tree.ending((key,))
        if len(parent) > 1 and parent[-2] == "images" and isinstance(parent[-1], int)
    )
    yield from found
