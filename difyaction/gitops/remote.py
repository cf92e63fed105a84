"""A repository on GitHub as the place of the files: read through the API, delivered as a pull request or a commit."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from difyaction.gitops.entrance import Entrance
from difyaction.gitops.files import Choose, Entry, FileAt
from difyaction.gitops.github.calls import Calls
from difyaction.gitops.github.repository import Touch
from difyaction.gitops.records import GitopsPlan
from difyaction.inputs import Inputs
from difyaction.surroundings import Surroundings
from difyaction.target import Outcome


class Remote:
    """One repository for one run. Nothing is contacted before the first question."""

    def __init__(self, inputs: Inputs, surroundings: Surroundings) -> None:
        self._inputs = inputs
        self._surroundings = surroundings
        self._calls = Calls(surroundings.runner.events)
        self._entrance = Entrance(inputs, surroundings, self._calls)

    def survey(self, choose: Choose, spare: Choose) -> tuple[FileAt, ...]:
        """List the files of the base branch and read those that are chosen, in two requests where that will do."""
        session = self._entrance.session(choose, spare)
        return session.repository.read(choose(self.entries()))

    def entries(self) -> tuple[Entry, ...]:
        """List the files of the base branch."""
        session = self._entrance.session()
        return session.repository.entries(session.look.base_tree)

    def read(self, entries: Iterable[Entry]) -> tuple[FileAt, ...]:
        """Read files of the base branch, each once."""
        return self._entrance.session().repository.read(entries)

    def touched(self, path: str) -> tuple[Touch, ...]:
        """Return the commits of the base branch that touched a file, newest first."""
        session = self._entrance.session()
        return session.repository.last_changed(path, at=session.look.base_oid, limit=100)

    def file_at(self, sha: str, path: str) -> bytes | None:
        """Return a file at a commit; None when it was not there."""
        return self._entrance.session().repository.file_at(sha, path)

    def files_at(self, sha: str, paths: Collection[str]) -> dict[str, bytes]:
        """Return those of several files that were there at a commit: one listing, and their contents together."""
        repository = self._entrance.session().repository
        entries = [entry for entry in repository.entries(sha) if entry.path in paths and entry.is_file]
        return {file.path: file.content for file in repository.read(entries)}

    def deliver(self, plan: GitopsPlan, reverts: str) -> Outcome:
        """Propose the plan, or commit it to the base branch."""
        from difyaction.gitops.offer import Offer  # noqa: PLC0415 - a plan does not pay for what proposes it

        return Offer(self._inputs, self._surroundings, self._calls, self._entrance.session()).send(plan, reverts)

    def close(self) -> None:
        """Revoke the token that was minted, and let go of the connection."""
        self._entrance.close()
