"""The moves of a plan and what they make of the files; units in whose files an edit cannot be made stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from difyaction import errors
from difyaction.gitops.files import ChangedFile
from difyaction.gitops.finding.spot import Spot
from difyaction.gitops.planning import edits, moves
from difyaction.gitops.planning.course import Blocked, Course, chart_target, set_course
from difyaction.gitops.planning.moves import Digests, Move
from difyaction.gitops.planning.reading import Reading
from difyaction.gitops.records import FileEdit, GitopsFacts
from difyaction.releases.catalogue import ImageSet


@dataclass(frozen=True)
class Draft:
    """What moves, by files, and what every changed file becomes."""

    course: Course
    moved: tuple[Move, ...]
    edits: Mapping[str, FileEdit]
    changed: tuple[ChangedFile, ...]


def make_draft(facts: GitopsFacts, reading: Reading) -> Draft:
    """Try the edits; where one cannot be made in a file that nobody named, try without the units of that file.

    Raises `errors.Invalid` when one cannot be made in a file that the user named, or set by hand.
    """
    blocked: Blocked = {}
    while True:
        course = set_course(facts, reading, blocked)
        try:
            moved = _moves(facts, reading, course)
            file_edits = edits.edits_of(moved)
            return Draft(course, moved, file_edits, edits.apply_all(reading.files, file_edits))
        except errors.Invalid as why:
            blocked = _also_blocked(blocked, why, reading)


def _also_blocked(blocked: Blocked, why: errors.Invalid, reading: Reading) -> Blocked:
    by_hand = {each.spot.file for each in reading.fixed}
    more = {complaint.file: complaint for complaint in reversed(why.complaints)}
    if any(not file or file in blocked or file in by_hand or reading.is_asked(file) for file in more):
        raise why
    return {**blocked, **more}


def _moves(facts: GitopsFacts, reading: Reading, course: Course) -> tuple[Move, ...]:
    """Make the moves, those of the user's own lines first: they win."""
    images = facts.release.images if facts.release else ImageSet(tags={})
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
