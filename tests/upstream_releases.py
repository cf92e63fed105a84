"""Upstream's files of real releases, read once."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

from difyaction.compose.shipped import Shipped
from difyaction.releases.version import Version
from tests.shared import shared_root


def folder_of(tag: str) -> Path:
    return shared_root() / "dify" / "releases" / tag / "docker"


@functools.cache
def shipped(tag: str) -> Shipped:
    docker = folder_of(tag)
    return Shipped(
        version=Version.parse(tag),
        compose=(docker / "docker-compose.yaml").read_text(encoding="utf-8"),
        example=(docker / ".env.example").read_bytes(),
        envs={str(path.relative_to(docker)): path.read_bytes() for path in sorted(docker.glob("envs/**/*.example"))},
    )


def tags() -> list[str]:
    """All releases that are there, oldest first."""
    releases = shared_root() / "dify" / "releases"
    return sorted((folder.name for folder in releases.iterdir() if folder.is_dir()), key=Version.parse)


def pairs() -> list[tuple[str, str]]:
    """Every way from an older release to a newer one."""
    return list(combinations(tags(), 2))


@functools.cache
def files_of(tag: str) -> Mapping[str, bytes]:
    """Every file below upstream's docker folder, by path."""
    docker = folder_of(tag)
    return {str(path.relative_to(docker)): path.read_bytes() for path in sorted(docker.rglob("*")) if path.is_file()}
