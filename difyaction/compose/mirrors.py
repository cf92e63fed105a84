"""Images that come from elsewhere: their names in a compose file, and whose they are. Pure."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from difyaction.compose.composed_facts import Composed, Service
from difyaction.compose.facts import Container
from difyaction.compose.interpolation import Lookup, interpolate
from difyaction.errors import Invalid
from difyaction.releases.catalogue import ImageSet
from difyaction.releases.image_map import unknown_images
from difyaction.releases.images import KNOWN, mirrored, split_image
from difyaction.releases.version import Version

_IMAGE = re.compile(rb"^(?P<head>\s+image:\s*[\"']?)(?P<ref>[^\s\"'#]+)(?P<tail>.*)$", re.MULTILINE)
_VARIABLE = re.compile(r"\$\{[^{}]*\}")
_Started = TypeVar("_Started", Container, Service)


@dataclass(frozen=True, kw_only=True)
class Mirrors:
    """What stands in a compose file instead of upstream's names, and what shall.

    ``theirs`` maps repositories as they are written there, variables and all, to upstream's names; ``wanted`` maps
    upstream's names to repositories. Where their file already names what `image-map` asks for, it keeps its words.
    """

    theirs: Mapping[str, str]
    wanted: Mapping[str, str]

    def plain(self, compose: bytes) -> bytes:
        """Return the file as it would be if all images came from upstream."""
        return _renamed(compose, self.theirs)

    def back(self, compose: bytes) -> bytes:
        """Return a file of upstream's names with the mirrors' in their place."""
        return _renamed(compose, self.wanted)


def mirrors_of(compose: bytes, image_map: Mapping[str, str], lookup: Lookup) -> Mirrors:
    """Return the mirrors that a compose file names, and those of `image-map`. ``lookup`` knows variables."""
    theirs = {mirror: name for name, mirror in image_map.items()}
    wanted = dict(image_map)
    kept: set[str] = set()
    for written in _repositories(compose):
        resolved = _resolved(written, lookup)
        asked = mirrored(resolved, image_map)
        name = asked or split_image(resolved).dify_name or ""
        if not name or written == name:
            continue
        theirs[written] = name
        if name not in kept and (asked or name not in image_map):
            kept.add(name)
            wanted[name] = written
    return Mirrors(theirs=theirs, wanted=wanted)


def with_tags_of(target: bytes, base: bytes, theirs: bytes) -> tuple[bytes, bytes]:
    """Return both compose files with the tags of the target's images: a new tag is no change that an edit could touch.

    Only those of images that have one tag in the base and one in the target. Theirs has to name them as often, with
    one of these tags: all else is an edit.
    """
    old, new, own = _tags(base), _tags(target), _tags(theirs)
    names: dict[str, str] = {}
    for image in old.keys() & new.keys() & own.keys():
        if len({*old[image]}) == len({*new[image]}) == 1 and len(own[image]) == len(old[image]):
            before, after = old[image][0], new[image][0]
            if {*own[image]} <= {before, after}:
                names[f"{image}:{before}"] = f"{image}:{after}"

    def retag(match: re.Match[bytes]) -> bytes:
        ref = match["ref"].decode("utf-8", "surrogateescape")
        return match["head"] + names[ref].encode() + match["tail"] if ref in names else match[0]

    return _IMAGE.sub(retag, base), _IMAGE.sub(retag, theirs)


def refuse_unknown(image_map: Mapping[str, str], files: Iterable[bytes], wanted: Version) -> None:
    """Raise `Invalid` (image-map-unknown) for images that none of upstream's compose files names."""
    known = KNOWN.union(*(set(_repositories(compose)) for compose in files))
    if complaints := tuple(unknown_images(image_map, known, wanted)):
        raise Invalid(complaints)


def known_by(started: Iterable[_Started], image_map: Mapping[str, str]) -> tuple[_Started, ...]:
    """Return containers or services that know of their images what `image-map` says of them."""
    return tuple(replace(each, stands_for=mirrored(each.image, image_map)) for each in started)


def fetched_from(image: str, image_map: Mapping[str, str]) -> str:
    """Return the reference by which an image of upstream's is had, with the same tag."""
    ref = split_image(image)
    elsewhere = image_map.get(ref.repository, ref.repository)
    return f"{elsewhere}{image.removeprefix(ref.repository)}"


def told(composed: Composed, image_map: Mapping[str, str]) -> Composed:
    """Return what Compose said, with what `image-map` says of its images."""
    return replace(
        composed, services={service.name: service for service in known_by(composed.services.values(), image_map)}
    )


def strangers(composed: Composed, upstream: ImageSet) -> Iterator[tuple[str, Service]]:
    """Yield what runs in the place of upstream's images and is not known as one of them: the image, and who runs it."""
    for image, names in sorted(upstream.services.items()):
        for service in (composed.services[name] for name in names if name in composed.services):
            if service.ref.dify_name != image:
                yield image, service


def _repositories(compose: bytes) -> Iterator[str]:
    """Yield the repositories of all images, as they are written."""
    for match in _IMAGE.finditer(compose):
        ref = match["ref"].decode("utf-8", "surrogateescape")
        with contextlib.suppress(ValueError):
            yield ref[: len(split_image(_blotted(ref)).repository)]


def _tags(compose: bytes) -> dict[str, list[str]]:
    """Return the tags of every image, one for each line that names it, as they are written, digests with them."""
    found: dict[str, list[str]] = {}
    for match in _IMAGE.finditer(compose):
        ref = match["ref"].decode("utf-8", "surrogateescape")
        with contextlib.suppress(ValueError):
            image = split_image(ref).repository
            found.setdefault(image, []).append(ref.removeprefix(image).removeprefix(":"))
    return found


def _resolved(written: str, lookup: Lookup) -> str:
    """Return a repository without variables; those that cannot be read are blotted out."""
    with contextlib.suppress(ValueError):
        resolved = interpolate(written, lookup)
        split_image(resolved)
        return resolved
    return _blotted(written)


def _blotted(written: str) -> str:
    """Blot out variables, length kept: the colon in front of a default is not the tag's."""
    return _VARIABLE.sub(lambda hole: "x" * len(hole[0]), written)


def _renamed(compose: bytes, names: Mapping[str, str]) -> bytes:
    """Replace the repositories of images, tags untouched."""

    def rename(match: re.Match[bytes]) -> bytes:
        ref = match["ref"].decode("utf-8", "surrogateescape")
        for old, new in names.items():
            if ref.startswith((f"{old}:", f"{old}@")) or ref == old:
                return (
                    match["head"] + f"{new}{ref.removeprefix(old)}".encode("utf-8", "surrogateescape") + match["tail"]
                )
        return match[0]

    return _IMAGE.sub(rename, compose) if names else compose
