"""Getting a pull request merged, or saying why not: a thin loop around the decisions of auto_merge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from difyaction.errors import Failed
from difyaction.gitops.github import queries
from difyaction.gitops.github.answers import Answer
from difyaction.gitops.github.auto_merge import Action, Step, Tried, View, next_step
from difyaction.gitops.github.calls import Purpose
from difyaction.gitops.github.look import Look
from difyaction.gitops.github.proposal import Wish
from difyaction.gitops.github.pull_state import Gate, PullState, gate_of_protection, gate_of_rules, read_pull
from difyaction.gitops.github.refusals import Refusal, read_refusal
from difyaction.gitops.github.repository import QUEUE_SINCE, Repository

STEPS: Final = 40  # more than any path through the table has
RACE_PAUSE: Final = 1.0  # seconds before GitHub is asked again after "try again"


@dataclass(frozen=True)
class Merged:
    """How it ended: a named result, and GitHub's own sentence where it refused."""

    result: str
    says: str = ""


def read_state(
    repository: Repository, number: int, base: str, *, with_text: bool = False, purpose: Purpose = Purpose.POLLING
) -> PullState:
    """Read a pull request as it stands."""
    queue_known = repository.server_has(QUEUE_SINCE)
    variables = {**repository.names, "number": number} | ({"base": base} if queue_known else {})
    answer = repository.graphql(queries.pull(queue_known=queue_known, with_text=with_text), variables, purpose=purpose)
    state = read_pull(answer.data.get("repository") or {})
    if state is None:
        raise Failed(
            "pull-request-unreadable",
            "GitHub does not show pull request {number}: {says}.",
            next_step="Give the token the permission pull-requests: write for this repository.",
            number=number,
            says=answer.message or "no reason given",
        )
    return state


def read_gate(repository: Repository, base: str) -> Gate:
    """Read what the base branch asks for: its protection, and the rules of every ruleset that covers it."""
    variables = {**repository.names, "base": f"refs/heads/{base}"}
    answer = repository.graphql(queries.PROTECTION, variables, purpose=Purpose.POLLING)
    ref = (answer.data.get("repository") or {}).get("ref") or {}
    reply = repository.rest("GET", f"/rules/branches/{quote(base)}?per_page=100", purpose=Purpose.POLLING)
    rules = reply.data if reply.ok and isinstance(reply.data, list) else []  # before GHES 3.11 there are none
    return gate_of_protection(ref.get("refUpdateRule")) | gate_of_rules(rules)


@dataclass(frozen=True)
class Subject:
    """The pull request to merge: its number, the commit that we mean, and whether that is verified."""

    number: int
    head: str
    verified: bool | None


def settle(
    repository: Repository, look: Look, subject: Subject, wish: Wish, *, state: PullState | None = None
) -> Merged:
    """Go on until the pull request is armed, queued, merged, or has a reason why not. ``state``: as just read."""
    view = View(
        pull=state or read_state(repository, subject.number, look.base),
        head=subject.head,
        verified=subject.verified,
        auto_merge_allowed=look.auto_merge_allowed,
        methods=look.methods,
    )
    tried, says = Tried(), ""
    for _ in range(STEPS):
        step = next_step(view, wish, tried)
        if step.action is Action.END:
            return Merged(step.result, says)
        if step.action is Action.READ_RULES:
            view = replace(view, gate=read_gate(repository, look.base))
            continue
        tried = tried.having(step.result or step.action)
        if step.action is Action.POLL:
            repository.client.pace.pause(step.seconds)
        elif done := _act(repository, view.pull, step):
            refusal = read_refusal(done)
            tried, says = tried.told(refusal, step.method), done
            repository.client.pace.pause(RACE_PAUSE if refusal is Refusal.RACE else 0)
        elif step.action in RESULTS:
            return Merged(RESULTS[step.action])
        view = replace(view, pull=read_state(repository, subject.number, look.base))
    return Merged("refused:undecided", says)


RESULTS: Final[Mapping[Action, str]] = {Action.ARM: "enabled", Action.ENQUEUE: "queued", Action.MERGE: "merged"}


PLAIN: Final[Mapping[Action, str]] = {
    Action.DISARM: queries.DISARM,
    Action.DEQUEUE: queries.DEQUEUE,
    Action.TO_DRAFT: queries.TO_DRAFT,
}


def _act(repository: Repository, pull: PullState, step: Step) -> str:
    """Do one step; return GitHub's sentence if it would not, else nothing."""
    if step.action is Action.MERGE:
        body = {"sha": pull.head_oid, "merge_method": step.method}
        reply = repository.rest("PUT", f"/pulls/{pull.number}/merge", body)
        return "" if reply.ok else reply.message
    if step.action in PLAIN:
        return _refusal(repository.graphql(PLAIN[step.action], {"id": pull.id}))
    aim: dict[str, object] = {"pullRequestId": pull.id, "expectedHeadOid": pull.head_oid}
    if step.action is Action.ENQUEUE:
        return _refusal(repository.graphql(queries.ENQUEUE, {"enqueue": aim}))
    if step.method:
        aim["mergeMethod"] = step.method.upper()
    return _refusal(repository.graphql(queries.ARM, {"arm": aim}))


def _refusal(answer: Answer) -> str:
    return answer.message
