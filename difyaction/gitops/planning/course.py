"""Which places of the chosen units move, and which units have to stay as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from difyaction import errors
from difyaction.gitops.finding import units
from difyaction.gitops.finding.spot import Spot
from difyaction.gitops.planning import moves, notices, standstill
from difyaction.gitops.planning.reading import Reading
from difyaction.gitops.planning.standstill import Obstacle
from difyaction.gitops.records import GitopsFacts, Remark, Unit
from difyaction.language import N_
from difyaction.releases.catalogue import ImageSet

Blocked = Mapping[str, errors.Complaint]
"""Files in which an edit cannot be made, and why."""


@dataclass(frozen=True)
class Course:
    """The places that move; the names of the units that stand still; and what is to be said of them."""

    spots: tuple[Spot, ...]
    still: frozenset[str]
    remarks: tuple[Remark, ...]


def set_course(facts: GitopsFacts, reading: Reading, blocked: Blocked | None = None) -> Course:
    """Choose the places that move: those of every chosen unit that nothing holds back.

    Raises `errors.Invalid` when something stands in the way in a file that the user named.
    """
    obstacles = _obstacles(facts, reading)
    _complain(reading, obstacles)
    why = {unit.name: tuple(_why(unit, facts, reading, obstacles, blocked or {})) for unit in reading.every_unit}
    held = {name for name, remarks in why.items() if remarks}
    still = standstill.spread(reading.every_unit, held, reading.is_outside)
    moving = [unit for unit in reading.units if unit.name not in still]
    spots = {spot: None for unit in moving for spot in unit.spots if not reading.is_outside(spot.file)}
    remarks = (remark for unit in reading.units if unit.name in still for remark in why[unit.name] or _tied(unit))
    return Course(tuple(spots), still, tuple(dict.fromkeys(remarks)))


def chart_target(facts: GitopsFacts, spot: Spot) -> str:
    """Return the version that a reference to a chart shall have, '' when nobody knows."""
    return facts.options.chart_version or facts.chart_versions.get(spot.repository, "")


def _obstacles(facts: GitopsFacts, reading: Reading) -> Mapping[str, Sequence[Obstacle]]:
    images = facts.release.images if facts.release else ImageSet(tags={})
    by_hand = {each.spot.key for each in reading.fixed}
    return {each.file: tuple(standstill.obstacles(each, images, by_hand)) for each in reading.survey.found}


def _complain(reading: Reading, obstacles: Mapping[str, Sequence[Obstacle]]) -> None:
    files = {file for unit in reading.units for file in unit.files if reading.is_asked(file)}
    if found := [obstacle.complaint() for file in sorted(files) for obstacle in obstacles.get(file, ())]:
        raise errors.Invalid(found)


def _why(
    unit: Unit, facts: GitopsFacts, reading: Reading, obstacles: Mapping[str, Sequence[Obstacle]], blocked: Blocked
) -> Iterator[Remark]:
    """Yield what holds one unit back."""
    for file in unit.files:
        yield from (obstacle.remark() for obstacle in obstacles.get(file, ()))
        if file in blocked:
            yield standstill.cannot_be_edited(blocked[file])
    if undecided := _undecided(unit, facts, reading):
        yield notices.undecided(unit, undecided)
    if reading.globs:
        yield from _outside(unit, facts, reading)


def _undecided(unit: Unit, facts: GitopsFacts, reading: Reading) -> tuple[str, ...]:
    charts = {spot.key for spot in unit.spots if spot.kind == "chart-version" and chart_target(facts, spot)}
    return standstill.undecided(unit, reading.survey.of(unit), charts)


def _outside(unit: Unit, facts: GitopsFacts, reading: Reading) -> Iterator[Remark]:
    """Yield the places that a unit needs moved, and that stand in base files which this run does not name.

    Others inherit them too, whom nobody asked about.
    """
    by_hand = {each.spot.key for each in reading.fixed}
    for spot in units.effective(unit):
        if spot not in unit.inherits or spot.key in by_hand or not reading.is_outside(spot.file):
            continue
        if _would_move(spot, facts):
            text = N_(
                "{unit} inherits {what} {tag} from {file} (line {line}), a base file that this run does not name: "
                "whoever else inherits it would move too. All of {unit} is left alone. Name the file in `files`, or "
                "give {unit} tags of its own."
            )
            known = {"unit": unit.name, "what": moves.carries(spot), "tag": spot.before}
            place = {"file": spot.file, "line": spot.line}
            yield Remark("base-outside", text, known | place, unit=unit.name, file=spot.file, line=spot.line)


def _would_move(spot: Spot, facts: GitopsFacts) -> bool:
    if spot.kind == "chart-version":
        return chart_target(facts, spot) not in {"", spot.before}
    tag = facts.release.images.tags.get(spot.image) if facts.release else None
    return tag is not None and spot.before != tag and spot.kind != "app-version"


def _tied(unit: Unit) -> tuple[Remark, ...]:
    text = N_("{unit} shares files with a unit that cannot move, and is left alone with it.")
    return (Remark("held-back", text, {"unit": unit.name}, unit=unit.name),)
