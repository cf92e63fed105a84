"""Which places of the chosen units move, and which units have to stay as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from difyaction import errors
from difyaction.gitops.finding.found import Found
from difyaction.gitops.finding.spot import Spot
from difyaction.gitops.planning import notices, standstill
from difyaction.gitops.planning.reading import Reading
from difyaction.gitops.planning.standstill import Obstacle
from difyaction.gitops.records import GitopsFacts, Remark, Unit
from difyaction.language import N_
from difyaction.releases.catalogue import ImageSet


@dataclass(frozen=True)
class Course:
    """The places that move; the names of the units that stand still; and what is to be said of them."""

    spots: tuple[Spot, ...]
    still: frozenset[str]
    remarks: tuple[Remark, ...]


def set_course(facts: GitopsFacts, reading: Reading) -> Course:
    """Choose the places that move: those of every chosen unit that nothing holds back.

    Raises `errors.Invalid` when something stands in the way in a file that the user named.
    """
    images = facts.release.images if facts.release else ImageSet(tags={})
    by_hand = {each.spot.key for each in reading.fixed}
    obstacles = {each.file: tuple(standstill.obstacles(each, images, by_hand)) for each in reading.survey.found}
    _complain(reading, obstacles)
    undecided = {unit.name: found for unit in reading.every_unit if (found := _undecided(unit, facts, reading))}
    held = {unit.name for unit in reading.every_unit if any(obstacles.get(file) for file in unit.files)}
    still = standstill.spread(reading.every_unit, held | undecided.keys())
    spots = {spot: None for unit in reading.units if unit.name not in still for spot in unit.spots}
    remarks = (remark for unit in reading.units if unit.name in still for remark in _why(unit, obstacles, undecided))
    return Course(tuple(spots), still, tuple(dict.fromkeys(remarks)))


def chart_target(facts: GitopsFacts, spot: Spot) -> str:
    """Return the version that a reference to a chart shall have, '' when nobody knows."""
    return facts.options.chart_version or facts.chart_versions.get(spot.repository, "")


def _complain(reading: Reading, obstacles: Mapping[str, Sequence[Obstacle]]) -> None:
    files = {file for unit in reading.units for file in unit.files if reading.is_asked(file)}
    if found := [obstacle.complaint() for file in sorted(files) for obstacle in obstacles.get(file, ())]:
        raise errors.Invalid(found)


def _undecided(unit: Unit, facts: GitopsFacts, reading: Reading) -> tuple[str, ...]:
    here: list[Found] = [each for each in reading.survey.found if each.file in unit.files]
    charts = {spot.key for spot in unit.spots if spot.kind == "chart-version" and chart_target(facts, spot)}
    return standstill.undecided(unit, here, charts)


def _why(
    unit: Unit, obstacles: Mapping[str, Sequence[Obstacle]], undecided: Mapping[str, Sequence[str]]
) -> Iterator[Remark]:
    found = [obstacle.remark() for file in unit.files for obstacle in obstacles.get(file, ())]
    if unit.name in undecided:
        found.append(notices.undecided(unit, undecided[unit.name]))
    yield from found
    if not found:
        text = N_("{unit} shares files with a unit that cannot move, and is left alone with it.")
        yield Remark("held-back", text, {"unit": unit.name}, unit=unit.name)
