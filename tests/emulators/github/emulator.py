"""The emulated GitHub as tests hold it in their hands. README.md beside this folder is its overview."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.emulators.github.credentials import App
from tests.emulators.github.door import Door
from tests.emulators.github.hub import Hub
from tests.emulators.github.pulls import stamp
from tests.emulators.github.repository import Repository, Settings
from tests.emulators.loopback import Loopback
from tests.emulators.request import Request

JOURNAL = "GITHUB_EMULATOR_JOURNAL"
LOGINS = {"actions": "github-actions[bot]", "app": "installed-app[bot]"}


class GitHubEmulator:
    """A GitHub for one test. ``ghes`` makes it an Enterprise Server of that version; ``clock`` is its time."""

    def __init__(
        self, *, ghes: str | None = None, journal: Path | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="github-")
        self.hub = Hub(Path(self._directory.name), clock, ghes)
        named = os.environ.get(JOURNAL)
        door = Door(self.hub)
        self._loopback = Loopback(
            door.read, door.answer, clock=clock, journal=journal or (Path(named) if named else None)
        )
        self.origin = self.hub.origin = f"http://{self._loopback.host}"
        self.url = self.hub.api
        self.graphql_url = self.origin + door.graphql_path
        self.requests = self._loopback.requests
        self.faults = self._loopback.faults

    def __enter__(self) -> Self:
        self._loopback.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loopback.stop()
        self.hub.close()
        self._directory.cleanup()
        if kind is None and self._loopback.surprises:
            raise AssertionError("the emulator was asked for what it does not model:\n" + self._loopback.surprises[0])

    # -- what stands on it ------------------------------------------------------------------------------------

    def repository(
        self,
        full_name: str,
        files: Mapping[str, bytes] | None = None,
        *,
        modes: Mapping[str, str] | None = None,
        default_branch: str = "main",
        **settings: Any,  # noqa: ANN401 - the fields of Settings
    ) -> Repository:
        """Make a repository with one commit, or an empty one when ``files`` is left out."""
        repository = self.hub.add(full_name, Settings(**settings), default_branch)
        if files is not None:
            repository.push(files, message="Initial commit", branch=default_branch, modes=modes)
        return repository

    def upstream(
        self,
        full_name: str = "langgenius/dify",
        *,
        releases: Sequence[Mapping[str, Any]] = (),
        files: Mapping[str, Mapping[str, str]] | None = None,
    ) -> Repository:
        """Make a public repository with a tag for each key of ``files`` and for each release."""
        repository = self.repository(full_name, {"README.md": b"upstream\n"}, private=False)
        contents: dict[str, Mapping[str, str]] = {str(release["tag_name"]): {} for release in releases} | dict(
            files or {}
        )
        for tag, tree in contents.items():
            repository.push({path: text.encode() for path, text in tree.items()}, message=f"Release {tag}")
            repository.tag(tag)
        repository.releases = [_release(self.origin, full_name, number, one) for number, one in enumerate(releases)]
        return repository

    def token(
        self,
        kind: str = "app",
        *,
        repositories: Collection[str] | None = None,
        permissions: Mapping[str, str] | None = None,
        login: str = "",
    ) -> str:
        """Return a fresh token; ``repositories`` left out: all that there are."""
        name = login or LOGINS.get(kind, "octo-user")
        return self.hub.credentials.issue(kind, name, repositories=repositories, permissions=permissions).text

    def app(
        self,
        *,
        repositories: Collection[str] = (),
        permissions: Mapping[str, str] | None = None,
        slug: str = "dify-upgrader",
        suspended: bool = False,
    ) -> App:
        """Install an App on these repositories."""
        app = self.hub.credentials.add_app(slug, repositories, permissions)
        app.suspended = suspended
        return app

    def revoke(self, token: str) -> None:
        self.hub.credentials.revoke(token)

    def calls(self, pattern: str = "*") -> list[Request]:
        """Return the requests like ``"POST /repos/*"`` or ``"GRAPHQL createPullRequest"``, in their order."""
        return [request for request in self.requests if request.is_like(pattern)]


def _release(origin: str, full_name: str, number: int, given: Mapping[str, Any]) -> Mapping[str, Any]:
    tag = given["tag_name"]
    when = given.get("published_at", stamp(0))
    return {
        "id": number + 1,
        "tag_name": tag,
        "name": tag,
        "body": "",
        "draft": False,
        "prerelease": False,
        "created_at": when,
        "published_at": when,
        "html_url": f"{origin}/{full_name}/releases/tag/{tag}",
        **given,
    }
