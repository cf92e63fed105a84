"""Decide what changes in a repository, over facts alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from difyaction import errors
from difyaction.gitops.files import ChangedFile
from difyaction.gitops.planning import checks, edits, judge, moves, notices, papers
from difyaction.gitops.planning.draft import make_draft
from difyaction.gitops.planning.moves import Move
from difyaction.gitops.planning.reading import ChartReference, Reading, read_files
from difyaction.gitops.planning.settled import settled
from difyaction.gitops.planning.wanted import wanted_images
from difyaction.gitops.records import GitopsFacts, GitopsPlan, PlanOptions, Unit
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
    "settled",
    "wanted_images",
]


class Overtaken(errors.Refused):
    """The files changed under the plan: what it would edit is gone, or is not what it was. Plan again."""


def make_plan(facts: GitopsFacts, reading: Reading | None = None) -> GitopsPlan:
    """Decide over facts. ``reading`` spares reading the files again; it has to be of the same files.

    Raises `errors.Invalid` with every complaint about the files at once; then nothing may be written.
    """
    checks.refuse_unknown_images(facts)
    reading = reading or read_files(facts)
    draft = make_draft(facts, reading)
    moving = [unit for unit in reading.units if not draft.edits.keys().isdisjoint(unit.files)]
    objections = judge.objections(moving, facts, reading) if facts.release else ()
    changes = tuple(_changes(draft.moved, reading.units))
    return GitopsPlan(
        from_version=_from_version(moving or list(reading.units), facts),
        to_version=str(facts.release.version) if facts.release else "",
        changes=changes,
        objections=objections,
        stopping=judge.stopping(objections, facts.options.delivery),
        findings=(
            *facts.skipped,
            *reading.survey.remarks,
            *draft.course.remarks,
            *notices.notices(facts, reading, draft.moved, draft.course.still),
        ),
        documents=papers.diffs(draft.changed),
        plan_id=papers.plan_id(facts, changes, draft.changed, objections),
        files=draft.changed,
        units=reading.units,
        edits=draft.edits,
        release=facts.release,
        held=tuple(unit.name for unit in reading.units if unit.name in draft.course.still),
    )


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


def _changes(moved: Sequence[Move], every_unit: Sequence[Unit]) -> Iterator[Change]:
    owners: dict[str, list[str]] = defaultdict(list)
    for unit in every_unit:
        for file in unit.files:
            owners[file].append(unit.name)
    for move in moved:
        unit_names = ", ".join(owners[move.spot.file])
        yield Change(move.where, moves.carries(move.spot), move.before, move.after, unit_names)


def _from_version(every_unit: Sequence[Unit], facts: GitopsFacts) -> str:
    known = (judge.running(unit, facts)[0] for unit in every_unit)
    lowest = min((version for version in known if version), default=None)
    return str(lowest) if lowest else ""
