"""Units before the rules: what each one is, and which objections it meets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from difyaction.gitops.finding import names, units
from difyaction.gitops.finding.found import Found
from difyaction.gitops.records import PlanOptions, Unit
from difyaction.releases import heads, rules
from difyaction.releases.catalogue import Release
from difyaction.releases.situation import Situation
from difyaction.target import Objection, Severity


def objections(
    moving: Sequence[Unit], found: Sequence[Found], release: Release, options: PlanOptions
) -> tuple[Objection, ...]:
    """Return what stands in the way of the units that move, unit by unit."""
    return tuple(
        objection
        for unit in moving
        for objection in rules.objections(situation(unit, found, release, options), options.acknowledge)
    )


def stopping(found: Sequence[Objection], delivery: str) -> tuple[Objection, ...]:
    """Return those that stop us: a pull request may carry, as a draft, what somebody can still acknowledge."""
    if delivery == "pull-request":
        return tuple(objection for objection in found if objection.severity is Severity.NEVER)
    return tuple(objection for objection in found if objection.in_the_way)


def situation(unit: Unit, found: Sequence[Found], release: Release, options: PlanOptions) -> Situation:
    """Gather what the rules look at."""
    here = [each for each in found if each.file in unit.files]
    installed = units.installed(unit)
    said = {each.migrates for each in here if each.migrates is not None}
    return Situation(
        wanted=release.version,
        installed=installed,
        wanted_known=heads.is_known(release.version),
        own_images=own_images(unit, here),
        upstream=release.images,
        other_images={name: tag for each in here for name, tag in each.others.items()},
        layouts=layouts(unit),
        migrates=(True in said) if said else None,
        installed_head=heads.head_of(installed) if installed else None,
        wanted_head=heads.head_of(release.version),
        unit=unit.name,
        allow_downgrade=options.allow_downgrade,
    )


def own_images(unit: Unit, found: Sequence[Found]) -> Mapping[str, str]:
    """Return the images of Dify that a unit names with their tags; '' where a chart's appVersion fills it in."""
    tags = {item.image: "" for each in found for item in each.named}
    for fallback in (True, False):  # a tag of its own beats the chart's appVersion
        for spot in unit.spots:
            if spot.image and (spot.kind == "app-version") is fallback:
                tags |= {image: spot.before for image, _ in spot.names}
    lowest = units.installed(unit)
    return tags | ({names.API: str(lowest)} if lowest and names.API in tags else {})


def layouts(unit: Unit) -> frozenset[str]:
    """Return the layouts that a unit is written in."""
    return frozenset(spot.layout for spot in unit.spots if spot.image and spot.kind != "app-version")
