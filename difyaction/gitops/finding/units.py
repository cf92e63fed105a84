"""What moves together: an environment of the environments file, else a directory with its base values."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from difyaction.gitops.finding import bases, globs, names
from difyaction.gitops.finding.found import Found
from difyaction.gitops.finding.spot import Spot
from difyaction.gitops.records import Environment, Remark, Unit
from difyaction.language import N_
from difyaction.releases.version import Version

_MANIFESTS = frozenset({"manifest", "kustomize"})
_OVERRIDING = frozenset({"tag", "new-tag", "helm-parameter", "env"})  # a tag here counts for the whole unit
ROOT = "root"
"""The name of the unit of files that lie in no directory."""


def group(found: Sequence[Found], environments: Sequence[Environment]) -> tuple[Unit, ...]:
    """Make the units of all files that hold something to move or to judge, in the order of their names.

    A file that several environments name belongs to each of them. A directory that only holds the base
    values of others is no unit of its own. Sibling directories of manifests that have no image in common
    (`dify/api`, `dify/web`) are parts of one unit, their parent.
    """
    interesting = [each for each in found if each.matters]
    own = _by_name(interesting, environments)
    by_file = {each.file: each for each in interesting}
    shelf = bases.Shelf.of(by_file)
    inherited = {name: _bases_of(files, by_file, shelf) for name, files in own.items()}
    base_files = {each.file for base in inherited.values() for each in base}
    return tuple(
        _unit(name, files, inherited[name])
        for name, files in sorted(own.items())
        if any(each.file not in base_files for each in files)
    )


def installed(unit: Unit) -> Version | None:
    """Return the version of Dify that the unit runs: its API's tag, the lowest when there are several."""
    spots = effective(unit)
    for image in (names.API, names.WEB):
        if versions := _versions([spot for spot in spots if image in dict(spot.names)]):
            return min(versions)
    return lowest(unit)


def lowest(unit: Unit) -> Version | None:
    """Return the oldest version that an image of the unit has, of those that carry Dify's version."""
    return min(_release_versions(unit), default=None)


def highest(unit: Unit) -> Version | None:
    """Return the newest version that an image of the unit has, of those that carry Dify's version."""
    return max(_release_versions(unit), default=None)


def effective(unit: Unit) -> tuple[Spot, ...]:
    """Return the places of a unit without those of base files whose image has a tag in the unit's own files.

    A container that names its whole image in an own file overrules one container: as many are needed as the base has.
    """
    if not unit.inherits:
        return unit.spots
    base = set(unit.inherits)
    own = {image for spot in unit.spots if spot not in base for image in _overruled(spot)}
    whole = Counter(spot.image for spot in unit.spots if spot not in base and spot.kind == "image-ref")
    needed = Counter(spot.image for spot in unit.inherits if spot.image)
    own |= {image for image, count in whole.items() if count >= needed[image]}
    return tuple(
        spot for spot in unit.spots if spot not in base or not spot.image or not own.issuperset(dict(spot.names))
    )


def _overruled(spot: Spot) -> tuple[str, ...]:
    """Return the images whose tags in base files count for nothing because of this place."""
    return tuple(image for image, _ in spot.names) if spot.kind in _OVERRIDING and spot.before else ()


def _release_versions(unit: Unit) -> tuple[Version, ...]:
    return _versions([spot for spot in effective(unit) if any(names.carries_release(image) for image, _ in spot.names)])


def _versions(spots: Sequence[Spot]) -> tuple[Version, ...]:
    """Return the versions that stand at these places; a chart's appVersion counts where nothing else says."""
    fixed = [spot for spot in spots if spot.kind != "app-version"]
    return tuple(version for spot in fixed or spots if (version := names.version_of(spot.before)))


def mixed(unit: Unit) -> Mapping[str, tuple[str, ...]]:
    """Return image -> tags when images that share Dify's version differ in it, or one image has two tags; else {}."""
    tags: dict[str, dict[str, None]] = defaultdict(dict)
    for spot in effective(unit):
        if spot.image and spot.before and spot.kind != "app-version":
            for image, _ in spot.names:
                tags[image][spot.before] = None
    release_tags = {tag for image, found in tags.items() if names.carries_release(image) for tag in found}
    return {
        image: tuple(found)
        for image, found in sorted(tags.items())
        if len(found) > 1 or (len(release_tags) > 1 and names.carries_release(image))
    }


def inheritance(units: Sequence[Unit]) -> Iterator[Remark]:
    """Say of every tag that stands only in a base file which units inherit it."""
    heirs: dict[Spot, list[str]] = defaultdict(list)
    for unit in units:
        base = set(unit.inherits)
        own = {image for spot in unit.spots if spot not in base for image, _ in spot.names}
        for spot in unit.inherits:
            if spot.image and spot.image not in own:
                heirs[spot].append(unit.name)
    for spot, unit_names in heirs.items():
        text = N_("The tag of {image} stands only in {file} (line {line}); inherited by {units}.")
        facts = {"image": spot.image, "file": spot.file, "line": spot.line, "units": ", ".join(unit_names)}
        yield Remark("base-tag", text, facts, file=spot.file, line=spot.line)


def _by_name(found: Sequence[Found], environments: Sequence[Environment]) -> Mapping[str, list[Found]]:
    own: dict[str, list[Found]] = defaultdict(list)
    for each in found:
        matching = [environment.name for environment in environments if globs.matches(each.file, environment.files)]
        for name in matching or [_unit_name(bases.directory(each.file))]:
            own[name].append(each)
    return _with_parts_joined(own, {environment.name for environment in environments})


def _unit_name(directory: str) -> str:
    return ROOT if directory == "." else directory


def _with_parts_joined(own: Mapping[str, list[Found]], named: Collection[str]) -> Mapping[str, list[Found]]:
    """Put directories together that each hold a part of one Dify."""
    siblings: dict[str, list[str]] = defaultdict(list)
    for name, files in own.items():
        if name not in {ROOT, *named} and all(_families(each) <= {"manifests"} for each in files):
            siblings[_unit_name(bases.directory(name))].append(name)
    joined = {
        name: parent
        for parent, group_names in siblings.items()
        if parent not in own and _are_parts([own[name] for name in group_names])
        for name in group_names
    }
    result: dict[str, list[Found]] = defaultdict(list)
    for name, files in own.items():
        result[joined.get(name, name)].extend(files)
    return result


def _are_parts(groups: Sequence[Sequence[Found]]) -> bool:
    """Whether no image stands in two of these directories, each has one, and none is the base of another."""
    images = [{spot.image for each in files for spot in each.spots if spot.image} for files in groups]
    files = [each.file for group_files in groups for each in group_files]
    shelf = bases.Shelf.of(files)
    if any(True for file in files for _ in shelf.bases_of(file)):
        return False
    return len(groups) > 1 and all(images) and sum(map(len, images)) == len(set().union(*images))


def _bases_of(files: Sequence[Found], by_file: Mapping[str, Found], shelf: bases.Shelf) -> tuple[Found, ...]:
    members = {each.file for each in files}
    found = {
        base: by_file[base]
        for each in files
        for base in shelf.bases_of(each.file)
        if base not in members and _akin(by_file[base], each)
    }
    return tuple(found.values())


def _akin(base: Found, heir: Found) -> bool:
    """Whether both are files of one kind, so that the one can go on from the other."""
    return bool(_families(base) & _families(heir))


def _families(found: Found) -> set[str]:
    layouts = {spot.layout for spot in found.spots if spot.image and spot.kind != "app-version"}
    families = {"manifests" if layout in _MANIFESTS else layout for layout in layouts}
    plain = families & {"manifests", "compose"}
    return plain | {"values"} if families - plain or found.named else plain


def _unit(name: str, files: Sequence[Found], base: Sequence[Found]) -> Unit:
    inherits = tuple(spot for each in base for spot in each.spots)
    own = tuple(spot for each in files for spot in each.spots)
    paths = dict.fromkeys(each.file for each in (*base, *files))
    return Unit(name=name, files=tuple(paths), spots=own + inherits, inherits=inherits)
