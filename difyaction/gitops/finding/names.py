"""Recognise Dify's images in the texts that name them, and see where tag and digest stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from difyaction.releases.images import HUB, split_image
from difyaction.releases.version import Version

API = "langgenius/dify-api"
WEB = "langgenius/dify-web"
DAEMON = "langgenius/dify-plugin-daemon"

_HOLE = re.compile(r"\$\{[^{}]*\}|\$\([^()]*\)|\$[A-Za-z_][A-Za-z0-9_]*|\{\{.*?\}\}|<[^<>]*>|%[A-Za-z_]+%")
_DEFAULTED = re.compile(r"\$\{(?P<variable>[A-Za-z_][A-Za-z0-9_]*)(?::?[-=])(?P<default>[^${}]+)\}")
_VARIABLE = re.compile(r"\$(?:(?P<bare>[A-Za-z_][A-Za-z0-9_]*)|\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)\})")
_OVERRIDE = re.compile(r"[^=\s:@]+=")  # Argo CD writes kustomize's images as name=reference
_PLAIN = re.compile(r"v?[0-9]+\.[0-9]+(?:\.[0-9]+)?(?:-(?:alpha|beta|rc)\.?[0-9]*)?")
_FLAVOURED = re.compile(_PLAIN.pattern + r"(?:-(?:local|serverless))?")
_WORD = re.compile(r"(?<![a-z])dify", re.IGNORECASE)

RELEASE_PREFIXES = ("langgenius/dify-api", "langgenius/dify-web", "langgenius/dify-agent-")


@dataclass(frozen=True)
class Place:
    """Tag and digest inside a text. ``hole`` is what stands there when no fixed tag does: a variable, a template."""

    tag: str
    digest: str | None
    span: tuple[int, int]
    hole: str = ""

    @property
    def variable(self) -> str:
        """The name of the variable that alone decides, or ''."""
        found = _VARIABLE.fullmatch(self.hole)
        return (found["bare"] or found["braced"]) if found else ""


@dataclass(frozen=True)
class Reference:
    """A whole image reference inside a leaf: upstream's name, the name as written, and where the tag stands."""

    image: str
    repository: str
    place: Place


def mentions(text: str) -> bool:
    """Whether a text names Dify as a word: `dify-helm`, not `modify`."""
    return _WORD.search(text) is not None


def carries_release(image: str) -> bool:
    """Whether upstream tags this image with Dify's own version."""
    return image.startswith(RELEASE_PREFIXES)


def canonical(repository: str, image_map: Mapping[str, str]) -> str | None:
    """Upstream's name of a repository, be it mirrored under its own name or as ``image_map`` says; None for others."""
    bare = repository.removeprefix(HUB)
    for image, mirror in image_map.items():
        if bare == mirror.removeprefix(HUB):
            return image
    try:
        return split_image(_masked(repository)).dify_name
    except ValueError:
        return None


def find_reference(text: str, image_map: Mapping[str, str]) -> Reference | None:
    """Read a leaf that is one reference to an image of Dify, with a tag or a digest; None if it is anything else."""
    if wrapped := _DEFAULTED.fullmatch(text):
        inner = find_reference(wrapped["default"], image_map)
        return inner and _shifted(inner, wrapped.start("default"))
    start = override.end() if (override := _OVERRIDE.match(text)) else 0
    try:
        parts = split_image(_masked(text[start:]))
    except ValueError:
        return None
    repository = text[start : start + len(parts.repository)]
    image = canonical(repository, image_map)
    tail = start + len(parts.repository)
    if image is None or tail == len(text):
        return None
    if not parts.tag:  # a digest alone: the tag is put before it, with its colon
        return Reference(image, repository, Place("", parts.digest, (tail, len(text))))
    return Reference(image, repository, _moved(find_place(text[tail + 1 :]), tail + 1))


def find_place(text: str) -> Place:
    """Read a text that is a tag, perhaps with a digest behind it, perhaps the default of a variable."""
    if defaulted := _DEFAULTED.fullmatch(text):
        return _moved(find_place(defaulted["default"]), defaulted.start("default"))
    if _HOLE.search(text):
        return Place("", None, (0, len(text)), text)
    tag, _, digest = text.partition("@")
    return Place(tag, digest or None, (0, len(text)))


def variable_around(text: str, span: tuple[int, int]) -> str:
    """Return the variable whose default stands at ``span``, '' when it is no default."""
    for found in _DEFAULTED.finditer(text):
        if found.start("default") <= span[0] and span[1] <= found.end("default"):
            return found["variable"]
    return ""


def version_of(tag: str) -> Version | None:
    """Read a tag as a version of Dify, None if it is none."""
    try:
        return Version.parse(tag)
    except ValueError:
        return None


def is_upstreams(image: str, tag: str) -> bool:
    """Whether a tag has a shape that upstream gives to this image, or is `latest`, or nothing.

    Anything behind it (`0.2.14-acme1`) is somebody's own build.
    """
    if tag in {"", "latest"}:
        return True
    if carries_release(image):
        return version_of(tag) is not None
    return (_FLAVOURED if image == DAEMON else _PLAIN).fullmatch(tag) is not None


def _masked(text: str) -> str:
    """Blot out variables and templates, length kept, so that their colons are not taken for the tag's."""
    return _HOLE.sub(lambda hole: "x" * len(hole[0]), text)


def _moved(place: Place, by: int) -> Place:
    return Place(place.tag, place.digest, (place.span[0] + by, place.span[1] + by), place.hole)


def _shifted(reference: Reference, by: int) -> Reference:
    return Reference(reference.image, reference.repository, _moved(reference.place, by))
