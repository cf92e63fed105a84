"""Units before the rules: what each one is, and which objections it meets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from difyaction.gitops.finding import names, units
from difyaction.gitops.finding.found import Found
from difyaction.gitops.finding.spot import Spot
from difyaction.gitops.planning.course import chart_target
from difyaction.gitops.planning.reading import Reading
from difyaction.gitops.records import GitopsFacts, Unit
from difyaction.releases import heads, rules
from difyaction.releases.situation import Situation
from difyaction.releases.version import Version
from difyaction.target import Objection, Severity

_GRAVEST = (Severity.NEVER, Severity.ACKNOWLEDGE, Severity.AUTOMATIC)


def objections(moving: Sequence[Unit], facts: GitopsFacts, reading: Reading) -> tuple[Objection, ...]:
    """Return what stands in the way of the units that move: one objection a rule, which names all units."""
    same: dict[str, list[Objection]] = defaultdict(list)
    for unit in moving:
        seen = situation(unit, facts, reading.survey.of(unit))
        for objection in rules.objections(seen, facts.options.acknowledge) if seen else ():
            same[objection.consent].append(objection)
    return tuple(sorted(map(_joined, same.values()), key=lambda objection: _GRAVEST.index(objection.severity)))


def _joined(alike: Sequence[Objection]) -> Objection:
    """Make one of several that one word acknowledges: each fact names all that was found."""
    facts = {
        key: fact if len(alike) == 1 else ", ".join(dict.fromkeys(str(each.facts[key]) for each in alike))
        for key, fact in alike[0].facts.items()
    }
    return replace(alike[0], facts=facts)


def stopping(found: Sequence[Objection], delivery: str) -> tuple[Objection, ...]:
    """Return those that stop us: a pull request may carry, as a draft, what somebody can still acknowledge."""
    if delivery == "pull-request":
        return tuple(objection for objection in found if objection.severity is Severity.NEVER)
    return tuple(objection for objection in found if objection.in_the_way)


def situation(unit: Unit, facts: GitopsFacts, found: Sequence[Found]) -> Situation | None:
    """Gather what the rules look at, ``found`` being the unit's files; None without a release to judge by."""
    if facts.release is None:
        return None
    wanted = _wanted(unit, facts) or facts.release.version
    installed, highest = running(unit, facts)
    said = {each.migrates for each in found if each.migrates is not None}
    return Situation(
        wanted=wanted,
        installed=installed,
        wanted_known=heads.is_known(wanted),
        own_images=own_images(unit, facts, found),
        upstream=facts.release.images,
        other_images={name: tag for each in found for name, tag in each.others.items()},
        layouts=layouts(unit),
        migrates=(True in said) if said else None,
        installed_head=heads.head_of(installed) if installed else None,
        highest=highest,
        highest_head=heads.head_of(highest) if highest else None,
        wanted_head=heads.head_of(wanted),
        unit=unit.name,
        allow_downgrade=facts.options.allow_downgrade,
    )


def running(unit: Unit, facts: GitopsFacts) -> tuple[Version | None, Version | None]:
    """Return the lowest and the highest version of Dify that a unit runs.

    A chart that moves counts with the release that it ran, unless the unit names the API's tag: then that tag runs.
    """
    charts = _charts_that_decide(unit, facts)
    known = [names.version_of(facts.chart_apps.get((spot.repository, spot.before), "")) for spot in charts]
    if charts and None in known:
        return None, None  # nobody knows what the chart ran
    versions = [version for version in (units.lowest(unit), units.highest(unit), *known) if version]
    return min(versions, default=None), max(versions, default=None)


def own_images(unit: Unit, facts: GitopsFacts, found: Sequence[Found]) -> Mapping[str, str]:
    """Return the images of Dify that a unit names with their tags; '' where a chart fills it in."""
    tags = {item.image: "" for each in found for item in each.named}
    if facts.release and _charts_that_decide(unit, facts):
        tags |= dict.fromkeys(facts.release.images.tags, "")  # the chart brings them
    for fallback in (True, False):  # a tag of its own beats the chart's appVersion
        for spot in unit.spots:
            if spot.image and (spot.kind == "app-version") is fallback:
                tags |= {image: spot.before for image, _ in spot.names}
    lowest = units.installed(unit)
    return tags | ({names.API: str(lowest)} if lowest and names.API in tags else {})


def _wanted(unit: Unit, facts: GitopsFacts) -> Version | None:
    """Return the release that the charts of a unit go to, where their versions decide: maybe not the wanted one."""
    targets = ((spot.repository, chart_target(facts, spot)) for spot in _charts_that_decide(unit, facts))
    return max(
        (version for key in targets if (version := names.version_of(facts.chart_apps.get(key, "")))), default=None
    )


def _charts_that_decide(unit: Unit, facts: GitopsFacts) -> tuple[Spot, ...]:
    """Return the charts that move, and whose own release runs because nothing in the unit tags the API."""
    if any(spot.before for spot in unit.spots if names.API in dict(spot.names) and spot.kind != "app-version"):
        return ()
    moving = (spot for spot in unit.spots if spot.kind == "chart-version" and chart_target(facts, spot))
    return tuple(spot for spot in moving if chart_target(facts, spot) != spot.before)


def layouts(unit: Unit) -> frozenset[str]:
    """Return the layouts that a unit is written in."""
    return frozenset(spot.layout for spot in unit.spots if spot.image and spot.kind != "app-version")
