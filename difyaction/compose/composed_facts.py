"""What Compose makes of a set of files, before anything is decided: services as it would run them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from difyaction.compose.facts import Mount, ref_of
from difyaction.releases.images import ImageRef
from difyaction.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service as Compose itself resolves it, override files, profiles and env files included.

    ``image`` is empty where it is only built.
    """

    name: str
    image: str
    builds: bool = False  # whether Compose would build the image on the host
    ports: tuple[tuple[str, int, int], ...] = ()  # host's address, host's port, container's port
    mounts: tuple[Mount, ...] = ()
    restart: str = ""
    awaits: tuple[str, ...] = ()  # services that have to have ended well before this one starts
    depends: tuple[str, ...] = ()  # services that have to be there
    networks: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    stands_for: str = ""  # upstream's name of its image, where `image-map` says that it is a mirror's

    @property
    def ref(self) -> ImageRef:
        """Its image, taken apart."""
        return ref_of(self.image, self.stands_for)


@dataclass(frozen=True, kw_only=True)
class Composed:
    """What Compose makes of a set of files. ``why_not`` is what it said when it refused them."""

    services: Mapping[str, Service] = field(default_factory=dict)
    why_not: str = ""
