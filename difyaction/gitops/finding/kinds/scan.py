"""What every kind looks at, and what it may find."""

from __future__ import annotations

import re
from dataclasses import dataclass

from difyaction.gitops.editing.address import Path
from difyaction.gitops.editing.yamltext import Scalar
from difyaction.gitops.finding import names
from difyaction.gitops.finding.spot import Kind, Spot
from difyaction.gitops.finding.tree import Tree
from difyaction.gitops.records import PlanOptions

_RECORD = re.compile(
    r"[pP]revious|(?:^|[._-])prev(?=[A-Z._-]|$)|[kK]nown[-_]?[gG]ood|[lL]ast[-_]?(?:[kK]nown|[gG]ood)"
    r"|[rR]oll[-_]?[bB]ack|[hH]istory"
)


@dataclass(frozen=True)
class Scan:
    """One tree, looked at for a user who named this file (``asked``), or who did not.

    ``given`` are the places of this file that other files give to Dify's chart as its values; () is all of it.
    """

    tree: Tree
    options: PlanOptions
    asked: bool
    given: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Gap:
    """A place that names an image of Dify, but no tag that could be moved: ``text`` stands there.

    ``variable`` is the name of the variable that alone decides the tag.
    """

    file: str
    line: int
    image: str
    repository: str
    text: str
    variable: str = ""


@dataclass(frozen=True)
class Named:
    """An image that is named without a tag: something else decides which tag it gets."""

    image: str
    repository: str
    prefix: Path


@dataclass(frozen=True)
class Kept:
    """A tag that is written down for the record: what ran before, what is known to be good. It never moves."""

    file: str
    line: int
    image: str
    tag: str
    key: str


def record_key(path: Path) -> str:
    """Return the key of a path that speaks of another time (`previousImage`, `knownGood`), '' when none does."""
    return next((key for key in path if isinstance(key, str) and _RECORD.search(key)), "")


def repository_for(image: str, scan: Scan) -> str:
    """Where an image comes from when its tag stands alone: the user's mirror, or upstream's own name."""
    return scan.options.image_map.get(image, image)


def spot_or_gap(  # noqa: PLR0913 - a place has that many sides
    scan: Scan,
    scalar: Scalar,
    place: names.Place,
    *,
    image: str,
    repository: str,
    kind: Kind,
    layout: str,
    digest_path: Path | None = None,
    also: tuple[tuple[str, str], ...] = (),
) -> Spot | Gap:
    """Make a spot of a place with a tag, and a gap of one that leaves the tag to something else."""
    if place.hole:
        return Gap(scan.tree.file, scalar.line, image, repository, scalar.text, place.variable)
    return Spot(
        file=scan.tree.file,
        path=scalar.path,
        document=scan.tree.document,
        image=image,
        repository=repository,
        value=scalar.text,
        span=place.span,
        before=place.tag,
        digest=place.digest or (scan.tree.value(digest_path) if digest_path else None) or None,
        digest_path=digest_path,
        kind="helm-parameter" if scan.tree.of_parameters else kind,
        layout=layout,
        line=scalar.line,
        also=also,
    )
