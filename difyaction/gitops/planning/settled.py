"""Whether nothing is left to do: not the same as a plan without changes, which may leave units alone."""

from __future__ import annotations

from collections.abc import Collection

from difyaction.gitops.finding.spot import Spot
from difyaction.gitops.planning import moves
from difyaction.gitops.planning.course import chart_target
from difyaction.gitops.planning.reading import Reading
from difyaction.gitops.records import GitopsFacts, GitopsPlan, Unit


def settled(facts: GitopsFacts, reading: Reading, plan: GitopsPlan) -> bool:
    """Whether the chosen units have places, and all of these hold the target already.

    A unit that is held back, a file that cannot be read, a place that nobody could move: then it is not settled.
    """
    if plan.changes or plan.held or not reading.units or _is_unreadable(reading):
        return False
    if facts.release is None:
        return bool(reading.fixed)
    by_hand = {each.spot.key for each in reading.fixed}
    return all(_is_there(unit, facts, by_hand) for unit in reading.units)


def _is_unreadable(reading: Reading) -> bool:
    """Whether a file names an image of Dify, and could not be read."""
    return any(remark.kind == "template-left" for remark in reading.survey.remarks)


def _is_there(unit: Unit, facts: GitopsFacts, by_hand: Collection[object]) -> bool:
    """Whether a place of the unit says the release, and none says another."""
    said = [answer for spot in unit.spots if (answer := spot.key in by_hand or _holds(spot, facts)) is not None]
    return bool(said) and all(said)


def _holds(spot: Spot, facts: GitopsFacts) -> bool | None:
    """Whether the target stands at a place; None where the release has nothing to say."""
    if spot.kind == "chart-version":
        target = chart_target(facts, spot)
        return spot.before == target if target else None
    tag = moves.wanted_tag(spot, facts.release.images) if facts.release else None
    return None if tag is None else spot.before in {tag, ""}
