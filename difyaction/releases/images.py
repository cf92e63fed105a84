"""Image references, and the set of images that one release of Dify runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from difyaction.releases.catalogue import ImageSet

DIFY = "langgenius/dify-"
API, SANDBOX = f"{DIFY}api", f"{DIFY}sandbox"
HUB = "docker.io/"

KNOWN = frozenset(
    DIFY + name for name in ("api", "web", "sandbox", "plugin-daemon", "agent-backend", "agent-local-sandbox")
)
"""Every image of Dify's own that a release of it has run. Others that are named alike are somebody else's."""

# A registry is told from a first directory as Docker does it: by a dot, a port, or `localhost`.
# A tag may be a Compose variable (`${DIFY_VERSION:-1.14.1}`), so that it may hold colons itself.
_REFERENCE = re.compile(
    r"(?:(?P<registry>[^/:@\s]+\.[^/:@\s]+(?::[0-9]+)?|[^/:@\s]+:[0-9]+|localhost)/)?"
    r"(?P<name>[^:@\s]+)"
    r"(?::(?P<tag>[^@\s]+))?"
    r"(?:@(?P<digest>[a-z0-9+._-]+:[0-9a-fA-F]+))?"
)


@dataclass(frozen=True)
class ImageRef:
    """``registry/name:tag@digest`` in its parts. An absent registry or tag is ``""``, an absent digest None.

    ``stands_for`` is upstream's name of what this mirrors, where somebody said so.
    """

    registry: str
    name: str
    tag: str
    digest: str | None
    stands_for: str = ""

    @property
    def repository(self) -> str:
        """Registry and name, as they stand before the tag."""
        return f"{self.registry}/{self.name}" if self.registry else self.name

    @property
    def known_name(self) -> str:
        """The name by which upstream's compose file would call it."""
        return self.stands_for or self.name

    @property
    def dify_name(self) -> str | None:
        """The image of Dify that this is, wherever it is mirrored: ``langgenius/dify-api``; None for any other."""
        owner, _, image = self.known_name.rpartition("/")
        canonical = f"{owner.rpartition('/')[2]}/{image}"
        return canonical if canonical in KNOWN else None


def split_image(ref: str) -> ImageRef:
    """Take an image reference apart. ``ValueError`` when it is none."""
    found = _REFERENCE.fullmatch(ref)
    if found is None:
        raise ValueError(f"'{ref}' is not an image reference; they look like registry.example:5000/name:tag@sha256:...")
    return ImageRef(found["registry"] or "", found["name"], found["tag"] or "", found["digest"])


def is_same(one: ImageRef, other: ImageRef) -> bool:
    """Whether two references are of one image, wherever it is fetched from; a digest may stand in one of them alone."""
    names = [(ref.known_name.removeprefix("library/"), ref.tag or "latest") for ref in (one, other)]
    return names[0] == names[1] and (one.digest == other.digest or None in {one.digest, other.digest})


def mirrored(image: str, image_map: Mapping[str, str]) -> str:
    """Return upstream's name of what a reference stands for by ``image-map``, empty when it says nothing of it."""
    try:
        repository = split_image(image).repository
    except ValueError:
        return ""
    found = (name for name, mirror in image_map.items() if mirror.removeprefix(HUB) == repository.removeprefix(HUB))
    return next(found, "")


def image_set(compose_text: str) -> ImageSet:
    """Read the images of upstream's compose file of one release.

    ``ValueError`` when the text is no compose file, or names one image of Dify with two tags: then
    nobody could say which one is the release's.
    """
    tags: dict[str, str] = {}
    services: dict[str, tuple[str, ...]] = {}
    others: dict[str, str] = {}
    for service, image in _images(compose_text):
        if not image.name.startswith(DIFY):
            others.setdefault(image.name, image.tag or "latest")
            continue
        if tags.setdefault(image.name, image.tag) != image.tag:
            raise ValueError(f"{image.name} appears with two tags, {tags[image.name]} and {image.tag}")
        services[image.name] = (*services.get(image.name, ()), service)
    if not tags:
        raise ValueError(f"it names no image {DIFY}*")
    return ImageSet(tags=tags, services=services, others=others)


def _images(compose_text: str) -> Iterator[tuple[str, ImageRef]]:
    """Yield the services that run an image, with the image. A service that is built here has none."""
    try:
        # The pure loader, because libyaml's bindings are not part of every wheel of ruamel.yaml.
        content = YAML(typ="safe", pure=True).load(compose_text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise ValueError(f"it is not YAML{where}") from error
    services = content.get("services") if isinstance(content, Mapping) else None
    if not isinstance(services, Mapping):
        raise ValueError("it has no services")  # noqa: TRY004 - wrong content, not a wrong argument
    for name, service in services.items():
        if isinstance(service, Mapping) and isinstance(service.get("image"), str):
            yield str(name), split_image(service["image"])
