"""What a registry has to have before a plan may be proposed."""

from __future__ import annotations

from collections.abc import Iterator

from difyaction import errors
from difyaction.gitops.finding.spot import Spot
from difyaction.gitops.planning import checks, moves
from difyaction.gitops.planning.course import set_course
from difyaction.gitops.planning.moves import Wanted
from difyaction.gitops.planning.reading import Reading, read_files
from difyaction.gitops.records import GitopsFacts
from difyaction.releases.catalogue import ImageSet


def wanted_images(facts: GitopsFacts, reading: Reading | None = None) -> tuple[Wanted, ...]:
    """Return what a registry has to have before the plan may be proposed: (registry or '', name, tag), each once.

    That is what the release needs, and what the user's own lines write. Empty when every unit is already as wanted
    and pins nothing by a digest that would have to be compared.
    """
    checks.refuse_unknown_images(facts)
    reading = reading or read_files(facts)
    return tuple(dict.fromkeys((*_of_release(facts, reading), *_by_hand(reading))))


def _of_release(facts: GitopsFacts, reading: Reading) -> Iterator[Wanted]:
    if facts.release is None:
        return
    course = set_course(facts, reading)
    by_hand = {each.spot.key for each in reading.fixed}
    moving = {spot for spot in course.spots if spot.key not in by_hand}
    for unit in reading.units:
        places = [spot for spot in unit.spots if spot in moving]
        tagged = [(spot, tag) for spot in places if (tag := _tag(spot, facts.release.images, reading))]
        if any(spot.before != tag or spot.digest or facts.options.pin_digests for spot, tag in tagged):
            for spot, tag in tagged:
                yield from moves.registry_images(spot, tag)


def _tag(spot: Spot, images: ImageSet, reading: Reading) -> str | None:
    """Return the tag that a place shall have; None where the plan will leave it, in a file that nobody named."""
    try:
        return moves.wanted_tag(spot, images)
    except errors.Invalid:
        if reading.is_asked(spot.file):
            raise
        return None


def _by_hand(reading: Reading) -> Iterator[Wanted]:
    files = {file for unit in reading.units for file in unit.files}
    for each in reading.fixed:
        if each.spot.file in files and each.value != each.spot.value:
            yield from each.images
