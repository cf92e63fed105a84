"""A tag beside its repository, under whatever keys: the ordinary shape of Helm values."""

from __future__ import annotations

from collections.abc import Iterator

from difyaction.gitops.editing.address import Path
from difyaction.gitops.editing.yamltext import Scalar
from difyaction.gitops.finding import charts, names
from difyaction.gitops.finding.kinds.scan import Gap, Named, Scan, spot_or_gap
from difyaction.gitops.finding.spot import Spot

REPOSITORY_KEYS = ("repository", "repo", "image", "name")
TAG_KEYS = ("tag", "imageTag", "version")


def find(scan: Scan) -> Iterator[Spot | Gap | Named]:
    """Yield the tag beside every repository of Dify; an image whose tag is empty is only named."""
    for parent, key, repository in repositories(scan):
        image = canonical_beside(scan, parent, repository)
        tag = tag_beside(scan, parent)
        if image is None or (tag is None and key not in {"repository", "image"}):
            continue
        if names.find_reference(repository, scan.options.image_map):
            continue  # it holds its tag itself
        layout = charts.layout_at(scan.tree, (*parent, "tag"), image)
        registry = _registry(scan, parent, layout)
        written = f"{registry}/{repository}" if registry else repository
        digest_path = (*parent, "digest") if scan.tree.value((*parent, "digest")) else None
        if tag is None or (not tag.text and digest_path is None):
            yield Named(image, written, layout[1] if layout else parent)
            continue
        yield spot_or_gap(
            scan,
            tag,
            names.find_place(tag.text),
            image=image,
            repository=written,
            kind="tag",
            layout=layout[0].id if layout else "values",
            digest_path=digest_path,
        )


def canonical_beside(scan: Scan, parent: Path, repository: str) -> str | None:
    """Upstream's name of a repository, which may have its first directory in the key `registry` beside it."""
    registry = scan.tree.value((*parent, "registry")).rstrip("/")
    whole = names.canonical(f"{registry}/{repository}", scan.options.image_map) if registry else None
    return whole or names.canonical(repository, scan.options.image_map)


def repositories(scan: Scan) -> Iterator[tuple[Path, str, str]]:
    """Yield every mapping that names a repository: its path, the key, and the repository."""
    for key in REPOSITORY_KEYS:
        for parent, scalar in scan.tree.ending((key,)):
            if scalar.text and scalar.style not in {"literal", "folded"}:
                yield parent, key, scalar.text


def tag_beside(scan: Scan, parent: Path) -> Scalar | None:
    """Return the leaf that holds the tag in the mapping at ``parent``."""
    for key in TAG_KEYS:
        if found := scan.tree.leaves.get((*parent, key)):
            return found
    return None


def _registry(scan: Scan, parent: Path, layout: tuple[charts.Layout, Path] | None) -> str:
    if beside := scan.tree.value((*parent, "registry")):
        return beside.rstrip("/")
    if layout and layout[0].registry:
        return scan.tree.value(layout[1] + layout[0].registry).rstrip("/")
    return ""
