"""The records of a plan for a repository: what it is made from, and what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from difyaction.gitops.editing.address import Address
from difyaction.gitops.editing.splice import Edit
from difyaction.gitops.files import ChangedFile, FileAt
from difyaction.gitops.finding.spot import Spot
from difyaction.releases.catalogue import Release
from difyaction.target import Change, Document, Objection


class Environment(Protocol):
    """An entry of the environments file: a name, and the globs of its files."""

    @property
    def name(self) -> str:
        """The environment's name: that of its unit."""
        ...

    @property
    def files(self) -> Sequence[str]:
        """Globs of its files."""
        ...


class ImageFinding(Protocol):
    """What a registry said of one image."""

    @property
    def registry(self) -> str:
        """The registry's host, '' for Docker Hub."""
        ...

    @property
    def name(self) -> str:
        """The image without its registry."""
        ...

    @property
    def tag(self) -> str:
        """The tag that was asked for."""
        ...

    @property
    def digest(self) -> str | None:
        """The digest of the image's index, empty or None when there is no such image."""
        ...


@dataclass(frozen=True)
class Remark:
    """A sentence that a reader should know. ``text`` is a template over ``facts``; ``kind`` tells them apart."""

    kind: str
    text: str
    facts: Mapping[str, object] = field(default_factory=dict)
    unit: str = ""
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return self.text.format(**self.facts)

    def __hash__(self) -> int:
        return hash((self.kind, self.file, self.line, self.unit))


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """What the user asked of the plan, by the inputs' meaning. ``units`` limits it to those names; empty: all."""

    globs: tuple[str, ...] = ()
    set_lines: tuple[tuple[Address, str], ...] = ()
    only_set: bool = False  # no release and no chart is wanted: what `set` does not name is none of this run's business
    env_variables: Mapping[str, str] = field(default_factory=dict)  # variable -> upstream's image
    image_map: Mapping[str, str] = field(default_factory=dict)  # upstream's image -> the mirror's
    chart_version: str = ""
    pin_digests: bool = False
    allow_downgrade: bool = False
    acknowledge: tuple[str, ...] = ()
    delivery: str = "pull-request"
    units: tuple[str, ...] = ()
    bound: tuple[tuple[str, str], ...] = ()  # further inputs that whoever approves a plan approves with it


@dataclass(frozen=True, kw_only=True)
class GitopsFacts:
    """Everything that a plan is made from. ``chart_versions`` maps `ChartReference.key` to the version to write.

    ``chart_apps`` maps a chart's repository and version to the release of Dify that the chart runs (its appVersion, as
    `chart_index.app_versions` reads it). ``skipped`` says which files were not read.
    """

    files: tuple[FileAt, ...]
    release: Release | None
    options: PlanOptions
    image_findings: tuple[ImageFinding, ...] = ()
    chart_versions: Mapping[str, str] = field(default_factory=dict)
    environments: tuple[Environment, ...] = ()
    chart_apps: Mapping[tuple[str, str], str] = field(default_factory=dict)
    skipped: tuple[Remark, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Unit:
    """What moves together: an environment, or a directory with its base values.

    ``files`` and ``spots`` include those of base files; ``inherits`` are the spots of base files alone. In ``spots``
    the unit's own come first, because they count where both name an image.
    """

    name: str
    files: tuple[str, ...]
    spots: tuple[Spot, ...]
    inherits: tuple[Spot, ...] = ()


@dataclass(frozen=True)
class FileEdit:
    """The edits of one file, as one. In an .env file (``is_env``) an edit's path is the variable."""

    file: str
    edits: tuple[Edit, ...]
    is_env: bool = False


@dataclass(frozen=True, kw_only=True)
class GitopsPlan:
    """What would be changed in the repository. Satisfies `target.Plan`. ``held`` are units that stay as they are."""

    from_version: str
    to_version: str
    changes: tuple[Change, ...]
    objections: tuple[Objection, ...]
    stopping: tuple[Objection, ...]
    findings: tuple[Remark, ...]
    documents: tuple[Document, ...]
    plan_id: str
    files: tuple[ChangedFile, ...]
    units: tuple[Unit, ...]
    edits: Mapping[str, FileEdit]
    release: Release | None = None
    settled: bool = False
    held: tuple[str, ...] = ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """The findings as English sentences."""
        return tuple(str(finding) for finding in self.findings)
