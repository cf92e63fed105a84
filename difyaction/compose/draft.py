"""The files of the install as they would stand at the wanted release: every one merged three ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from difyaction.compose.env_file import read_env
from difyaction.compose.env_merge import merge
from difyaction.compose.env_records import Merged
from difyaction.compose.file_merge import FileMerge, merge_file
from difyaction.compose.install import Held, Install
from difyaction.compose.mirrors import mirrors_of, refuse_unknown, with_tags_of
from difyaction.compose.renamed import renamed, renames
from difyaction.compose.shipped import EXAMPLE, Shipped
from difyaction.releases.version import Version
from difyaction.secret import Secret

COMPOSE = "docker-compose.yaml"
ENV = ".env"

Files = Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """``files`` are all files of the folder as they would be, ``written`` those of them that change, by path.

    ``merged`` holds how each edited file merged, conflicts included; a conflict leaves the file as it is.
    ``edited`` are those of ``written`` that are not simply upstream's before and upstream's after. ``own`` are the
    paths at which neither release has what would stand there: edits, and files of theirs.
    """

    files: Files = field(repr=False)
    written: tuple[str, ...]
    merged: tuple[FileMerge, ...]
    env: Merged
    shipped: Shipped = field(repr=False)
    edited: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()  # the paths that either release has
    upstream: Files = field(default_factory=dict, repr=False)  # the wanted release's own files


@dataclass(frozen=True, kw_only=True)
class Way:
    """Both ends of the way: the versions, and upstream's ``docker`` folder at each, by path.

    ``head`` is the schema that the wanted release migrates to, empty when nobody can say it before its image is here.
    """

    installed: Version
    wanted: Version
    before: Files = field(repr=False)
    after: Files = field(repr=False)
    head: str = ""


def draft(install: Install, way: Way, *, secret_key: Secret | None, image_map: Mapping[str, str]) -> Draft:
    """Merge every file.

    ``Invalid``: their ``.env`` has a line that Compose cannot read, or ``image_map`` an image that upstream has not.
    """
    refuse_unknown(image_map, (files.get(COMPOSE, b"") for files in (way.before, way.after)), way.wanted)
    theirs = {path: held.content for path, held in install.files.items()}
    mirrors = mirrors_of(theirs.get(COMPOSE, b""), image_map, read_env(theirs.get(ENV, b""), file=ENV).values.get)
    merges = tuple(_merges({**theirs, COMPOSE: mirrors.plain(theirs.get(COMPOSE, b""))}, way))
    drafted = dict(theirs)
    for merged in merges:
        if merged.content is not None:
            drafted[merged.file] = merged.content
    if any(merged.file == COMPOSE and merged.content is not None for merged in merges):
        drafted[COMPOSE] = mirrors.back(drafted[COMPOSE])
    names = renames(way.before.get(COMPOSE, b""), way.after.get(COMPOSE, b""))
    drafted |= {path: renamed(drafted[path], names) for path in (COMPOSE, *install.overrides) if path in drafted}
    shipped = _shipped(way.wanted, drafted[COMPOSE], way.after)
    env = merge(
        _shipped(way.installed, theirs.get(COMPOSE, b""), way.before),
        theirs.get(ENV, b""),
        shipped,
        secret_key=secret_key,
        env_files={path: content for path, content in theirs.items() if path.startswith("envs/") and _is_env(path)},
    )
    drafted[ENV] = env.content
    written = tuple(sorted(path for path, content in drafted.items() if theirs.get(path) != content))
    return Draft(
        files=drafted,
        written=written,
        edited=tuple(
            path
            for path in written
            if path == ENV or theirs.get(path) != way.before.get(path) or drafted[path] != way.after.get(path)
        ),
        own=tuple(
            path for path, content in drafted.items() if content not in (way.before.get(path), way.after.get(path))
        ),
        known=frozenset((*way.before, *way.after)),
        merged=merges,
        env=env,
        shipped=shipped,
        upstream=way.after,
    )


def mode_of(path: str, held: Held | None) -> int:
    """Return the mode for a file: theirs where there is one, else a careful default."""
    if held is not None:
        return held.mode
    return 0o600 if path == ENV else 0o755 if path.endswith(".sh") else 0o644


def _is_env(path: str) -> bool:
    return path.endswith(".env")


def _merges(theirs: Files, way: Way) -> Iterator[FileMerge]:
    for path, target in sorted(way.after.items()):
        base, mine = way.before.get(path), theirs.get(path)
        if path == ENV or (mine is None and base == target):
            continue  # removed by them, or not to be read; either way nothing changes
        if mine is None or mine == target:
            yield FileMerge(path, target)
            continue
        base = base if base is not None else b""
        if path == COMPOSE:
            base, mine = with_tags_of(target, base, mine)
        merged = merge_file(path, base, mine, target)
        # nothing runs from an example: where edits do not fit it is upstream's, and the backup has theirs
        yield FileMerge(path, target) if merged.conflicts and path.endswith((".example", ".md")) else merged


def _shipped(version: Version, compose: bytes, files: Files) -> Shipped:
    return Shipped(
        version=version,
        compose=compose.decode("utf-8", "replace"),
        example=files.get(EXAMPLE),
        envs={path: content for path, content in files.items() if path.startswith("envs/")},
    )
