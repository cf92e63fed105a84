"""The whole stage: GitHub, upstream and a registry on loopback, and the inputs that lead there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.emulators.github.emulator import GitHubEmulator
from tests.emulators.registry.emulator import RegistryEmulator
from tests.stage import sample, upstream

REPOSITORY = "acme/gitops"


@dataclass(frozen=True)
class World:
    """``repository`` is the emulated one that holds the sample; ``app`` is installed there."""

    github: GitHubEmulator
    registry: RegistryEmulator
    repository: Any
    app: Any

    def inputs(self, **more: str) -> dict[str, str]:
        """Return the inputs of the README's quick start for this stage; underscores in names become hyphens."""
        given = {
            "target": "gitops",
            "dify-version": "1.14.1",
            "files": "environments/*/values.yaml",
            "api-url": self.github.url,
            "dify-api-url": self.github.url,
            "app-client-id": self.app.client_id,
            "app-private-key": self.app.private_key,
        }
        return given | {name.replace("_", "-"): value for name, value in more.items()}


@contextmanager
def world(files: Mapping[str, bytes] | None = None, **settings: Any) -> Iterator[World]:  # noqa: ANN401 - the emulator's own
    """Build it; ``files`` are more files of the sample repository, ``settings`` the emulator's repository settings."""
    with GitHubEmulator() as github, RegistryEmulator() as registry:
        for version, tags in upstream.SETS.items():
            for image, tag in {"api": version, "web": version, **tags}.items():
                registry.push(f"langgenius/dify-{image}", tag, platforms=("linux/amd64", "linux/arm64"))
        github.upstream(releases=upstream.releases(), files=upstream.files())
        repository = github.repository(REPOSITORY, files=sample.files(registry.host) | dict(files or {}), **settings)
        yield World(github, registry, repository, github.app(repositories=[REPOSITORY]))
