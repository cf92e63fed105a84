"""The GitHub as a whole: its repositories, who may see them, and what it calls itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from tests.emulators.github.credentials import Credential, Credentials
from tests.emulators.github.problems import Problem, not_found
from tests.emulators.github.repository import Repository, Settings


class Hub:
    """One GitHub. ``ghes`` is the version of an Enterprise Server, None for github.com."""

    def __init__(self, directory: Path, clock: Callable[[], float], ghes: str | None) -> None:
        self.directory = directory
        self.clock = clock
        self.ghes = ghes
        self.origin = ""
        self.credentials = Credentials(clock)
        self.repositories: dict[str, Repository] = {}
        self.former: dict[str, Repository] = {}  # by names that they had
        self.lock = threading.RLock()

    @property
    def api(self) -> str:
        return f"{self.origin}/api/v3" if self.ghes else self.origin

    def add(self, full_name: str, settings: Settings, default_branch: str) -> Repository:
        repository = Repository(
            full_name,
            self.directory / f"{full_name}.git",
            number=len(self.repositories) + 1,
            credentials=self.credentials,
            clock=self.clock,
            settings=settings,
            default_branch=default_branch,
        )
        repository.lock = self.lock
        self.repositories[full_name.lower()] = repository
        return repository

    def rename(self, old: str, new: str) -> None:
        """Rename a repository: GraphQL goes on knowing it by its old name, REST redirects to its number."""
        repository = self.former[old.lower()] = self.repositories[new.lower()] = self.repositories.pop(old.lower())
        repository.full_name = new
        repository.owner, repository.name = new.split("/")

    def redirect(self, full_name: str, path: str) -> None:
        """Raise GitHub's answer to a REST request by a repository's former name."""
        moved = self.former.get(full_name.lower())
        if moved is not None:
            place = f"{self.api}/repositories/{moved.id}{path.removeprefix(f'/repos/{full_name}')}"
            raise Problem(301, "Moved Permanently", headers={"Location": place})

    def visible(self, full_name: str, credential: Credential) -> Repository:
        """Return a repository that this credential may know of, or raise 404."""
        repository = self.repositories.get(full_name.lower()) or self.former.get(full_name.lower())
        if repository is None or (repository.settings.private and not credential.covers(full_name)):
            raise not_found()
        return repository

    def require(self, repository: Repository, credential: Credential, *needs: str) -> None:
        """Raise unless the credential may do this here."""
        writes = any(not need.endswith(":read") for need in needs)
        if writes and credential.actor is None:
            raise Problem(401, "Requires authentication", "UNAUTHENTICATED")
        if not writes and not repository.settings.private:
            return  # whoever it is, a public repository may be read
        if not credential.covers(repository.full_name):
            raise credential.refusal()
        if any(not credential.has(need) for need in needs):
            raise credential.refusal()
        if writes and repository.settings.archived:
            raise Problem(403, "Repository was archived so is read-only.", "FORBIDDEN")

    def close(self) -> None:
        for repository in self.repositories.values():
            repository.git.close()
