"""Whole references, wherever they stand: `image: langgenius/dify-api:1.13.3`, compose, Argo CD's kustomize.images."""

from __future__ import annotations

from collections.abc import Iterator

from difyaction.gitops.editing.address import Path
from difyaction.gitops.finding import names
from difyaction.gitops.finding.kinds.scan import Gap, Scan, spot_or_gap
from difyaction.gitops.finding.spot import Spot


def find(scan: Scan) -> Iterator[Spot | Gap]:
    """Yield every leaf that is one reference to an image of Dify, under whatever key."""
    hints = ("dify-", *scan.options.image_map.values())
    for path, scalar in scan.tree.leaves.items():
        if not any(hint in scalar.text for hint in hints) or "image-updater" in str(path[-1]):
            continue  # Argo CD's image updater keeps constraints in annotations, not tags
        found = names.find_reference(scalar.text, scan.options.image_map)
        if found is None:
            continue
        yield spot_or_gap(
            scan,
            scalar,
            found.place,
            image=found.image,
            repository=found.repository,
            kind="image-ref",
            layout=_layout(path),
        )


def _layout(path: Path) -> str:
    match path:
        case ("services", _, "image"):
            return "compose"
        case (*_, "kustomize", "images", int()):
            return "kustomize"
        case (*_, "containers" | "initContainers" | "ephemeralContainers", int(), "image"):
            return "manifest"
        case _:
            return "values"
