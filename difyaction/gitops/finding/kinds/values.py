"""Tags of a known layout that stand without their repository, as overlays have them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from difyaction.gitops.editing.address import Path
from difyaction.gitops.finding import charts, names
from difyaction.gitops.finding.kinds.pairs import REPOSITORY_KEYS, canonical_beside
from difyaction.gitops.finding.kinds.scan import Gap, Named, Scan, repository_for, spot_or_gap
from difyaction.gitops.finding.scopes import Scope, scopes
from difyaction.gitops.finding.spot import Spot
from difyaction.releases import heads

ENOUGH = 2  # keys of a layout that together tell it, where something else speaks of Dify
_MAJOR = re.compile(r"v?([0-9]{1,9})(?=\.)")


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
    around: tuple[Scope, ...] | None = None
    for match in _matches(scan):
        if match.path in taken:
            continue
        around = scopes(scan.tree) if around is None else around
        if _is_dify(scan, match, around) or _is_named(match, named, found):
            taken.add(match.path)
            yield _spot(scan, match, named)


def _matches(scan: Scan) -> Iterator[_Match]:
    for layout in charts.layouts():
        for tag in layout.tags:
            for prefix, scalar in scan.tree.ending(tag):
                match = _Match(layout, tag, prefix)
                if scalar.text and layout.fits(scan.tree, prefix) and not _names_another(scan, match.path[:-1]):
                    yield match


def _is_named(match: _Match, named: Sequence[Named], found: Sequence[Spot]) -> bool:
    """Whether an image of Dify is named by its repository in the very same values."""
    layout, prefix = match.layout, match.prefix
    return any(item.prefix == prefix for item in named) or any(
        spot.layout == layout.id and spot.path[: len(prefix)] == prefix for spot in found
    )


def _is_dify(scan: Scan, match: _Match, around: Sequence[Scope]) -> bool:
    """Whether what stands around a tag says that it is Dify's.

    Dify's own chart is proof. Where the chart is another one, only a key between that speaks of Dify counts. A
    path, a name, or that the user chose the file proves nothing alone: the layout's own keys have to be there too.
    """
    if not is_plausible(scan.tree.value(match.path)):
        return False
    layout, prefix = match.layout, match.prefix
    scope = next((each for each in around if each.chart and each.holds(match.path)), None)
    if prefix in scan.given:
        return True
    inner = prefix[len(scope.path) :] if scope else prefix
    said = any(isinstance(key, str) and names.mentions(key) for key in inner)
    is_enough = layout.weight(scan.tree, prefix) >= ENOUGH
    if scope:
        return scope.is_dify or (is_enough and (said or not scope.is_another))
    if layout.is_proved(scan.tree, prefix):
        return True
    said = said or names.mentions(scan.tree.file) or any(each.holds(match.path) for each in around)
    return is_enough and (said or scan.asked)


def is_plausible(text: str) -> bool:
    """Whether a tag can be Dify's: any word, but no version of a line that Dify has never had."""
    number = _MAJOR.match(text)
    return number is None or int(number[1]) <= heads.newest_known().numbers[0]


def _names_another(scan: Scan, parent: Path) -> bool:
    """Whether the repository beside a tag is known, and is none of Dify's."""
    beside = [scan.tree.value((*parent, key)) for key in REPOSITORY_KEYS]
    return any(text and canonical_beside(scan, parent, text) is None for text in beside)


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
