"""Closing pull requests of ours that a newer one, or the base itself, has overtaken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from difyaction.gitops.github import queries, refs
from difyaction.gitops.github.calls import Purpose
from difyaction.gitops.github.content import us_at
from difyaction.gitops.github.look import Look, OpenPull
from difyaction.gitops.github.repository import Repository
from difyaction.gitops.github.standing import BranchCommit, Us, is_ours
from difyaction.gitops.wording.marks import is_marked


@dataclass(frozen=True)
class Closed:
    """What was closed, and sentences about what could not be."""

    numbers: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()


def close_superseded(repository: Repository, look: Look, unit: str, *, keep: str, number: int) -> Closed:
    """Close our other open pull requests about this unit into the same base; ``keep`` is the branch that stays."""
    others = [pull for pull in _perhaps_ours(look) if pull.head != keep]
    return _close(repository, _marked(repository, others, unit), us_at(repository, look), f"Superseded by #{number}.")


def close_overtaken(repository: Repository, look: Look, unit: str, reason: str) -> Closed:
    """Close every open pull request of ours about this unit: there is nothing left to propose."""
    return _close(repository, _marked(repository, _perhaps_ours(look), unit), us_at(repository, look), reason)


def _perhaps_ours(look: Look) -> list[OpenPull]:
    return [pull for pull in look.pulls if pull.base == look.base and pull.author == look.bot and not pull.is_fork]


def _marked(repository: Repository, pulls: list[OpenPull], unit: str) -> list[tuple[OpenPull, Mapping[str, Any]]]:
    return [(pull, found) for pull, found in _with_bodies(repository, pulls) if is_marked(found["body"] or "", unit)]


def _close(repository: Repository, pulls: Iterable[tuple[OpenPull, Mapping[str, Any]]], us: Us, comment: str) -> Closed:
    closed, warnings = [], []
    for pull, found in pulls:
        if says := _close_one(repository, pull, comment, keep_branch=_has_foreign(found, us)):
            warnings.append(f"#{pull.number} could not be closed: {says}")
        else:
            closed.append(pull.number)
    return Closed(tuple(closed), tuple(warnings))


def _with_bodies(repository: Repository, pulls: list[OpenPull]) -> Iterable[tuple[OpenPull, Mapping[str, Any]]]:
    if not pulls:
        return
    document = queries.bodies([pull.number for pull in pulls])
    found = repository.graphql(document, repository.names, purpose=Purpose.SUPERSEDING).data.get("repository") or {}
    for place, pull in enumerate(pulls):
        if text := found.get(f"p{place}"):
            yield pull, text


def _has_foreign(found: Mapping[str, Any], us: Us) -> bool:
    commits = found["commits"]
    return commits["totalCount"] != len(commits["nodes"]) or not all(
        is_ours(_read_commit(node["commit"]), us) for node in commits["nodes"]
    )


def _read_commit(found: Mapping[str, Any]) -> BranchCommit:
    return BranchCommit(
        message=found["message"],
        author=_who(found.get("author")),
        committer=_who(found.get("committer")),
        verified=bool((found.get("signature") or {}).get("isValid")),
        retouched=found["authoredDate"] != found["committedDate"],
    )


def _who(person: Mapping[str, Any] | None) -> str:
    if not person:
        return ""
    return str((person.get("user") or {}).get("login") or person.get("name") or "")


def _close_one(repository: Repository, pull: OpenPull, comment: str, *, keep_branch: bool) -> str:
    """Close one; return GitHub's sentence if it would not. A branch with somebody's own commits stays."""
    if keep_branch:
        comment += " Its branch stays: it holds commits that this Action did not make."
    says = close_with(repository, pull.number, comment)
    if not says and not keep_branch:
        refs.delete(repository, pull.head, purpose=Purpose.SUPERSEDING)
    return says


def close_with(repository: Repository, number: int, comment: str) -> str:
    """Close a pull request and say why; return GitHub's sentence if it would not."""
    reply = repository.rest("PATCH", f"/pulls/{number}", {"state": "closed"}, purpose=Purpose.SUPERSEDING)
    if not reply.ok:
        return reply.message
    repository.rest("POST", f"/issues/{number}/comments", {"body": comment}, purpose=Purpose.SUPERSEDING)
    return ""
