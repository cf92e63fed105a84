"""Tags of a known layout that stand without their repository, as overlays have them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from difyaction.gitops.editing.address import Path
from difyaction.gitops.finding import charts, names
from difyaction.gitops.finding.kinds.pairs import REPOSITORY_KEYS
from difyaction.gitops.finding.kinds.scan import Gap, Named, Scan, repository_for, spot_or_gap
from difyaction.gitops.finding.spot import Spot

_ENOUGH = 2  # keys of a layout that together tell it, in a file that the user named


@dataclass(frozen=True)
class _Match:
    """A leaf at the path ``tag`` of a layout, below ``prefix``."""

    layout: charts.Layout
    tag: Path
    prefix: Path

    @property
    def path(self) -> Path:
        return (*self.prefix, *self.tag)

    @property
    def image(self) -> str:
        return self.layout.tags[self.tag]


def find(scan: Scan, named: Sequence[Named], found: Sequence[Spot]) -> Iterator[Spot | Gap]:
    """Yield the tags of every layout that is told apart by more than one common word."""
    taken = {spot.path for spot in found}
    for match in _matches(scan):
        if match.path not in taken and _is_dify(scan, match, named, found):
            taken.add(match.path)
            yield _spot(scan, match, named)


def about_dify(scan: Scan, prefix: Path) -> bool:
    """Whether the words around a place speak of Dify: the file's path, a key above it, the chart that it is for."""
    if names.mentions(scan.tree.file) or any(isinstance(key, str) and names.mentions(key) for key in prefix):
        return True
    return any(prefix[: len(scope)] == scope for scope in _scopes(scan))


def _matches(scan: Scan) -> Iterator[_Match]:
    for layout in charts.layouts():
        for tag in layout.tags:
            for prefix, scalar in scan.tree.ending(tag):
                match = _Match(layout, tag, prefix)
                if scalar.text and layout.fits(scan.tree, prefix) and not _names_another(scan, match.path[:-1]):
                    yield match


def _is_dify(scan: Scan, match: _Match, named: Sequence[Named], found: Sequence[Spot]) -> bool:
    layout, prefix = match.layout, match.prefix
    if layout.is_proved(scan.tree, prefix) or about_dify(scan, prefix):
        return True
    if any(item.prefix == prefix for item in named) or any(spot.layout == layout.id for spot in found):
        return True
    return scan.asked and layout.weight(scan.tree, prefix) >= _ENOUGH


def _scopes(scan: Scan) -> Iterator[Path]:
    """Yield the mappings that say in so many words that they are about Dify's chart."""
    tree = scan.tree.around or scan.tree
    for key in ("chart", "repoURL", "url", "repo", "releaseName"):
        for parent, scalar in tree.ending((key,)):
            if names.mentions(scalar.text):
                yield parent[:-2] if parent[-2:] == ("chart", "spec") else parent
    for parent, scalar in tree.ending(("name",)):
        if names.mentions(scalar.text):
            if parent == ("metadata",):
                yield ()
            elif parent[-1:] == ("chartRef",):
                yield parent[:-1]
            elif parent[-2:-1] in {("helmCharts",), ("releases",)}:
                yield parent


def _names_another(scan: Scan, parent: Path) -> bool:
    """Whether the repository beside a tag is known, and is none of Dify's."""
    beside = [scan.tree.value((*parent, key)) for key in REPOSITORY_KEYS]
    return any(text and names.canonical(text, scan.options.image_map) is None for text in beside)


def _spot(scan: Scan, match: _Match, named: Sequence[Named]) -> Spot | Gap:
    here = {item.image: item.repository for item in named if item.prefix == match.prefix}
    scalar = scan.tree.leaves[match.path]
    return spot_or_gap(
        scan,
        scalar,
        names.find_place(scalar.text),
        image=match.image,
        repository=here.get(match.image) or repository_for(match.image, scan),
        kind="tag",
        layout=match.layout.id,
        also=tuple(
            (image, here.get(image) or repository_for(image, scan))
            for image in match.layout.shared.get(match.tag, ())
            if not _has_own_tag(scan, match, image)
        ),
    )


def _has_own_tag(scan: Scan, match: _Match, image: str) -> bool:
    tags = (tag for tag, of in match.layout.tags.items() if of == image)
    return any(scan.tree.value(match.prefix + tag) for tag in tags)
