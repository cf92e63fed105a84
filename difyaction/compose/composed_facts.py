"""What Compose makes of a set of files, before anything is decided: services as it would run them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from difyaction.compose.facts import Mount
from difyaction.releases.images import ImageRef, split_image
from difyaction.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service as Compose itself resolves it, override files, profiles and env files included."""

    name: str
    image: str
    ports: tuple[tuple[str, int, int], ...] = ()  # host's address, host's port, container's port
    mounts: tuple[Mount, ...] = ()
    restart: str = ""
    awaits: tuple[str, ...] = ()  # services that have to have ended well before this one starts
    networks: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, Secret] = field(default_factory=dict, repr=False)

    @property
    def ref(self) -> ImageRef:
        """Its image, taken apart."""
        try:
            return split_image(self.image)
        except ValueError:
            return ImageRef("", self.image, "", None)


@dataclass(frozen=True, kw_only=True)
class Composed:
    """What Compose makes of a set of files. ``why_not`` is what it said when it refused them."""

    services: Mapping[str, Service] = field(default_factory=dict)
    why_not: str = ""
