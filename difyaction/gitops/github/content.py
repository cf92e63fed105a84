"""What a new commit shall hold: our edits over present content, and others' work carried along."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from difyaction.errors import Failed
from difyaction.gitops.files import ChangedFile, Entry
from difyaction.gitops.github import refs
from difyaction.gitops.github.blobs import blob_oid
from difyaction.gitops.github.client import refusal
from difyaction.gitops.github.commit import Committed, Draft
from difyaction.gitops.github.look import Look
from difyaction.gitops.github.proposal import Strategy
from difyaction.gitops.github.repository import Repository
from difyaction.gitops.github.standing import (
    BranchCommit,
    Listing,
    Standing,
    Us,
    blobs_after,
    carry,
    changed_paths,
    is_ours,
    listing,
)
from difyaction.gitops.github.work import Work


def read_standing(repository: Repository, look: Look, work: Work, base: Listing) -> Standing | None:
    """Read what stands on the branch; nothing if there is no such branch."""
    head = look.branches.get(work.branch)
    if head is None and not look.knows(work.branch):
        head = refs.head_of(repository, work.branch)
    if head is None:
        return None
    reply = repository.rest("GET", f"/compare/{quote(look.base_oid)}...{quote(head)}")
    if not reply.ok:
        raise refusal(reply, "comparing the branch with its base")
    commits = reply.data["commits"]
    return Standing(
        head_oid=head,
        head_tree=commits[-1]["commit"]["tree"]["sha"] if commits else head,
        merge_base=reply.data["merge_base_commit"]["sha"],
        ahead=reply.data["ahead_by"],
        behind=reply.data["behind_by"],
        commits=tuple(read_commit(found) for found in commits),
        files=listing(repository.entries(head)),
        base_files=base,
        queued=work.queued,
    )


def read_commit(found: Mapping[str, Any]) -> BranchCommit:
    """Read a commit of REST's comparisons."""
    inner = found["commit"]
    author, committer = inner.get("author") or {}, inner.get("committer") or {}
    return BranchCommit(
        message=inner["message"],
        author=(found.get("author") or {}).get("login") or author.get("name") or "",
        committer=(found.get("committer") or {}).get("login") or committer.get("name") or "",
        verified=bool((inner.get("verification") or {}).get("verified")),
        retouched=author.get("date") != committer.get("date"),
    )


def us_at(repository: Repository, look: Look) -> Us:
    """Return who we are there. Whether an Enterprise Server signs is its administrators' choice."""
    return Us(look.login, signed=not repository.client.enterprise_version)


def landed(repository: Repository, look: Look, draft: Draft, unit: str) -> Committed | None:
    """Return the commit that a request of ours put on the base after all though its answer was lost."""
    reply = repository.rest("GET", f"/compare/{draft.parent}...{look.base_oid}")
    commits = reply.data["commits"] if reply.ok else ()
    found = next((one for one in commits if [parent["sha"] for parent in one["parents"]] == [draft.parent]), None)
    if found is None or not is_ours(made := read_commit(found), us_at(repository, look), frozenset({unit})):
        return None
    there = {path: oid for path, (_, oid) in listing(repository.entries(found["sha"])).items()}
    wanted = blobs_after(draft.files)
    return Committed(found["sha"], made.verified) if wanted.items() <= there.items() else None


def start_of(repository: Repository, standing: Standing | None, strategy: Strategy, base: Listing) -> Listing:
    """Return the files that our edits go over.

    An environment's branch starts from its base each time. A shared one goes on from where it is; when its base
    has moved, from the base with everyone's edits carried over where the base has not changed the file.
    """
    if standing is None or strategy is Strategy.ENVIRONMENT:
        return base
    if standing.behind == 0:
        return standing.files
    return carry(listing(repository.entries(standing.merge_base)), base, standing.files)


def onto(repository: Repository, work: Work, start: Listing) -> tuple[ChangedFile, ...]:
    """Return the unit's files as they shall be over ``start``; only those that change there."""
    changed = work.changed
    if any(start.get(file.path, ("", ""))[1] != blob_oid(file.before) for file in changed):
        changed = work.reapply(_fresh(repository, [file.path for file in changed], start))
    return tuple(replace(file, mode=start[file.path][0]) for file in changed if file.before != file.after)


def _fresh(repository: Repository, paths: Collection[str], start: Listing) -> dict[str, bytes]:
    gone = [path for path in paths if path not in start]
    if gone:
        raise Failed(
            "file-gone",
            "{file} was removed or renamed while this run was planning its edit.",
            next_step="Run again: the new run plans over the files as they are now.",
            file=gone[0],
        )
    found = repository.read(Entry(path, *start[path]) for path in paths)
    return {file.path: file.content for file in found}


def carried(repository: Repository, start: Listing, base: Listing, ours: Collection[str]) -> tuple[ChangedFile, ...]:
    """Return the files that others changed on a shared branch, as they stand there."""
    paths = sorted(path for path in changed_paths(base, start) if path in start and path not in ours)
    found = repository.read(Entry(path, *start[path]) for path in paths)
    return tuple(ChangedFile(file.path, file.mode, b"", file.content) for file in found)
