"""A repository on GitHub, read without a checkout."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from difyaction.errors import Failed
from difyaction.gitops.files import Choose, Entry, FileAt
from difyaction.gitops.github import queries, temporary
from difyaction.gitops.github.answers import Answer, Reply, bounded
from difyaction.gitops.github.blobs import blob_oid, chunks, proved
from difyaction.gitops.github.calls import Calls, Purpose
from difyaction.gitops.github.client import Client, refusal
from difyaction.gitops.github.look import Look, branch_prefix, read_look
from difyaction.gitops.github.redirects import MOVED, repository_moved

HEADS = "refs/heads/"
# Since when GitHub Enterprise Server has what we ask for; github.com has it all.
QUEUE_SINCE = (3, 12)
UPDATE_REFS_SINCE = (3, 14)


@dataclass(frozen=True)
class Touch:
    """A commit that touched a file, and when it was committed (UTC)."""

    sha: str
    when: datetime


@dataclass
class Repository:
    """One repository, named ``owner/name``, and the only one that its client's credential is used for."""

    client: Client
    full_name: str
    _listings: dict[str, tuple[Entry, ...]] = field(default_factory=dict, init=False)  # by tree: they never change
    _contents: dict[str, bytes] = field(default_factory=dict, init=False)  # by blob: the same

    @property
    def calls(self) -> Calls:
        """The requests made so far, by purpose."""
        return self.client.calls

    @property
    def names(self) -> dict[str, object]:
        """Owner and name, as GraphQL's variables."""
        owner, _, name = self.full_name.partition("/")
        return {"owner": owner, "name": name}

    def server_has(self, since: tuple[int, int]) -> bool:
        """Whether the server is github.com, or an Enterprise Server of at least this version."""
        return _is_at_least(self.client.enterprise_version, since)

    def rest(self, verb: str, path: str, body: object | None = None, *, purpose: Purpose = Purpose.PROPOSAL) -> Reply:
        """Send a REST request below ``/repos/owner/name``."""
        return self.client.rest(verb, f"/repos/{self.full_name}{path}", body, purpose=purpose)

    def graphql(self, document: str, variables: Mapping[str, object], *, purpose: Purpose = Purpose.PROPOSAL) -> Answer:
        """Send a GraphQL document."""
        return self.client.graphql(document, variables, purpose=purpose)

    def look(self, base: str = "", prefix: str = "", *, also: Sequence[str] = ()) -> Look:
        """Read settings, base branch, our branches and open pull requests in one call.

        ``base``: a branch, or nothing for the default branch. ``prefix``: what the names of our branches begin with, or
        one whole name, about which nothing is left out then. ``also``: blobs to bring along, for ``read`` to find.
        """
        named, prefix = "" if prefix.endswith("/") else prefix, branch_prefix(prefix)
        variables = {**self.names, "prefix": f"{HEADS}{prefix}", "temporary": HEADS + temporary.PREFIX}
        if base:
            variables["base"] = HEADS + base
        if named:
            variables |= {"branch": HEADS + named, "head": named}
        document = queries.look(base_named=bool(base), branch_named=bool(named), oids=also)
        answer = self.graphql(document, variables)
        found = answer.data.get("repository")
        if not found:
            raise _unknown_repository(self.full_name, answer)
        if found["nameWithOwner"].lower() != self.full_name.lower():
            raise repository_moved(self.full_name, bounded(found["nameWithOwner"]))
        look = read_look(answer.data, prefix, named)
        if look is None:
            raise _no_base(self.full_name, base)
        if look.is_archived:
            raise _archived(self.full_name)
        self._contents.update(proved(found, also))
        return look

    def survey(
        self, choose: Choose, *, base: str = "", prefix: str = "", spare: Choose | None = None
    ) -> tuple[Look, tuple[FileAt, ...]]:
        """Look, and read the files that ``choose`` picks from the listing: two calls for all that a usual bump needs.

        The listing comes first, by the branch's name, so that the look can bring the files along; where there is room
        left, also those that ``spare`` picks: a later ``read`` of them costs nothing then.
        """
        listed = _listed(self, base)
        entries = tuple(_files(listed, "")) if listed else ()
        wanted = [*choose(entries), *(spare(entries) if spare else ())] if listed else []
        look = self.look(base, prefix, also=next(chunks(wanted), []))
        if listed and listed["sha"] in {look.base_oid, look.base_tree}:  # else the branch has moved in between
            self._listings[look.base_tree] = entries
        return look, self.read(choose(self.entries(look.base_tree)))

    def entries(self, tree: str) -> tuple[Entry, ...]:
        """List all files below a tree (or a commit's tree), each with its mode, blob and size."""
        if tree not in self._listings:
            self._listings[tree] = tuple(self._walk(tree, ""))
        return self._listings[tree]

    def _walk(self, tree: str, folder: str) -> Iterable[Entry]:
        listing = self._tree(f"{tree}?recursive=1")
        if not listing["truncated"]:
            yield from _files(listing, folder)
            return
        # Too large for one answer: this level alone, then each folder on its own.
        level = self._tree(tree)
        if level["truncated"]:
            raise _too_many_files(folder)
        yield from _files(level, folder)
        for entry in level["tree"]:
            if entry["type"] == "tree":
                yield from self._walk(entry["sha"], f"{folder}{entry['path']}/")

    def _tree(self, what: str) -> Mapping[str, Any]:
        reply = self.rest("GET", f"/git/trees/{what}")
        if not reply.ok:
            raise refusal(reply, "listing the files")
        return reply.data  # type: ignore[no-any-return]

    def read(self, entries: Iterable[Entry]) -> tuple[FileAt, ...]:
        """Read files whole, each proved against its blob's name."""
        wanted = tuple(entries)
        for chunk in chunks(entry for entry in wanted if entry.oid not in self._contents):
            found = self.graphql(queries.blobs(chunk), self.names).data.get("repository") or {}
            self._contents.update(proved(found, chunk))
            # Cut, binary or re-encoded text does not have the blob's name: then its bytes are asked for.
            self._contents.update((oid, self.blob(oid)) for oid in chunk if oid not in self._contents)
        return tuple(FileAt(entry.path, entry.mode, entry.oid, self._contents[entry.oid]) for entry in wanted)

    def blob(self, oid: str) -> bytes:
        """Read one blob's bytes."""
        reply = self.rest("GET", f"/git/blobs/{oid}")
        if not reply.ok:
            raise refusal(reply, "reading a file")
        content = base64.b64decode(reply.data["content"])
        if blob_oid(content) != oid:
            raise Failed(
                "blob-corrupt",
                "GitHub answered with other bytes than the file {oid} has.",
                next_step="Run again; if it happens again, something between here and GitHub alters answers.",
                oid=oid,
            )
        return content

    def last_changed(self, path: str, *, at: str, limit: int = 30) -> tuple[Touch, ...]:
        """Return the commits that touched a file, newest first, as seen from the commit or branch ``at``."""
        reply = self.rest("GET", f"/commits?path={quote(path, safe='')}&sha={quote(at, safe='')}&per_page={limit}")
        if not reply.ok:
            raise refusal(reply, "reading a file's history")
        return tuple(
            Touch(commit["sha"], datetime.fromisoformat(commit["commit"]["committer"]["date"])) for commit in reply.data
        )

    def file_at(self, sha: str, path: str) -> bytes | None:
        """Return a file's bytes at a commit; nothing if it is not there."""
        reply = self.rest("GET", f"/contents/{quote(path)}?ref={quote(sha, safe='')}")
        if reply.status == HTTPStatus.NOT_FOUND:
            return None
        if not reply.ok or not isinstance(reply.data, Mapping):
            raise refusal(reply, "reading a file")
        if reply.data.get("encoding") != "base64":  # beyond 1 MB GitHub leaves the content out
            return self.blob(reply.data["sha"])
        return base64.b64decode(reply.data["content"])


def _listed(repository: Repository, base: str) -> Mapping[str, Any] | None:
    """Return the listing of a branch by its name; nothing where it cannot be had: why, the look tells best."""
    try:
        reply = repository.rest("GET", f"/git/trees/{quote(base or 'HEAD', safe='')}?recursive=1")
    except Failed as why:
        if why.id != MOVED:
            raise
        return None
    return reply.data if reply.ok and not reply.data["truncated"] else None


def _is_at_least(version: str, since: tuple[int, int]) -> bool:
    major, _, minor = version.partition(".")
    return not version or (int(major), int(minor.partition(".")[0] or 0)) >= since


def _files(listing: Mapping[str, Any], folder: str) -> Iterable[Entry]:
    for entry in listing["tree"]:
        if entry["type"] != "tree":
            yield Entry(folder + entry["path"], entry["mode"], entry["sha"], entry.get("size"))


def _too_many_files(folder: str) -> Failed:
    return Failed(
        "listing-truncated",
        "The folder {folder} has more entries than GitHub lists.",
        next_step="Use delivery: files over a checkout of this repository.",
        folder=folder or "/",
    )


def _unknown_repository(full_name: str, answer: Answer) -> Failed:
    return Failed(
        "repository-not-found",
        "GitHub shows no repository {repository} to this token: {says}.",
        next_step="Check the name, and that the token (or the App's installation) covers this repository.",
        repository=full_name,
        says=answer.message or "no reason given",
    )


def _no_base(full_name: str, base: str) -> Failed:
    return Failed(
        "base-not-found",
        "{repository} has no branch {base}.",
        next_step="Name a branch that exists in the input base, or push a first commit.",
        repository=full_name,
        base=base or "(default)",
    )


def _archived(full_name: str) -> Failed:
    return Failed(
        "repository-archived",
        "{repository} is archived: nothing can be proposed there.",
        next_step="Unarchive it, or point the Action at the repository that replaced it.",
        repository=full_name,
    )
