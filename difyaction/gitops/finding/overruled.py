"""Defaults in compose files that count for nothing, because the `.env` beside them sets the variable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from difyaction import errors
from difyaction.gitops.editing.dotenv import EnvLine, read_env
from difyaction.gitops.files import FileAt
from difyaction.gitops.finding import bases, names
from difyaction.gitops.finding.found import Found, Overruled


@dataclass
class _Variables:
    """The `.env` files, each read once."""

    files: Mapping[str, FileAt]

    def __post_init__(self) -> None:
        self._read: dict[str, Mapping[str, EnvLine]] = {}

    def beside(self, file: str) -> tuple[str, Mapping[str, EnvLine]]:
        """Return the `.env` in the directory of a file, and what it sets; nothing where it cannot be read."""
        directory = bases.directory(file)
        path = ".env" if directory == "." else f"{directory}/.env"
        if path not in self._read:
            self._read[path] = _lines(self.files[path]) if path in self.files else {}
        return path, self._read[path]


def with_overruled(found: Sequence[Found], files: Sequence[FileAt]) -> tuple[Found, ...]:
    """Add to every file the defaults that the `.env` beside it overrules, but for variables that move themselves."""
    moving = {(spot.file, spot.path[0]) for each in found for spot in each.spots if spot.kind == "env"}
    known = _Variables({file.path: file for file in files})
    return tuple(_checked(each, known, moving) for each in found)


def _checked(each: Found, known: _Variables, moving: set[tuple[str, str | int]]) -> Found:
    overruled: list[Overruled] = []
    for spot in each.spots:
        variable = names.variable_around(spot.value, spot.span) if "${" in spot.value else ""
        if not variable:
            continue
        env_file, lines = known.beside(spot.file)
        line = lines.get(variable)
        if line and line.value and (env_file, variable) not in moving:
            overruled.append(Overruled(spot, variable, env_file, line.line))
    return replace(each, overruled=tuple(overruled)) if overruled else each


def _lines(file: FileAt) -> Mapping[str, EnvLine]:
    try:
        return {line.key: line for line in read_env(file.content, file=file.path)}
    except errors.Invalid:  # Compose could not read it either
        return {}
