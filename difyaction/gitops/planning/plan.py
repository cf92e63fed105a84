"""Decide what changes in a repository, over facts alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from difyaction import errors
from difyaction.gitops.files import ChangedFile
from difyaction.gitops.finding import units
from difyaction.gitops.finding.spot import Spot
from difyaction.gitops.planning import edits, judge, moves, notices, papers
from difyaction.gitops.planning.course import Course, chart_target, set_course
from difyaction.gitops.planning.moves import Digests, Move, Wanted
from difyaction.gitops.planning.reading import ChartReference, Reading, read_files
from difyaction.gitops.records import GitopsFacts, GitopsPlan, PlanOptions, Unit
from difyaction.releases.catalogue import ImageSet
from difyaction.target import Change

__all__ = [
    "ChartReference",
    "GitopsFacts",
    "GitopsPlan",
    "Overtaken",
    "PlanOptions",
    "Reading",
    "make_plan",
    "read_files",
    "reapply",
    "wanted_images",
]


class Overtaken(errors.Refused):
    """The files changed under the plan: what it would edit is gone, or is not what it was. Plan again."""


def make_plan(facts: GitopsFacts, reading: Reading | None = None) -> GitopsPlan:
    """Decide over facts. ``reading`` spares reading the files again; it has to be of the same files.

    Raises `errors.Invalid` with every complaint about the files at once; then nothing may be written.
    """
    reading = reading or read_files(facts)
    images = facts.release.images if facts.release else ImageSet(tags={})
    course = set_course(facts, reading)
    moved = _moves(facts, reading, course, images)
    file_edits = edits.edits_of(moved)
    changed = edits.apply_all(reading.files, file_edits)
    moving = [unit for unit in reading.units if not file_edits.keys().isdisjoint(unit.files)]
    found = reading.survey.found
    objections = judge.objections(moving, found, facts.release, facts.options) if facts.release else ()
    changes = tuple(_changes(moved, reading.units))
    return GitopsPlan(
        from_version=_from_version(moving or list(reading.units)),
        to_version=str(facts.release.version) if facts.release else "",
        changes=changes,
        objections=objections,
        stopping=judge.stopping(objections, facts.options.delivery),
        findings=(*reading.survey.remarks, *course.remarks, *notices.notices(facts, reading, moved, course.still)),
        documents=papers.diffs(changed),
        plan_id=papers.plan_id(facts, changes, changed, objections),
        files=changed,
        units=reading.units,
        edits=file_edits,
        release=facts.release,
    )


def wanted_images(facts: GitopsFacts, reading: Reading | None = None) -> tuple[Wanted, ...]:
    """Return what a registry has to have before the plan may be proposed: (registry or '', name, tag), each once.

    Empty when every unit is already as wanted.
    """
    if facts.release is None:
        return ()
    reading = reading or read_files(facts)
    images = facts.release.images
    course = set_course(facts, reading)
    by_hand = {each.spot.key for each in reading.fixed}
    moving = {spot for spot in course.spots if spot.key not in by_hand}
    wanted: dict[Wanted, None] = {}
    for unit in reading.units:
        tagged = [(spot, tag) for spot in unit.spots if spot in moving and (tag := moves.wanted_tag(spot, images))]
        if any(spot.before != tag or facts.options.pin_digests for spot, tag in tagged):
            wanted |= dict.fromkeys(image for spot, tag in tagged for image in moves.registry_images(spot, tag))
    return tuple(wanted)


def reapply(plan: GitopsPlan, fresh: Mapping[str, bytes]) -> tuple[ChangedFile, ...]:
    """Apply the plan's edits to fresh content of its files; a file that has them all already is left out.

    Raises `Overtaken` when a file or a value is gone, or somebody else changed what the plan would change.
    """
    changed: list[ChangedFile] = []
    for file in plan.files:
        if file.path not in fresh:
            raise _overtaken(f"{file.path} is gone")
        content = fresh[file.path]
        try:
            after = edits.apply(content, edits.outstanding(content, plan.edits[file.path]))
        except errors.Invalid as why:
            raise _overtaken("; ".join(complaint.text for complaint in why.complaints)) from why
        if after != content:
            changed.append(ChangedFile(file.path, file.mode, content, after))
    return tuple(changed)


def _overtaken(why: str) -> Overtaken:
    return Overtaken(
        "plan-overtaken",
        "The files changed since they were planned over: {why}.",
        next_step="Run again: the plan is made anew.",
        why=why,
    )


def _moves(facts: GitopsFacts, reading: Reading, course: Course, images: ImageSet) -> tuple[Move, ...]:
    """Make the moves, those of the user's own lines first: they win."""
    digests = Digests.of(facts.image_findings, pin=facts.options.pin_digests)
    files = {file for unit in reading.units for file in unit.files}
    found = [
        move for each in reading.fixed if each.spot.file in files for move in moves.fixed_move(each.spot, each.value)
    ]
    by_hand = {each.spot.key for each in reading.fixed}
    complaints: list[errors.Complaint] = []
    for spot in course.spots:
        if spot.key in by_hand:
            continue
        try:
            found.extend(_moves_of(facts, spot, images, digests))
        except errors.Invalid as why:
            complaints.extend(why.complaints)
    if complaints:
        raise errors.Invalid(complaints)
    return tuple(found)


def _moves_of(facts: GitopsFacts, spot: Spot, images: ImageSet, digests: Digests) -> tuple[Move, ...]:
    if spot.kind == "chart-version":
        target = chart_target(facts, spot)
        return moves.chart_move(spot, target) if target else ()
    tag = moves.wanted_tag(spot, images)
    if tag is None:
        return ()
    if spot.kind == "app-version":
        return moves.chart_move(spot, tag)
    return moves.moves_of(spot, tag, digests)


def _changes(moved: Sequence[Move], every_unit: Sequence[Unit]) -> Iterator[Change]:
    owners: dict[str, list[str]] = defaultdict(list)
    for unit in every_unit:
        for file in unit.files:
            owners[file].append(unit.name)
    for move in moved:
        unit_names = ", ".join(owners[move.spot.file])
        yield Change(move.where, moves.carries(move.spot), move.before, move.after, unit_names)


def _from_version(every_unit: Sequence[Unit]) -> str:
    lowest = min((version for unit in every_unit if (version := units.lowest(unit))), default=None)
    return str(lowest) if lowest else ""
