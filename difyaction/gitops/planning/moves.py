"""What shall stand at each place: the tag of the wanted release, with its digest where one belongs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from difyaction import errors
from difyaction.gitops.editing.address import Path, format_file, format_path
from difyaction.gitops.finding.spot import Spot
from difyaction.gitops.records import ImageFinding
from difyaction.releases.catalogue import ImageSet
from difyaction.releases.images import split_image

Wanted = tuple[str, str, str]
"""An image as the registry knows it: registry ('' for Docker Hub), name, tag."""

_FLAVOURS = ("local", "serverless")  # builds of the plugin daemon; compose runs the first
_DEFAULT = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*:?[-=]([^${}]*)\}")
_HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})


@dataclass(frozen=True)
class Move:
    """One leaf that becomes another. ``before`` and ``after`` are what a reader compares; ``value`` the whole leaf."""

    spot: Spot
    path: Path
    expect: str
    value: str
    before: str
    after: str

    @property
    def where(self) -> str:
        """The leaf as a reader sees it, and as `set` reads it."""
        return f"{format_file(self.spot.file)}#{format_path(self.path, self.spot.document or None)}"


@dataclass(frozen=True)
class Digests:
    """What the registry said, and whether every tag shall be pinned by it."""

    known: Mapping[Wanted, str]
    pin: bool

    @classmethod
    def of(cls, findings: Sequence[ImageFinding], *, pin: bool) -> Digests:
        """Take the digests of what was found."""
        known = {
            ("" if each.registry in _HUB else each.registry, each.name, each.tag): each.digest
            for each in findings
            if each.digest
        }
        return cls(known, pin)


def wanted_tag(spot: Spot, images: ImageSet) -> str | None:
    """Return the tag that the release has for this place, None when it has none. A daemon keeps its flavour.

    Raises `errors.Invalid` (tag-shared) when images take their tag from here that need different ones.
    """
    tag = images.tags.get(spot.image)
    if tag is None:
        return None
    others = {image: images.tags[image] for image, _ in spot.names if images.tags.get(image, tag) != tag}
    if others:
        needs = ", ".join(f"{image} needs {other}" for image, other in others.items())
        text = (
            f"{spot.where} (line {spot.line}): {spot.image} needs {tag}, but {needs}, and all take their tag from here."
        )
        raise errors.Invalid([errors.Complaint(id="tag-shared", text=text, file=spot.file, line=spot.line)])
    local, serverless = (f"-{flavour}" for flavour in _FLAVOURS)
    if spot.before.endswith(serverless) and tag.endswith(local):
        return tag.removesuffix(local) + serverless
    return tag


def registry_images(spot: Spot, tag: str) -> Iterator[Wanted]:
    """Yield what a registry has to have for this place. A name that only a variable knows cannot be asked for."""
    for _, written in spot.names:
        repository = _DEFAULT.sub(r"\1", written)
        try:
            parts = split_image(repository)
        except ValueError:
            continue
        if not {"$", "{", "<"} & set(repository):
            yield "" if parts.registry in _HUB else parts.registry, parts.name, tag


def moves_of(spot: Spot, tag: str, digests: Digests) -> tuple[Move, ...]:
    """Return what changes so that ``tag`` stands at this place; () when it does already.

    Raises `errors.Invalid` (digest-unknown) when a digest has to stand there and nobody has said which.
    """
    known = _digest(spot, tag, digests)
    if _is_right(spot, tag, known, pin=digests.pin):
        return ()
    digest = None
    if digests.pin or spot.digest:
        digest = known
        if digest is None:
            raise errors.Invalid([_complain(spot, tag, pin=digests.pin)])
    if not spot.before and digest == spot.digest:
        return ()
    if digest and spot.digest_path and spot.digest_path != spot.path:
        return (*_moved(spot, tag, None), *_apart(spot, digest))
    return _moved(spot, tag, digest)


def _is_right(spot: Spot, tag: str, known: str | None, *, pin: bool) -> bool:
    """Whether all stands here as wanted. A digest that nobody has said anything about is taken for the tag's own."""
    if spot.before != tag:
        return False
    return known in {None, spot.digest} if spot.digest else not pin


def _moved(spot: Spot, tag: str, digest: str | None) -> tuple[Move, ...]:
    start, end = spot.span
    before = spot.value[start:end]
    after = _text(spot, tag, digest)
    if before == after:
        return ()
    return (Move(spot, spot.path, spot.value, spot.with_text(after), before.lstrip("@") or before, after.lstrip(":")),)


def _text(spot: Spot, tag: str, digest: str | None) -> str:
    if spot.digest_path == spot.path:  # kustomize's `digest:` without a tag
        return digest or tag
    glue = ":" if spot.value[spot.span[0] : spot.span[0] + 1] == "@" else ""
    return f"{glue}{tag}@{digest}" if digest else f"{glue}{tag}"


def _apart(spot: Spot, digest: str) -> tuple[Move, ...]:
    old = spot.digest or ""
    return (Move(spot, spot.digest_path or spot.path, old, digest, old, digest),) if digest != old else ()


def _digest(spot: Spot, tag: str, digests: Digests) -> str | None:
    found = {digests.known.get(image) for image in registry_images(spot, tag)}
    return found.pop() if len(found) == 1 else None


def _complain(spot: Spot, tag: str, *, pin: bool) -> errors.Complaint:
    why = "pin-digests is on" if pin else "the digest of the old image must not stay"
    shared = ", ".join(image for image, _ in spot.names)
    if len(spot.names) > 1:
        text = f"{spot.where} (line {spot.line}): {why}, but this one tag serves {shared}, which have two digests."
        return errors.Complaint(id="digest-shared", text=text, file=spot.file, line=spot.line)
    text = (
        f"{spot.where} (line {spot.line}): {why}, and no registry has said the digest of {shared}:{tag}. "
        "Set image-check to require, or take the digest out of the file."
    )
    return errors.Complaint(id="digest-unknown", text=text, file=spot.file, line=spot.line)


def fixed_move(spot: Spot, value: str) -> tuple[Move, ...]:
    """Return the move of a place to the value that the user wrote for it; () when it stands there already."""
    if spot.value == value:
        return ()
    return (Move(spot, spot.path, spot.value, value, spot.value, value),)


def chart_move(spot: Spot, version: str) -> tuple[Move, ...]:
    """Return the move of a chart's version; () when it stands there already."""
    return _moved(spot, version, None) if spot.before != version else ()


def carries(spot: Spot) -> str:
    """Return what a place is for, as a reader calls it."""
    if spot.kind == "chart-version":
        return "chart dify"
    if spot.kind == "app-version":
        return "appVersion"
    return spot.image or "(set)"
