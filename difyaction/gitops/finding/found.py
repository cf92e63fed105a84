"""What one file says of Dify: its spots, and all that is needed to judge them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from difyaction import errors
from difyaction.gitops.editing.address import Path, format_path
from difyaction.gitops.editing.yamltext import Text, read
from difyaction.gitops.files import FileAt
from difyaction.gitops.finding import names, signs
from difyaction.gitops.finding.kinds import kustomize, pairs, references, values, variables, versions
from difyaction.gitops.finding.kinds.scan import Gap, Kept, Named, Scan, record_key
from difyaction.gitops.finding.links import Link, links
from difyaction.gitops.finding.scopes import scopes
from difyaction.gitops.finding.spot import Spot
from difyaction.gitops.finding.tree import trees
from difyaction.gitops.finding.uncovered import Loose, closed, uncovered
from difyaction.gitops.records import PlanOptions
from difyaction.releases.images import KNOWN

_NAMES_IMAGE = re.compile(rb"(?:^|\n)[^#\n]*(?:" + "|".join(map(re.escape, sorted(KNOWN))).encode() + rb")(?![\w-])")
_DIFY = re.compile(rb"(?<![a-z])dify", re.IGNORECASE)
_OWN_KEYS = re.compile(rb"\b(?:pluginDaemon|ssrfProxy|agentBackend|localSandbox|workerBeat)\b")
_MOVABLE = re.compile(rb"\btag\b|\b[vV]ersion\b|Version\b|Revision\b|newTag\b|\bimages?\b")

Item = Spot | Gap | Named | Kept


@dataclass(frozen=True)
class Overruled:
    """A default whose variable is set in the `.env` beside the file: in ``file``, at ``line``."""

    spot: Spot
    variable: str
    file: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one file says. ``named`` are images whose tag is empty; ``depends`` that its chart is somebody else's.

    ``loose`` is what names a tag and is no place, ``kept`` what stands there for the record, ``refused`` why places
    of it cannot be edited, ``links`` the files that hold values for the chart that it names. ``overruled`` are places
    that count for nothing.
    """

    file: str
    spots: tuple[Spot, ...] = ()
    gaps: tuple[Gap, ...] = ()
    named: tuple[Named, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    migrates: bool | None = None
    flux: Mapping[str, str] = field(default_factory=dict)
    depends: bool = False
    text: Text | None = None
    loose: tuple[Loose, ...] = ()
    kept: tuple[Kept, ...] = ()
    refused: tuple[errors.Complaint, ...] = ()
    links: tuple[Link, ...] = ()
    overruled: tuple[Overruled, ...] = ()

    def with_spots(self, spots: tuple[Spot, ...]) -> Found:
        """Return the same with other spots."""
        return replace(self, spots=spots)

    @property
    def matters(self) -> bool:
        """Whether there is anything to move or to judge."""
        return bool(self.spots or self.gaps or self.named or self.loose)

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
    if names_image(file.content, options) or (asked and _is_wide(file)):
        return True
    if _MOVABLE.search(file.content) is None:
        return False
    told = asked or names.mentions(file.path)
    return told or _DIFY.search(file.content) is not None or _OWN_KEYS.search(file.content) is not None


def _is_wide(file: FileAt) -> bool:
    """Whether a file of YAML is UTF-16 or UTF-32, so that no word in it can be seen before it is refused."""
    start = file.content[:4]
    return file.path.endswith((".yaml", ".yml")) and (start[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\0" in start)


def look(file: FileAt, options: PlanOptions, *, asked: bool, given: tuple[Path, ...] = ()) -> Found:
    """Read a file, of which the places in ``given`` are known to be values of Dify's chart.

    Raises `errors.Invalid` when it cannot be read, or, in a file that was asked for, when a key on a spot's path
    stands twice.
    """
    if variables.is_env(file.path):
        return _sorted_out(file.path, variables.find(file, options))
    text = read(file.content, file=file.path)
    scans = [Scan(tree, options, asked, given) for tree in trees(text)]
    found = _sorted_out(file.path, (item for scan in scans for item in _in_tree(scan)), scans, text)
    refused = tuple(_complain_twice(spot) for spot in found.spots if text.duplicates(spot.path, spot.document))
    if refused and asked:
        raise errors.Invalid(refused)
    return replace(found, refused=refused, loose=tuple(_loose(found, text, scans, options)))


def _loose(found: Found, text: Text, scans: list[Scan], options: PlanOptions) -> Iterator[Loose]:
    known = {(spot.document, path) for spot in found.spots for path in (spot.path, spot.digest_path) if path}
    lines = {gap.line for gap in found.gaps} | {kept.line for kept in found.kept}
    yield from uncovered(text, known, lines, options)
    if any(spot.kind == "chart-version" for spot in found.spots):
        around = [(scan.tree.document, scope) for scan in scans for scope in scopes(scan.tree)]
        yield from closed(text, around)


def _in_tree(scan: Scan) -> Iterator[Item]:
    certain = [*references.find(scan), *kustomize.find(scan), *pairs.find(scan)]
    yield from (_kept(item) or item for item in certain)
    named = [item for item in certain if isinstance(item, Named)]
    spots = [item for item in certain if isinstance(item, Spot)]
    yield from (_kept(item) or item for item in values.find(scan, named, spots))
    if not scan.tree.of_parameters:
        yield from versions.find(scan)
        yield from versions.find_app_version(scan)


def _kept(item: Item) -> Kept | None:
    """Return a place that speaks of another time as what is only kept."""
    key = record_key(item.path) if isinstance(item, Spot) else ""
    return Kept(item.file, item.line, item.image, item.before, key) if key and isinstance(item, Spot) else None


def _sorted_out(file: str, items: Iterator[Item], scans: list[Scan] | None = None, text: Text | None = None) -> Found:
    """Sort what was found; a place that two kinds find, or that an alias repeats, counts once."""
    everything = list(items)
    spots = {spot.key: spot for spot in reversed(everything) if isinstance(spot, Spot)}
    scans = scans or []
    said = {answer for scan in scans if (answer := signs.migrates(scan.tree)) is not None}
    return Found(
        file=file,
        spots=tuple(sorted(spots.values(), key=lambda spot: (spot.line, str(spot.path)))),
        gaps=tuple(dict.fromkeys(item for item in everything if isinstance(item, Gap))),
        named=tuple(item for item in everything if isinstance(item, Named) and not record_key(item.prefix)),
        others={name: tag for scan in scans for name, tag in signs.other_images(scan)},
        migrates=(True in said) if said else None,
        flux={name: url for scan in scans for name, url in versions.flux_sources(scan)},
        depends=any(versions.depends_on_dify(scan) for scan in scans),
        text=text,
        kept=tuple(dict.fromkeys(item for item in everything if isinstance(item, Kept))),
        links=tuple(dict.fromkeys(link for scan in scans if not scan.tree.of_parameters for link in links(scan.tree))),
    )


def _complain_twice(spot: Spot) -> errors.Complaint:
    path = format_path(spot.path, spot.document or None)
    return errors.Complaint(
        id="path-duplicate-key",
        text=f"{spot.file}, line {spot.line}: a key of {path} stands twice, so that nobody can say which one counts.",
        file=spot.file,
        line=spot.line,
    )
