"""What the files say, before anything is decided: spots, units, and the charts whose index is worth reading."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from difyaction import errors
from difyaction.gitops.files import FileAt
from difyaction.gitops.finding import discover, globs, units
from difyaction.gitops.finding.found import Found
from difyaction.gitops.planning import set_lines
from difyaction.gitops.records import Environment, GitopsFacts, PlanOptions, Unit
from difyaction.releases.version import Version


@dataclass(frozen=True)
class ChartReference:
    """A chart of Dify that files take from elsewhere. ``key`` is the name in `GitopsFacts.chart_versions`."""

    repository: str
    chart: str
    version: str

    @property
    def key(self) -> str:
        """What tells one chart from another: the address of its repository."""
        return self.repository

    @property
    def index_url(self) -> str:
        """Where the repository's index is; '' for a registry or a Git repository, which have none."""
        is_web = self.repository.startswith(("https://", "http://")) and not self.repository.endswith(".git")
        return f"{self.repository.rstrip('/')}/index.yaml" if is_web else ""


@dataclass(frozen=True)
class Reading:
    """The files, read once. ``every_unit`` are all units, ``units`` those that the user limited the run to."""

    files: Mapping[str, FileAt]
    survey: discover.Survey
    fixed: tuple[set_lines.Fixed, ...]
    every_unit: tuple[Unit, ...]
    units: tuple[Unit, ...]
    globs: tuple[str, ...] = ()

    def is_asked(self, file: str) -> bool:
        """Whether the user named this file, by its path or by a glob."""
        return globs.matches(file, self.globs)

    def is_outside(self, file: str) -> bool:
        """Whether the user named files, and not this one, or took it away: it was read for the base values in it."""
        return not globs.admits(file, self.globs)

    @property
    def installed(self) -> Version | None:
        """The version of Dify that the units run, the lowest when they differ; None when no tag says."""
        return min((version for unit in self.units if (version := units.lowest(unit))), default=None)

    @property
    def charts(self) -> tuple[ChartReference, ...]:
        """The charts whose version is written in these files, each repository once."""
        found = {
            spot.repository: ChartReference(spot.repository, "dify", spot.before)
            for unit in self.units
            for spot in unit.spots
            if spot.kind == "chart-version"
        }
        return tuple(found.values())


def wanted_globs(options: PlanOptions, environments: Sequence[Environment]) -> tuple[str, ...]:
    """Return the globs of the files that the user named: by themselves, or by their environment; empty: all.

    Globs that only take away do so from the environment's files, or from all.
    """
    if globs.names_any(options.globs):
        return options.globs
    named = (glob for each in environments if each.name in options.units for glob in each.files)
    return (*named, *options.globs)


def read_files(facts: GitopsFacts) -> Reading:
    """Look through the files and make the units.

    Raises `errors.Invalid` with every complaint: unreadable files that were asked for, `set` lines without a
    place, and unit-unknown for a unit that is not there.
    """
    options = facts.options
    files = {file.path: file for file in facts.files}
    wanted = wanted_globs(options, facts.environments)
    survey, fixed = _surveyed(facts, files, wanted)
    every_unit = units.group(_with_fixed(survey.found, fixed), facts.environments)
    if wanted:
        set_files = {each.spot.file for each in fixed}
        here = {path for path in files if path in set_files or globs.admits(path, wanted)}
        every_unit = tuple(_within(unit, here) for unit in every_unit if not here.isdisjoint(unit.files))
    return Reading(files, survey, fixed, every_unit, _chosen(every_unit, options.units), wanted)


def _surveyed(
    facts: GitopsFacts, files: Mapping[str, FileAt], wanted: tuple[str, ...]
) -> tuple[discover.Survey, tuple[set_lines.Fixed, ...]]:
    """Look through the files and find the places of `set`. A wrong address is told beside what is wrong with files."""
    options = facts.options
    try:
        survey = discover.survey(facts.files, options, wanted)
    except errors.Invalid as why:
        addresses = _wrong_addresses(options, files)
        said = {complaint.text for complaint in addresses}
        raise errors.Invalid((*addresses, *(each for each in why.complaints if each.text not in said))) from why
    return survey, set_lines.resolve(options, files, survey.found)


def _wrong_addresses(options: PlanOptions, files: Mapping[str, FileAt]) -> tuple[errors.Complaint, ...]:
    try:
        set_lines.resolve(options, files, ())
    except errors.Invalid as why:
        return why.complaints
    return ()


def _within(unit: Unit, here: Collection[str]) -> Unit:
    """Return a unit without the places of other files that its own places overrule."""
    counting = set(units.effective(unit))
    spots, inherits = (
        tuple(spot for spot in each if spot.file in here or spot in counting) for each in (unit.spots, unit.inherits)
    )
    return replace(unit, spots=spots, inherits=inherits)


def _with_fixed(found: tuple[Found, ...], fixed: tuple[set_lines.Fixed, ...]) -> tuple[Found, ...]:
    """Add the places that only a `set` line names, so that they belong to a unit like all others."""
    by_file = {each.file: each for each in found}
    for each in fixed:
        known = by_file.get(each.spot.file, Found(file=each.spot.file))
        if each.spot.key not in {spot.key for spot in known.spots}:
            known = known.with_spots((*known.spots, each.spot))
        by_file[each.spot.file] = known
    return tuple(by_file.values())


def _chosen(every_unit: tuple[Unit, ...], wanted: tuple[str, ...]) -> tuple[Unit, ...]:
    known = [unit.name for unit in every_unit]
    complaints = []
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            text = f"No files of a unit named {name!r} hold an image of Dify; units are {', '.join(known) or '(none)'}."
            complaints.append(
                errors.Complaint(id="unit-unknown", text=text, input="environment", suggestion=near[0] if near else "")
            )
    if complaints:
        raise errors.Invalid(complaints)
    return tuple(unit for unit in every_unit if not wanted or unit.name in wanted)
