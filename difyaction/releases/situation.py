"""What the rules look at: one unit, before it moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from difyaction.releases.catalogue import ImageSet
from difyaction.releases.machine import MachineSituation
from difyaction.releases.version import Version

Facts = Mapping[str, object]  # what a rule's text may name


@dataclass(frozen=True)
class Situation:
    """What is known of one unit before it moves. ``installed`` None: nobody can tell from its files.

    ``own_images`` and ``other_images`` map the images that the unit's files name (of Dify; any other)
    to the tags that stand there, ``upstream`` is the set of the wanted release. ``layouts`` are ids
    of known layouts. ``migrates``: True when the files show that migrations run, False when they
    show that they do not, None when they do not say. ``wanted_known``: whether this project has data
    on the wanted release.
    """

    wanted: Version
    installed: Version | None = None
    wanted_known: bool = True
    own_images: Mapping[str, str] = field(default_factory=dict)
    upstream: ImageSet = field(default_factory=lambda: ImageSet(tags={}))
    other_images: Mapping[str, str] = field(default_factory=dict)
    layouts: frozenset[str] = frozenset()
    migrates: bool | None = None
    installed_head: str | None = None
    wanted_head: str | None = None
    unit: str = ""
    family: Literal["repository", "machine"] = "repository"
    allow_downgrade: bool = False
    machine: MachineSituation | None = None

    @property
    def goes_back(self) -> bool:
        """Whether the wanted release is older than the installed one."""
        return self.installed is not None and self.wanted < self.installed

    @property
    def same_schema(self) -> bool:
        """Whether both releases are known to have the same schema."""
        return self.installed_head is not None and self.installed_head == self.wanted_head
