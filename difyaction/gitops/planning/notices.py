"""What a reader of a plan should know and nobody has to act on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from difyaction.gitops.finding import names, units
from difyaction.gitops.finding.found import Found
from difyaction.gitops.finding.spot import Spot
from difyaction.gitops.planning.moves import Move
from difyaction.gitops.planning.reading import Reading
from difyaction.gitops.planning.standstill import Key
from difyaction.gitops.records import GitopsFacts, Remark, Unit
from difyaction.language import N_
from difyaction.releases.catalogue import Release


def notices(facts: GitopsFacts, reading: Reading, moved: Sequence[Move], still: Collection[str]) -> Iterator[Remark]:
    """Yield every remark about the units and the moves of a plan."""
    found = reading.survey.found
    if not reading.units:
        text = N_("None of the {count} files that were read names an image or a chart of Dify.")
        yield Remark("nothing-found", text, {"count": len(reading.files)})
    if facts.release:
        for unit in reading.units:
            yield from _about_unit(unit, reading.survey.of(unit), facts.release, moves=unit.name not in still)
    yield from units.inheritance(reading.units)
    files = {file for unit in reading.units for file in unit.files}
    places = {move.spot.key for move in moved} | {each.spot.key for each in reading.fixed}
    charts = {move.spot.file for move in moved if move.spot.kind == "chart-version"}
    for each in found:
        if each.file in files:
            yield from _charts_left(each, places, facts)
            yield from _kept(each)
            if each.links and each.file in charts:
                yield from _not_followed(each, reading)
    yield from _about_moves(moved)
    yield from _mixed_by_hand(facts, reading, moved)


def undecided(unit: Unit, images: Sequence[str]) -> Remark:
    """Say that something which is not here decides the tags of some images."""
    text = N_(
        "{unit} names {images} without a tag, so that its chart's version decides, or `latest`: everything that moves "
        "with it is left alone. Write the tag out, or give chart-version."
    )
    return Remark("tag-from-chart", text, {"unit": unit.name, "images": ", ".join(images)}, unit=unit.name)


def _about_unit(unit: Unit, found: Sequence[Found], release: Release, *, moves: bool) -> Iterator[Remark]:
    here = {image for spot in unit.spots if spot.image for image, _ in spot.names}
    here |= {item.image for each in found for item in each.named}
    if not here:
        return
    if mixed := units.mixed(unit):
        tags = ", ".join(f"{image} {' and '.join(found_tags)}" for image, found_tags in mixed.items())
        text = N_("{unit} is in a mixed state: {tags}.")
        text += " " + N_("All of it moves to {version}.") if moves else ""
        yield _of_unit("mixed-state", text, unit, tags=tags, version=release.version)
    if lacking := sorted(set(release.images.tags) - here):
        text = N_("{unit} names no tag of {images}, which Dify {version} runs: what its chart or manifests say, goes.")
        yield _of_unit("unit-lacks", text, unit, images=", ".join(lacking), version=release.version)
    if extra := sorted(here - set(release.images.tags)):
        text = N_("{unit} names {images}, which Dify {version} does not run: left as it is.")
        yield _of_unit("unit-extra", text, unit, images=", ".join(extra), version=release.version)


def _of_unit(kind: str, text: str, unit: Unit, **facts: object) -> Remark:
    return Remark(kind, text, {"unit": unit.name, **facts}, unit=unit.name)


def _charts_left(found: Found, places: Collection[object], facts: GitopsFacts) -> Iterator[Remark]:
    """Say which versions of charts are not touched, and what would touch them."""
    for spot in found.spots:
        target = facts.options.chart_version or facts.chart_versions.get(spot.repository)
        if spot.kind == "chart-version" and spot.key not in places and not target:
            text = N_(
                "{where} (line {line}) asks for version {version} of the chart dify from {repository}, "
                "which is left as it is; chart-version would move it."
            )
            known = {"where": spot.where, "line": spot.line, "version": spot.before, "repository": spot.repository}
            yield Remark("chart-left", text, known, file=spot.file, line=spot.line)
    for gap in found.gaps:
        if not gap.image:
            text = N_(
                "{file} (line {line}) asks for {version} of the chart dify, which is no one version: left as it is."
            )
            known = {"file": gap.file, "line": gap.line, "version": gap.text}
            yield Remark("chart-range", text, known, file=gap.file, line=gap.line)


def _kept(found: Found) -> Iterator[Remark]:
    """Say which tags are kept for the record."""
    for kept in found.kept:
        text = N_(
            "{file} (line {line}) notes {image} {tag} under {key}: it speaks of another time, and is left as it is."
        )
        facts = {"file": kept.file, "line": kept.line, "image": kept.image, "tag": kept.tag, "key": kept.key}
        yield Remark("record-left", text, facts, file=kept.file, line=kept.line)


def _not_followed(found: Found, reading: Reading) -> Iterator[Remark]:
    """Say where values for a chart that moves stand, if nobody has looked there: a tag in them would stay."""
    for link in found.links:
        if link.is_sure and link.file not in reading.files:
            text = N_(
                "{file} (line {line}): the chart moves, and values for it stand in {values}, which was not read: "
                "tags that are pinned there stay."
            )
            facts = {"file": found.file, "line": link.line, "values": link.text}
            yield Remark("values-not-followed", text, facts, file=found.file, line=link.line)


def _about_moves(moved: Sequence[Move]) -> Iterator[Remark]:
    for move in moved:
        spot = move.spot
        if spot.kind == "chart-version" and spot.path[0] == "dependencies":
            text = N_(
                "{file} now depends on another version of the chart dify: renew Chart.lock by `helm dependency update`."
            )
            yield Remark("chart-lock", text, {"file": spot.file}, file=spot.file, line=spot.line)
        if spot.kind == "app-version":
            text = N_("{file}: appVersion moves; the chart's own version is yours to raise.")
            yield Remark("own-chart", text, {"file": spot.file}, file=spot.file, line=spot.line)
        if spot.before == "latest":
            text = N_("{where} (line {line}) said latest; from now on it says which release.")
            yield Remark("floating-tag", text, {"where": spot.where, "line": spot.line}, file=spot.file, line=spot.line)
        if defaulted := _variable(spot):
            text = N_("{where} (line {line}) is the default of {variable}: a value that is set elsewhere wins over it.")
            known = {"where": spot.where, "line": spot.line, "variable": defaulted}
            yield Remark("variable-default", text, known, file=spot.file, line=spot.line)


def _variable(spot: Spot) -> str:
    """Return the variable whose default a place is."""
    return names.variable_around(spot.value, spot.span)


def _mixed_by_hand(facts: GitopsFacts, reading: Reading, moved: Sequence[Move]) -> Iterator[Remark]:
    """Say which units have several releases in them once the user's own lines are written."""
    if facts.release is None and not facts.options.only_set:
        return  # a rollback writes what stood there before
    by_hand = {each.spot.key: each.images[0][2] if each.images else "" for each in reading.fixed}
    after = {move.spot.key: move.after for move in moved} | by_hand
    for unit in reading.units:
        if by_hand.keys().isdisjoint(spot.key for spot in unit.spots):
            continue
        if mixed := units.mixed(replace(unit, spots=_then(unit.spots, after), inherits=_then(unit.inherits, after))):
            tags = ", ".join(f"{image} {' and '.join(found_tags)}" for image, found_tags in mixed.items())
            text = N_(
                "What set writes leaves {unit} in a mixed state: {tags}. Dify is released as a set of images, "
                "which dify-version moves together."
            )
            yield _of_unit("mixed-by-set", text, unit, tags=tags)


def _then(spots: Sequence[Spot], after: Mapping[Key, str]) -> tuple[Spot, ...]:
    """Return places as they are when everything is written."""
    return tuple(replace(spot, before=after.get(spot.key, spot.before)) for spot in spots)
