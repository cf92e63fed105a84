"""Closing pull requests of ours that a newer one, or the base itself, has overtaken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from difyaction.gitops.github import queries, refs
from difyaction.gitops.github.calls import Purpose
from difyaction.gitops.github.look import Look, OpenPull, plain_login
from difyaction.gitops.github.repository import Repository
from difyaction.gitops.wording.marks import is_marked, units_of


@dataclass(frozen=True)
class Closed:
    """What was closed, and sentences about what could not be."""

    numbers: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()


def close_superseded(repository: Repository, look: Look, unit: str, *, keep: str, number: int) -> Closed:
    """Close our other open pull requests about this unit into the same base; ``keep`` is the branch that stays."""
    others = [pull for pull in look.pulls if _may_be_ours(pull, look) and pull.head != keep]
    return _close(repository, others, unit, f"Superseded by #{number}.")


def close_overtaken(repository: Repository, look: Look, unit: str, reason: str) -> Closed:
    """Close every open pull request of ours about this unit: there is nothing left to propose."""
    return _close(repository, [pull for pull in look.pulls if _may_be_ours(pull, look)], unit, reason)


def _may_be_ours(pull: OpenPull, look: Look) -> bool:
    return pull.base == look.base and pull.author == look.bot and not pull.is_fork


def _close(repository: Repository, pulls: Iterable[OpenPull], unit: str, comment: str) -> Closed:
    closed, warnings = [], []
    for pull, found in _with_bodies(repository, list(pulls)):
        if not is_marked(found["body"] or "", unit):
            continue
        if says := _close_one(repository, pull, comment, keep_branch=_has_foreign(found, pull.author)):
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


def _has_foreign(found: Mapping[str, Any], login: str) -> bool:
    commits = found["commits"]
    return commits["totalCount"] != len(commits["nodes"]) or any(
        not units_of(node["commit"]["message"]) or plain_login(_author(node["commit"])) != login
        for node in commits["nodes"]
    )


def _author(commit: Mapping[str, Any]) -> str:
    author = commit.get("author") or {}
    return str((author.get("user") or {}).get("login") or author.get("name") or "")


def _close_one(repository: Repository, pull: OpenPull, comment: str, *, keep_branch: bool) -> str:
    """Close one; return GitHub's sentence if it would not. A branch with somebody's own commits stays."""
    purpose = Purpose.SUPERSEDING
    if keep_branch:
        comment += " Its branch stays: it holds commits that this Action did not make."
    reply = repository.rest("PATCH", f"/pulls/{pull.number}", {"state": "closed"}, purpose=purpose)
    if not reply.ok:
        return reply.message
    repository.rest("POST", f"/issues/{pull.number}/comments", {"body": comment}, purpose=purpose)
    if not keep_branch:
        refs.delete(repository, pull.head, purpose=purpose)
    return ""
