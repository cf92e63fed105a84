"""A change delivered to GitHub: branch, pull request, what it is given, and its merge. The story of one unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from difyaction.errors import ActionError
from difyaction.gitops.files import ChangedFile
from difyaction.gitops.github import branch, pull_request
from difyaction.gitops.github.dressing import dress
from difyaction.gitops.github.look import Look
from difyaction.gitops.github.merging import Merged, Subject, settle
from difyaction.gitops.github.proposal import Delivered, Proposal, Reapply, Strategy, Wish
from difyaction.gitops.github.pull_request import Pull
from difyaction.gitops.github.pull_state import PullState
from difyaction.gitops.github.repository import Repository
from difyaction.gitops.github.standing import Move
from difyaction.gitops.github.superseding import close_overtaken, close_superseded
from difyaction.gitops.github.work import Tip, Work

NO_PULL = Pull("", 0, "", "none")
OVERTAKEN = "The base branch holds all of this by now."


@dataclass(frozen=True)
class Order:
    """What to deliver, and how. ``changed`` are the unit's files over the look's base; see ``Reapply``."""

    proposal: Proposal
    changed: tuple[ChangedFile, ...]
    reapply: Reapply
    wish: Wish = field(default_factory=Wish)
    strategy: Strategy = Strategy.ENVIRONMENT
    require_verified: bool = False
    supersede: bool = True


def propose(repository: Repository, look: Look, order: Order) -> Delivered:
    """Deliver a change as a pull request."""
    state = _standing_pull(repository, look, order.proposal.branch)
    tip = branch.put(repository, look, _work(look, order, queued=bool(state and state.in_queue)))
    if tip.move is Move.NOTHING:
        return _overtaken(repository, look, order, tip)
    if tip.refused:
        pull = Pull(state.id, state.number, state.url, "none") if state else NO_PULL
        return _delivered(repository, tip, pull, Merged(f"refused:{tip.refused}"))
    with _remembering(order.proposal.branch):
        pull = _opened(repository, order, tip.pull) if tip.pull else _open(repository, look, order, state)
        if pull.operation == "none" and tip.move is not Move.LEAVE:
            pull = replace(pull, operation="updated")  # its texts were right, its commits are new
        merged = _merge(repository, look, order, Meeting(tip, pull, state))
        return _delivered(repository, tip, _supersede(repository, look, order, pull), merged)


def _standing_pull(repository: Repository, look: Look, branch_name: str) -> PullState | None:
    row = look.pull_of(branch_name)
    if row is None:
        return None
    state = pull_request.read_text(repository, row.number, look.base)
    return state if state.state == "OPEN" else None


def commit(repository: Repository, look: Look, order: Order) -> Delivered:
    """Deliver a change straight to the base branch."""
    tip = branch.commit_to_base(repository, look, _work(look, order, queued=False))
    return _delivered(repository, tip, NO_PULL, Merged("off"))


def _work(look: Look, order: Order, *, queued: bool) -> Work:
    return Work(
        branch=order.proposal.branch,
        unit=order.proposal.unit,
        message=order.proposal.commit_message,
        changed=order.changed,
        reapply=order.reapply,
        strategy=order.strategy,
        require_verified=order.require_verified,
        queued=queued,
        opening=pull_request.opening(look, order.proposal, order.strategy),
    )


def _open(repository: Repository, look: Look, order: Order, state: PullState | None) -> Pull:
    if state is not None:
        return pull_request.update(repository, look, order.proposal, order.strategy, state=state)
    pull = pull_request.create(repository, look, order.proposal, order.strategy)
    return _dressed(repository, order, pull) if pull.operation == "created" else pull


def _opened(repository: Repository, order: Order, made: Mapping[str, Any]) -> Pull:
    return _dressed(repository, order, Pull(made["id"], made["number"], made["url"], "created"))


def _dressed(repository: Repository, order: Order, pull: Pull) -> Pull:
    return replace(pull, warnings=(*pull.warnings, *dress(repository, pull.number, order.proposal)))


@dataclass(frozen=True)
class Meeting:
    """The branch and the pull request that belong together. ``before``: the pull request as this run found it."""

    tip: Tip
    pull: Pull
    before: PullState | None


def _merge(repository: Repository, look: Look, order: Order, meeting: Meeting) -> Merged:
    wish = order.wish
    armed = bool(meeting.before and meeting.before.armed)
    if order.proposal.draft and not wish.refuse:
        wish = replace(wish, refuse="draft")
    if wish.method == "off" and not (wish.refuse and armed):
        return Merged("off")
    if wish.refuse and not armed:
        return Merged(f"refused:{wish.refuse}")
    return settle(repository, look, Subject(meeting.pull.number, meeting.tip.oid, meeting.tip.verified), wish)


def _supersede(repository: Repository, look: Look, order: Order, pull: Pull) -> Pull:
    if not order.supersede or order.strategy is not Strategy.ENVIRONMENT:
        return pull
    proposal = order.proposal
    closed = close_superseded(repository, look, proposal.unit, keep=proposal.branch, number=pull.number)
    return replace(pull, warnings=(*pull.warnings, *closed.warnings))


def _overtaken(repository: Repository, look: Look, order: Order, tip: Tip) -> Delivered:
    closed = close_overtaken(repository, look, order.proposal.unit, OVERTAKEN) if order.supersede else None
    if not closed or not closed.numbers:
        return _delivered(repository, tip, NO_PULL, Merged("off"))
    row = next(pull for pull in look.pulls if pull.number == closed.numbers[0])
    return _delivered(repository, tip, Pull(row.id, row.number, row.url, "closed", closed.warnings), Merged("off"))


def _delivered(repository: Repository, tip: Tip, pull: Pull, merged: Merged) -> Delivered:
    said = (f"GitHub about merging: {merged.says}",) if merged.says and merged.result.startswith("refused") else ()
    return Delivered(
        operation=pull.operation,
        number=pull.number,
        url=pull.url,
        head_sha=tip.oid,
        verified=tip.verified,
        auto_merge_result=merged.result,
        calls=repository.calls,
        warnings=(*pull.warnings, *said),
    )


@contextmanager
def _remembering(name: str) -> Iterator[None]:
    """Let an error that ends the run from here on say what is left behind."""
    try:
        yield
    except ActionError as error:
        error.state = "The branch {left_branch} was written; the next run goes on from there."
        error.facts["left_branch"] = name
        raise
