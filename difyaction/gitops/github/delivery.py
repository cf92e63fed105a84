"""A change delivered to GitHub: branch, pull request, what it is given, and its merge. The story of one unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from difyaction.gitops.files import ChangedFile
from difyaction.gitops.github import branch, pull_request
from difyaction.gitops.github.auto_merge import NOT_HELD
from difyaction.gitops.github.dressing import NOTHING, dress, lacking
from difyaction.gitops.github.look import Look
from difyaction.gitops.github.merging import Merged, Subject, settle
from difyaction.gitops.github.progress import Progress, remembered
from difyaction.gitops.github.proposal import Delivered, Proposal, Reapply, Strategy, Wish
from difyaction.gitops.github.pull_request import Pull
from difyaction.gitops.github.pull_state import PullState, Worn
from difyaction.gitops.github.repository import Repository
from difyaction.gitops.github.standing import Move
from difyaction.gitops.github.superseding import close_overtaken, close_superseded, close_with
from difyaction.gitops.github.sweeping import sweep
from difyaction.gitops.github.work import Tip, Work

NO_PULL = Pull("", 0, "", "none")
OVERTAKEN = "The base branch holds all of this by now."
STRAY = "Opened by mistake: somebody else made this branch at the same moment. Nothing on it was changed."


@dataclass(frozen=True)
class Order:
    """What to deliver, and how. ``changed`` are the unit's files over the look's base; see ``Reapply``.

    ``settled``: the base holds at every place that the unit has what is wanted there, so with nothing left to change
    its open pull requests have no purpose any more. When nothing changes for another reason, they are left alone.
    """

    proposal: Proposal
    changed: tuple[ChangedFile, ...]
    reapply: Reapply
    wish: Wish = field(default_factory=Wish)
    strategy: Strategy = Strategy.ENVIRONMENT
    require_verified: bool = False
    supersede: bool = True
    settled: bool = False


def propose(repository: Repository, look: Look, order: Order) -> Delivered:
    """Deliver a change as a pull request."""
    run = _Run(repository, _consistent(order), look)
    with remembered(run.progress):
        try:
            delivered = run.go()
        except _NotHeldError as why:
            pull = Pull(why.state.id, why.state.number, why.state.url, "none")
            delivered = _delivered(repository, Tip(why.state.head_oid, Move.LEAVE), pull, why.merged)
        sweep(repository, run.look)
        return delivered


def commit(repository: Repository, look: Look, order: Order) -> Delivered:
    """Deliver a change straight to the base branch."""
    tip = branch.commit_to_base(repository, look, _work(look, order))
    sweep(repository, look)
    return _delivered(repository, tip, NO_PULL, Merged("off"))


def _consistent(order: Order) -> Order:
    """Return the order with all that follows from a refusal: a draft, and a section that says so to other runs."""
    proposal = order.proposal
    if not (proposal.draft or order.wish.refuse):
        return order
    wish = replace(order.wish, refuse=order.wish.refuse or "draft")
    return replace(order, wish=wish, proposal=replace(proposal, draft=True, section=pull_request.held(proposal)))


def _work(look: Look, order: Order) -> Work:
    return Work(
        branch=order.proposal.branch,
        unit=order.proposal.unit,
        message=order.proposal.commit_message,
        changed=order.changed,
        reapply=order.reapply,
        strategy=order.strategy,
        require_verified=order.require_verified,
        opening=pull_request.opening(look, order.proposal, order.strategy),
    )


class _NotHeldError(Exception):
    """A pull request that must not be merged could not be held back, so nothing was pushed to it."""

    def __init__(self, state: PullState, merged: Merged) -> None:
        super().__init__(merged.result)
        self.state = state
        self.merged = merged


class _Run:
    """One delivery. ``look`` is the newest, ``state`` the pull request as it stood when that was taken."""

    def __init__(self, repository: Repository, order: Order, look: Look) -> None:
        self.repository = repository
        self.order = order
        self.first = self.look = look
        self.state: PullState | None = None
        self.progress = Progress(order.proposal.branch)

    def go(self) -> Delivered:
        tip = branch.put(self.repository, self.look, _work(self.look, self.order), self.meet)
        if tip.move is Move.NOTHING:
            return self._nothing(tip)
        if tip.refused:
            return self._refused(tip)
        self.progress.written = tip.move is not Move.LEAVE or self._has_moved(tip)
        pull = self._pull(tip)
        if pull.operation == "none" and self.progress.written:
            pull = replace(pull, operation="updated")  # its texts were right, its commits are new
        merged = self._merge(tip, pull)
        return _delivered(self.repository, tip, self._supersede(pull), merged)

    def _has_moved(self, tip: Tip) -> bool:
        """Whether the branch came to hold what it shall during this run, as by a request whose answer was lost."""
        name = self.order.proposal.branch
        return self.first.knows(name) and self.first.branches.get(name) != tip.oid

    def meet(self, look: Look, opened: Mapping[str, Any] | None) -> bool:
        """Find the pull request that stands by now, and hold it back where it must not be merged."""
        self.look = look
        if opened:
            self.progress.pull = Pull(opened["id"], opened["number"], opened["url"], "created")
        self.state = state = self._standing()
        if state is None:
            return False
        if self.progress.pull is None:
            self.progress.pull = Pull(state.id, state.number, state.url, "none")
        if self.order.strategy is Strategy.SHARED and pull_request.held_elsewhere(state.body, self.order.proposal.unit):
            wish = replace(self.order.wish, refuse=self.order.wish.refuse or "held-by-another-unit")
            self.order = replace(self.order, wish=wish, proposal=replace(self.order.proposal, draft=True))
        if self.order.wish.refuse and (state.armed or state.in_queue or not state.is_draft):
            self.state = state = self._held(state)
        return bool(state and state.in_queue)

    def _standing(self) -> PullState | None:
        name = self.order.proposal.branch
        row = self.look.pull_of(name)
        number = row.number if row else 0
        if not number and not self.look.knows_pull_of(name):
            number = pull_request.find(self.repository, self.look, name)
        state = pull_request.read_text(self.repository, number, self.look.base) if number else None
        return state if state and state.state == "OPEN" else None

    def _held(self, state: PullState) -> PullState | None:
        subject = Subject(state.number, state.head_oid, None)
        merged = settle(self.repository, self.look, subject, self.order.wish, state=state)
        if merged.result.removeprefix("refused:") in NOT_HELD:
            raise _NotHeldError(state, merged)
        self.progress.held = True
        return self._standing()

    def _pull(self, tip: Tip) -> Pull:
        order, state = self.order, self.state
        if tip.pull:
            return self._dressed(Pull(tip.pull["id"], tip.pull["number"], tip.pull["url"], "created"))
        if state is None:
            pull = pull_request.create(self.repository, self.look, order.proposal, order.strategy)
            if pull:
                return self._dressed(pull)
            number = pull_request.find(self.repository, self.look, order.proposal.branch)
            state = pull_request.read_text(self.repository, number, self.look.base)
        pull = pull_request.update(self.repository, self.look, order.proposal, order.strategy, state=state)
        if state.author != self.look.bot:
            return pull
        if self._is_new(pull):
            pull = replace(pull, operation="created")
        return self._dressed(pull, state.worn)

    def _is_new(self, pull: Pull) -> bool:
        """Whether this run opened it, as by a request whose answer was lost."""
        if self.progress.pull and self.progress.pull.operation == "created":
            return True
        known = self.first.knows_pull_of(self.order.proposal.branch)
        return known and pull.operation == "none" and all(pull.number != row.number for row in self.first.pulls)

    def _dressed(self, pull: Pull, worn: Worn = NOTHING) -> Pull:
        self.progress.pull = pull
        wanted = lacking(self.order.proposal, worn)
        if not wanted.anything:
            return pull
        operation = "updated" if pull.operation == "none" else pull.operation
        warnings = dress(self.repository, pull.number, wanted, worn)
        return replace(pull, operation=operation, warnings=(*pull.warnings, *warnings))

    def _merge(self, tip: Tip, pull: Pull) -> Merged:
        wish, subject = self.order.wish, Subject(pull.number, tip.oid, tip.verified)
        if not wish.refuse and wish.method == "off":
            # Nobody asked for it now; but what an earlier run armed is going to merge, and that has to be said.
            return Merged("already" if self.state is not None and self.state.armed else "off")
        if not wish.refuse:
            return settle(self.repository, self.look, subject, wish)
        refused = Merged(f"refused:{wish.refuse}")
        # What this run opened is a draft. Another one may have been armed since, by a run that knew nothing of ours.
        merged = refused if pull.operation == "created" else settle(self.repository, self.look, subject, wish)
        unasked = wish.method == "off" and not self.progress.held and merged.result == refused.result
        return Merged("off") if unasked else merged

    def _supersede(self, pull: Pull) -> Pull:
        if not self.order.supersede or self.order.strategy is not Strategy.ENVIRONMENT:
            return pull
        proposal = self.order.proposal
        closed = close_superseded(self.repository, self.look, proposal.unit, keep=proposal.branch, number=pull.number)
        return replace(pull, warnings=(*pull.warnings, *closed.warnings))

    def _refused(self, tip: Tip) -> Delivered:
        merged, stray = Merged(f"refused:{tip.refused}"), self.progress.pull
        if stray and stray.operation == "created":
            says = close_with(self.repository, stray.number, STRAY)
            warnings = (f"#{stray.number} was opened on somebody else's branch, and could not be closed: {says}",)
            left = replace(stray, warnings=warnings) if says else NO_PULL
            return _delivered(self.repository, tip, left, merged)
        pull = replace(stray, operation="updated") if stray and self.progress.held else stray
        return _delivered(self.repository, tip, pull or NO_PULL, merged)

    def _nothing(self, tip: Tip) -> Delivered:
        order, state = self.order, self.state
        if not (order.settled or order.changed):  # changes that the base holds by now have settled it, too
            if state is None:
                return _delivered(self.repository, tip, NO_PULL, Merged("off"))
            pull = Pull(state.id, state.number, state.url, "none", (_left_open(state.number),))
            return _delivered(self.repository, tip, pull, Merged("off"))
        if not order.supersede:
            return _delivered(self.repository, tip, NO_PULL, Merged("off"))
        closed = close_overtaken(self.repository, self.look, order.proposal.unit, OVERTAKEN)
        if not closed.numbers:
            return _delivered(self.repository, tip, replace(NO_PULL, warnings=closed.warnings), Merged("off"))
        row = next(pull for pull in self.look.pulls if pull.number == closed.numbers[0])
        return _delivered(
            self.repository, tip, Pull(row.id, row.number, row.url, "closed", closed.warnings), Merged("off")
        )


def _left_open(number: int) -> str:
    return f"#{number} stays open: this run found nothing to change, but the base branch does not hold what is wanted."


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
