"""Facts about the folder that a Dify was installed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A git checkout that holds the folder. ``outside`` are edited files that are not below the folder.

    ``tracked`` are the files below the folder that its commit has; a checkout of another commit replaces them.
    ``deleted`` are those of ``edited`` that are not there any more.
    """

    top: str
    commit: str
    branch: str
    tags: tuple[str, ...]
    edited: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    tracked: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    remote: str = ""


@dataclass(frozen=True, kw_only=True)
class Held:
    """A file of the folder as it stands there."""

    content: bytes = field(repr=False)
    mode: int = 0o644


ORDINARY = ("docker-compose.yaml", "docker-compose.yml", "compose.yaml", "compose.yml")  # what Compose looks for itself
_OVERRIDES = tuple(f"{name}.override.{end}" for name in ("compose", "docker-compose") for end in ("yml", "yaml"))


@dataclass(frozen=True, kw_only=True)
class Install:
    """The folder with the compose file. ``files`` are its small files by path, volumes left out.

    ``files`` holds the ``.env`` too. ``compose_files`` are what Compose was given, by the containers' labels.
    ``main`` is the first of these, or what Compose would take by itself.
    ``size`` is that of all files that are copied as configuration, without what containers mount; None: not measured.
    """

    folder: str
    project: str
    compose_files: tuple[str, ...]
    env_files: tuple[str, ...] = ()  # what `--env-file` named, likewise
    main: str = "docker-compose.yaml"
    files: Mapping[str, Held] = field(repr=False)
    checkout: Checkout | None = None
    others: tuple[str, ...] = ()  # further folders that could have been meant
    cut: bool = False  # whether there were more files than could be brought
    unseen: tuple[str, ...] = ()  # folders in it with more files than people write; `.` is the folder itself
    writable: bool = True  # for the user that we are there
    links: tuple[str, ...] = ()  # symbolic links in the folder; in volumes only the uppermost
    size: int | None = None

    @property
    def kind(self) -> str:
        """How it was installed: ``git``, or ``copy`` (a ZIP, rsync)."""
        return "git" if self.checkout else "copy"

    @property
    def overrides(self) -> tuple[str, ...]:
        """The compose files that stand over upstream's own, by path in the folder."""
        given = [file for file in self._given if file not in self.gone_overrides]
        if not given or self.gone_overrides:
            given += [name for name in self._usual if name not in given]
        return tuple(name for name in given if name not in ORDINARY)

    @property
    def gone_overrides(self) -> tuple[str, ...]:
        """Files of the folder that the containers were started with, and that are not there any more."""
        if self.cut or "." in self.unseen:
            return ()
        elsewhere = ("/", "volumes/", "env-backup/", *(f"{folder}/" for folder in self.unseen))
        inside = (file for file in self._given if file not in ORDINARY and not file.startswith(elsewhere))
        return tuple(file for file in inside if file not in self.files and file not in self.links)

    @property
    def unused_overrides(self) -> tuple[str, ...]:
        """The override file that Compose would take by itself, where Dify was last started without any."""
        return () if self.overrides else self._usual

    @property
    def _usual(self) -> tuple[str, ...]:
        return tuple(name for name in _OVERRIDES if name in self.files or name in self.links)[:1]

    @property
    def _given(self) -> list[str]:
        return [file.removeprefix(f"{self.folder}/") for file in self.compose_files]
