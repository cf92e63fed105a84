"""What a new pull request is given: labels, assignees, reviewers. What cannot be had is a warning, never a failure."""

from __future__ import annotations

from collections.abc import Iterator

from difyaction.gitops.github.answers import Reply
from difyaction.gitops.github.proposal import Proposal
from difyaction.gitops.github.repository import Repository

LAG_PAUSES = (1.0, 2.0)  # seconds; right after its creation a pull request may not resolve yet


def dress(repository: Repository, number: int, proposal: Proposal) -> tuple[str, ...]:
    """Give a new pull request what the proposal names; return sentences about what could not be given."""
    return (*_label(repository, number, proposal), *_ask(repository, number, proposal))


def _send(repository: Repository, verb: str, path: str, body: object) -> Reply:
    reply = repository.rest(verb, path, body)
    for pause in LAG_PAUSES:
        if not reply.says("could not resolve to a node"):
            break
        repository.client.pace.pause(pause)
        reply = repository.rest(verb, path, body)
    return reply


def _label(repository: Repository, number: int, proposal: Proposal) -> Iterator[str]:
    wanted = {"labels": list(proposal.labels), "assignees": list(proposal.assignees)}
    body = {name: names for name, names in wanted.items() if names}
    if not body:
        return
    reply = _send(repository, "PATCH", f"/issues/{number}", body)
    if not reply.ok and len(body) > 1:
        yield f"Assignees {_listed(proposal.assignees)} were not set: {reply.message}"
        reply = _send(repository, "PATCH", f"/issues/{number}", {"labels": body["labels"]})
        body.pop("assignees")
    if not reply.ok:
        yield f"{_listed((*body,))} were not set: {reply.message}"
        return
    # GitHub drops a name that it may not assign, and says nothing.
    assigned = {person["login"].lower() for person in reply.data.get("assignees") or ()}
    dropped = [name for name in body.get("assignees", ()) if name.lower() not in assigned]
    if dropped:
        yield f"GitHub did not assign {_listed(tuple(dropped))}: are they collaborators?"


def _ask(repository: Repository, number: int, proposal: Proposal) -> Iterator[str]:
    people = list(proposal.reviewers)
    teams = [team.rpartition("/")[2] for team in proposal.team_reviewers]
    path = f"/pulls/{number}/requested_reviewers"
    wanted = {"reviewers": people, "team_reviewers": teams}
    body = {kind: names for kind, names in wanted.items() if names}
    if not body:
        return
    reply = _send(repository, "POST", path, body)
    if reply.ok:
        return
    if len(people) + len(teams) == 1:
        yield _not_asked((*people, *teams)[0], reply)
        return
    for kind, name in [(kind, name) for kind, names in body.items() for name in names]:  # one bad name fails them all
        reply = repository.rest("POST", path, {kind: [name]})
        if not reply.ok:
            yield _not_asked(name, reply)


def _not_asked(name: str, reply: Reply) -> str:
    return f"{name} was not asked for a review: {reply.message}"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names)
