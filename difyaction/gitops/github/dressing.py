"""What a pull request is given: labels, assignees, reviewers. What cannot be had is a warning, never a failure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from difyaction.gitops.github.answers import Reply
from difyaction.gitops.github.proposal import Proposal
from difyaction.gitops.github.pull_state import Worn
from difyaction.gitops.github.repository import Repository

LAG_PAUSES = (1.0, 2.0)  # seconds; right after its creation a pull request may not resolve yet
NOTHING = Worn()


@dataclass(frozen=True)
class Lacking:
    """What a pull request is still to be given."""

    labels: tuple[str, ...]
    assignees: tuple[str, ...]
    reviewers: tuple[str, ...]
    teams: tuple[str, ...]

    @property
    def anything(self) -> bool:
        """Whether there is something."""
        return bool(self.labels or self.assignees or self.reviewers or self.teams)


def lacking(proposal: Proposal, worn: Worn = NOTHING) -> Lacking:
    """Return what the proposal names and the pull request has not. Whoever has reviewed is not asked once more."""
    teams = [team.rpartition("/")[2] for team in proposal.team_reviewers]
    asked_enough = bool(worn.reviewed) or worn.unreadable  # a review by a member ends the request to the team
    return Lacking(
        labels=_without(proposal.labels, worn.labels),
        assignees=_without(proposal.assignees, worn.assignees),
        reviewers=_without(proposal.reviewers, (*worn.reviewers, *worn.reviewed)),
        teams=() if asked_enough else _without(teams, worn.team_reviewers),
    )


def _without(wanted: Iterable[str], there: Iterable[str]) -> tuple[str, ...]:
    known = {name.lower() for name in there}
    return tuple(name for name in wanted if name.lower() not in known)


def dress(repository: Repository, number: int, wanted: Lacking, worn: Worn = NOTHING) -> tuple[str, ...]:
    """Give a pull request what it lacks; return sentences about what could not be given."""
    return (*_label(repository, number, wanted, worn), *_ask(repository, number, wanted))


def _send(repository: Repository, verb: str, path: str, body: object) -> Reply:
    reply = repository.rest(verb, path, body)
    for pause in LAG_PAUSES:
        if not reply.says("could not resolve to a node"):
            break
        repository.client.pace.pause(pause)
        reply = repository.rest(verb, path, body)
    return reply


def _label(repository: Repository, number: int, wanted: Lacking, worn: Worn) -> Iterator[str]:
    body: dict[str, list[str]] = {}  # whole lists: what is left out goes
    if wanted.labels:
        body["labels"] = [*worn.labels, *wanted.labels]
    if wanted.assignees:
        body["assignees"] = [*worn.assignees, *wanted.assignees]
    if not body:
        return
    reply = _send(repository, "PATCH", f"/issues/{number}", body)
    if not reply.ok and len(body) > 1:
        yield f"Assignees {_listed(wanted.assignees)} were not set: {reply.message}"
        body.pop("assignees")
        reply = _send(repository, "PATCH", f"/issues/{number}", body)
    if not reply.ok:
        yield f"{_listed((*body,))} were not set: {reply.message}"
        return
    # GitHub drops a name that it may not assign, and says nothing.
    dropped = _without(body.get("assignees", ()), [person["login"] for person in reply.data.get("assignees") or ()])
    if dropped:
        yield f"GitHub did not assign {_listed(dropped)}: are they collaborators?"


def _ask(repository: Repository, number: int, wanted: Lacking) -> Iterator[str]:
    path = f"/pulls/{number}/requested_reviewers"
    kinds = {"reviewers": list(wanted.reviewers), "team_reviewers": list(wanted.teams)}
    body = {kind: names for kind, names in kinds.items() if names}
    if not body:
        return
    reply = _send(repository, "POST", path, body)
    if reply.ok:
        return
    everybody = [(kind, name) for kind, names in body.items() for name in names]
    if len(everybody) == 1:
        yield _not_asked(everybody[0][1], reply)
        return
    for kind, name in everybody:  # one bad name fails them all
        reply = repository.rest("POST", path, {kind: [name]})
        if not reply.ok:
            yield _not_asked(name, reply)


def _not_asked(name: str, reply: Reply) -> str:
    return f"{name} was not asked for a review: {reply.message}"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names)
