"""The pull request of a branch: opened once, brought up to date after, never doubled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from difyaction.errors import Failed
from difyaction.gitops.github import queries
from difyaction.gitops.github.answers import Reply
from difyaction.gitops.github.calls import Purpose
from difyaction.gitops.github.client import refusal
from difyaction.gitops.github.look import Look
from difyaction.gitops.github.merging import read_state
from difyaction.gitops.github.proposal import Proposal, Strategy
from difyaction.gitops.github.pull_state import PullState
from difyaction.gitops.github.repository import Repository
from difyaction.gitops.wording.marks import merge_sections, with_marker

LAG_PAUSES = (1.0, 2.0, 4.0)  # seconds; a branch made a moment ago may not be there yet for the next reader
SECTION_TRIES = 5
HELD = "<!-- dify-upgrade-action: held -->"


@dataclass(frozen=True)
class Pull:
    """A pull request that stands. ``operation``: created, updated or none."""

    id: str
    number: int
    url: str
    operation: str
    warnings: tuple[str, ...] = ()


def body_of(proposal: Proposal, strategy: Strategy, old: str | None = None) -> str:
    """Return the text that the pull request shall have, given the one that it has."""
    if strategy is Strategy.SHARED:
        return merge_sections(proposal.body if old is None else old, proposal.unit, proposal.section)
    return with_marker(proposal.body, proposal.unit)


def held(proposal: Proposal) -> str:
    """Return the section of a proposal that must not be merged: other runs on a shared branch see it there."""
    return f"{HELD}\n{proposal.section}"


def held_elsewhere(body: str, unit: str) -> bool:
    """Whether another unit's section of a shared pull request says that it must not be merged."""
    return HELD in merge_sections(body, unit, "")


def opening(look: Look, proposal: Proposal, strategy: Strategy) -> dict[str, object]:
    """Return GraphQL's input for a new pull request, apart from repository and head."""
    return {
        "title": proposal.title,
        "body": body_of(proposal, strategy),
        "baseRefName": look.base,
        "draft": proposal.draft,
    }


def create(repository: Repository, look: Look, proposal: Proposal, strategy: Strategy) -> Pull | None:
    """Open the pull request; nothing when there is one by now."""
    wanted = {
        "title": proposal.title,
        "head": proposal.branch,
        "base": look.base,
        "body": body_of(proposal, strategy),
        "draft": proposal.draft,
        "maintainer_can_modify": True,
    }
    reply, warnings = _post(repository, wanted)
    if reply.says("already exists"):
        return None
    if not reply.ok:
        raise _not_opened(reply, proposal.branch, look.base)
    return Pull(reply.data["node_id"], reply.data["number"], reply.data["html_url"], "created", warnings)


def _post(repository: Repository, wanted: dict[str, Any]) -> tuple[Reply, tuple[str, ...]]:
    reply = repository.rest("POST", "/pulls", wanted)
    for pause in LAG_PAUSES:
        if reply.status != HTTPStatus.UNPROCESSABLE_ENTITY or not reply.says(
            "could not resolve", "must be a branch", "can't be blank", "head invalid"
        ):
            break
        repository.client.pace.pause(pause)
        reply = repository.rest("POST", "/pulls", wanted)
    if wanted["draft"] and reply.says("draft pull requests are not supported"):
        warning = "This repository has no draft pull requests; it was opened as a usual one and is not armed."
        return repository.rest("POST", "/pulls", {**wanted, "draft": False}), (warning,)
    return reply, ()


def find(repository: Repository, look: Look, branch: str) -> int:
    """Return the number of the open pull request from ``branch`` into the base; 0 when there is none."""
    owner = look.full_name.partition("/")[0]
    head = quote(f"{owner}:{branch}", safe="")
    reply = repository.rest("GET", f"/pulls?state=open&head={head}&base={quote(look.base, safe='')}")
    if not reply.ok:
        raise refusal(reply, "finding the open pull request")
    return int(reply.data[0]["number"]) if reply.data else 0


def update(repository: Repository, look: Look, proposal: Proposal, strategy: Strategy, *, state: PullState) -> Pull:
    """Bring title, text and draft state up to date, each only where it differs from ``state``."""
    touched, before = False, state.body
    for attempt in range(SECTION_TRIES):
        changes = _differences(state, proposal, strategy)
        if not changes:
            break
        reply = repository.rest("PATCH", f"/pulls/{state.number}", changes)
        if not reply.ok:
            raise refusal(reply, "updating the pull request")
        touched = True
        if strategy is not Strategy.SHARED:
            break
        # Nobody can swap a text atomically: with several runs at work we look whether ours is in, and try again.
        repository.client.pace.back_off(attempt)
        state = read_text(repository, state.number, look.base)
    pull = Pull(state.id, state.number, state.url, "updated" if touched else "none")
    if state.is_draft == proposal.draft:
        return pull
    if strategy is Strategy.SHARED and not proposal.draft and not _was_held_by(before, proposal.unit):
        return pull  # somebody else made it a draft, and may not have said yet why
    return _with_draft(repository, pull, draft=proposal.draft)


def _was_held_by(body: str, unit: str) -> bool:
    return HELD in body and not held_elsewhere(body, unit)


def read_text(repository: Repository, number: int, base: str) -> PullState:
    """Read a pull request with its title and text."""
    return read_state(repository, number, base, with_text=True, purpose=Purpose.PROPOSAL)


def _differences(state: PullState, proposal: Proposal, strategy: Strategy) -> dict[str, str]:
    body = body_of(proposal, strategy, state.body)
    title = {"title": proposal.title} if state.title != proposal.title else {}
    return title | ({"body": body} if _lines(state.body) != _lines(body) else {})


def _lines(text: str) -> list[str]:
    return text.splitlines()  # GitHub's editor turns every LF into CRLF


def _with_draft(repository: Repository, pull: Pull, *, draft: bool) -> Pull:
    document = queries.TO_DRAFT if draft else queries.TO_READY
    answer = repository.graphql(document, {"id": pull.id})
    if not answer.errors:
        return replace(pull, operation="updated")
    kind = "a draft" if draft else "ready for review"
    return replace(pull, warnings=(f"The pull request could not be made {kind}: {answer.message}",))


def _not_opened(reply: Reply, branch: str, base: str) -> Failed:
    if reply.says("not permitted to create"):
        return Failed(
            "actions-may-not-open-pull-requests",
            "GitHub Actions may not open pull requests here.",
            next_step=(
                "Allow it under Settings, Actions, General (organization and repository both), or use a GitHub App's "
                "token: then the pull request's own checks run, too."
            ),
        )
    if reply.says("no commits between"):
        return Failed(
            "nothing-to-propose",
            "{branch} holds nothing that {base} does not hold already.",
            next_step="Delete the branch and run again.",
            branch=branch,
            base=base,
        )
    return refusal(reply, "opening the pull request")
