"""What one file says of Dify: its spots, and all that is needed to judge them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from difyaction import errors
from difyaction.gitops.editing.address import format_path
from difyaction.gitops.editing.yamltext import Text, read
from difyaction.gitops.files import FileAt
from difyaction.gitops.finding import names, signs
from difyaction.gitops.finding.kinds import kustomize, pairs, references, values, variables, versions
from difyaction.gitops.finding.kinds.scan import Gap, Named, Scan
from difyaction.gitops.finding.spot import Spot
from difyaction.gitops.finding.tree import trees
from difyaction.gitops.records import PlanOptions

_NAMES_IMAGE = re.compile(rb"(?:^|\n)[^#\n]*langgenius/dify-")
_DIFY = re.compile(rb"(?<![a-z])dify", re.IGNORECASE)
_OWN_KEYS = re.compile(rb"\b(?:pluginDaemon|ssrfProxy|agentBackend|localSandbox|workerBeat)\b")
_MOVABLE = re.compile(rb"\btag\b|\b[vV]ersion\b|Version\b|Revision\b|newTag\b|\bimages?\b")


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one file says. ``named`` are images whose tag is empty; ``depends`` that its chart is somebody else's."""

    file: str
    spots: tuple[Spot, ...] = ()
    gaps: tuple[Gap, ...] = ()
    named: tuple[Named, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    migrates: bool | None = None
    flux: Mapping[str, str] = field(default_factory=dict)
    depends: bool = False
    text: Text | None = None

    def with_spots(self, spots: tuple[Spot, ...]) -> Found:
        """Return the same with other spots."""
        return replace(self, spots=spots)

    @property
    def names_image(self) -> bool:
        """Whether an image of Dify is named here, with or without a tag."""
        return bool(self.named) or any(spot.image and spot.kind != "app-version" for spot in self.spots)


def names_image(content: bytes, options: PlanOptions) -> bool:
    """Whether an image of Dify stands in these bytes, outside of whole-line comments."""
    return _NAMES_IMAGE.search(content) is not None or any(
        mirror.encode() in content for mirror in options.image_map.values()
    )


def is_worth_reading(file: FileAt, options: PlanOptions, *, asked: bool) -> bool:
    """Whether it pays to parse a file: its bytes hold an image's name, or words that a layout could have."""
    if variables.is_env(file.path):
        return bool(options.env_variables)
    if names_image(file.content, options):
        return True
    if _MOVABLE.search(file.content) is None:
        return False
    told = asked or names.mentions(file.path)
    return told or _DIFY.search(file.content) is not None or _OWN_KEYS.search(file.content) is not None


def look(file: FileAt, options: PlanOptions, *, asked: bool) -> Found:
    """Read a file. Raises `errors.Invalid` when it cannot be read, or a key on a spot's path stands twice."""
    if variables.is_env(file.path):
        return _sorted_out(file.path, variables.find(file, options))
    text = read(file.content, file=file.path)
    scans = [Scan(tree, options, asked) for tree in trees(text)]
    found = _sorted_out(file.path, (item for scan in scans for item in _in_tree(scan)), scans, text)
    twice = [spot for spot in found.spots if text.duplicates(spot.path, spot.document)]
    if twice:
        raise errors.Invalid([_complain_twice(spot) for spot in twice])
    return found


def _in_tree(scan: Scan) -> Iterator[Spot | Gap | Named]:
    certain = [*references.find(scan), *kustomize.find(scan), *pairs.find(scan)]
    yield from certain
    named = [item for item in certain if isinstance(item, Named)]
    spots = [item for item in certain if isinstance(item, Spot)]
    yield from values.find(scan, named, spots)
    if not scan.tree.of_parameters:
        yield from versions.find(scan)
        yield from versions.find_app_version(scan)


def _sorted_out(
    file: str, items: Iterator[Spot | Gap | Named], scans: list[Scan] | None = None, text: Text | None = None
) -> Found:
    """Sort what was found; a place that two kinds find, or that an alias repeats, counts once."""
    everything = list(items)
    spots = {spot.key: spot for spot in reversed(everything) if isinstance(spot, Spot)}
    scans = scans or []
    said = {answer for scan in scans if (answer := signs.migrates(scan.tree)) is not None}
    return Found(
        file=file,
        spots=tuple(sorted(spots.values(), key=lambda spot: (spot.line, str(spot.path)))),
        gaps=tuple(dict.fromkeys(item for item in everything if isinstance(item, Gap))),
        named=tuple(item for item in everything if isinstance(item, Named)),
        others={name: tag for scan in scans for name, tag in signs.other_images(scan)},
        migrates=(True in said) if said else None,
        flux={name: url for scan in scans for name, url in versions.flux_sources(scan)},
        depends=any(versions.depends_on_dify(scan) for scan in scans),
        text=text,
    )


def _complain_twice(spot: Spot) -> errors.Complaint:
    path = format_path(spot.path, spot.document or None)
    return errors.Complaint(
        id="path-duplicate-key",
        text=f"{spot.file}, line {spot.line}: a key of {path} stands twice, so that nobody can say which one counts.",
        file=spot.file,
        line=spot.line,
    )
