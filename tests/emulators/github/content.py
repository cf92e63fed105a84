"""What can be looked at in a repository: branches, files, commits."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

from tests.emulators.github.commits import Commit, read_commit
from tests.emulators.github.git import Git

T = TypeVar("T")


class Content:
    """The reading side of a repository. Names that are not there raise KeyError."""

    def __init__(self, git: Git) -> None:
        self.git = git
        self._memory: dict[Hashable, object] = {}

    def remember(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what ``make`` returned the first time: for facts about commits, which never change."""
        if key not in self._memory:
            self._memory[key] = make()
        return self._memory[key]  # type: ignore[return-value]

    @property
    def branches(self) -> dict[str, str]:
        return {name.removeprefix("refs/heads/"): oid for name, oid in self.git.refs("refs/heads").items()}

    def find_head(self, branch: str) -> str | None:
        found = self.git.find(f"refs/heads/{branch}")
        return found.oid if found else None

    def head(self, branch: str = "main") -> str:
        """Return the oid that the branch points at; KeyError when there is none."""
        oid = self.find_head(branch)
        if oid is None:
            raise KeyError(branch)
        return oid

    def read(self, branch: str, path: str) -> bytes:
        found = self.git.find(f"{branch}:{path}")
        if found is None:
            raise KeyError(path)
        return found.content

    def mode(self, branch: str, path: str) -> str:
        return self.git.tree(self.head(branch))[path].mode

    def commit(self, revision: str = "main") -> Commit:
        commit = read_commit(self.git, revision)
        if commit is None:
            raise KeyError(revision)
        return commit
