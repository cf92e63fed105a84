"""What every resource has, and where resources are kept."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from typing import TypeVar

from tests.emulators.azure.problems import Json


@dataclass
class Resource:
    """A resource of Resource Manager; ``top`` are members beside ``properties`` that only some have."""

    id: str
    type: str
    location: str
    tags: dict[str, str] = field(default_factory=dict)
    properties: dict[str, Json] = field(default_factory=dict)
    top: dict[str, Json] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.id.rsplit("/", 1)[1]

    @property
    def group_name(self) -> str:
        return self.id.split("/")[4]

    @property
    def etag(self) -> str:
        return str(self.top.get("etag", ""))

    def show(self) -> Json:
        return {
            "name": self.name,
            "id": self.id,
            "type": self.type,
            "location": self.location,
            "tags": self.tags,
            **self.top,
            "properties": self.properties,
        }


R = TypeVar("R", bound=Resource)


def new_etag() -> str:
    return f'W/"{uuid.uuid4()}"'


def new_guid() -> str:
    return str(uuid.uuid4())


def new_hex() -> str:
    return random.randbytes(16).hex()  # noqa: S311 - part of a disk's name


class Store:
    """Resources by id; case does not count."""

    def __init__(self) -> None:
        self._kept: dict[str, Resource] = {}

    def add(self, resource: R) -> R:
        self._kept[resource.id.lower()] = resource
        return resource

    def remove(self, resource: Resource) -> None:
        self._kept.pop(resource.id.lower(), None)

    def find(self, resource_id: str, kind: type[R]) -> R | None:
        found = self._kept.get(resource_id.lower())
        return found if isinstance(found, kind) else None

    def of_type(self, name: str, scope: str = "") -> list[Resource]:
        """Return the resources of a type (``Microsoft.Compute/snapshots``) below an id."""
        wanted, below = name.lower(), scope.lower()
        return [one for one in self._kept.values() if one.type.lower() == wanted and one.id.lower().startswith(below)]
