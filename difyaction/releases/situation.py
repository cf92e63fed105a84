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

    Where its parts differ, ``installed`` is the lowest version of them, from where all breaks are crossed, and
    ``highest`` the highest (None: the same one), behind which nothing may go.

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
    highest: Version | None = None
    highest_head: str | None = None
    wanted_head: str | None = None
    unit: str = ""
    family: Literal["repository", "machine"] = "repository"
    allow_downgrade: bool = False
    machine: MachineSituation | None = None

    @property
    def on_machine(self) -> MachineSituation:
        """What is known of the machine; nothing, where there is none."""
        return self.machine or MachineSituation()

    @property
    def newest(self) -> tuple[Version | None, str | None]:
        """The highest version that is installed, with its schema."""
        return (self.highest, self.highest_head) if self.highest else (self.installed, self.installed_head)

    @property
    def goes_back(self) -> bool:
        """Whether the wanted release is older than anything that is installed."""
        newest, _ = self.newest
        return newest is not None and self.wanted < newest

    @property
    def same_schema(self) -> bool:
        """Whether all that is installed is known to have the schema of the wanted release."""
        heads = {self.installed_head, self.newest[1]}
        return heads == {self.wanted_head} and self.wanted_head is not None
