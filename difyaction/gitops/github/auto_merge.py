"""What to do next about a pull request that shall merge itself. Pure: each step ends in a named result or a next look.

Results: ``enabled``, ``queued``, ``merged``, ``already``, ``off``, ``refused:<reason>``.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from difyaction.gitops.github.proposal import Wish
from difyaction.gitops.github.pull_state import Gate, PullState
from difyaction.gitops.github.refusals import FINAL, Refusal

UNKNOWN_POLLS: Final = (1.0, 2.0, 4.0, 8.0)  # seconds; GitHub computes the state after somebody asked for it
UNSTABLE_POLLS: Final = 6
UNSTABLE_PAUSE: Final = 5.0  # seconds; checks may not even be registered right after a push
HEAD_POLLS: Final = 3
MERGE_TRIES: Final = 4
HOLD_TRIES: Final = 2
NOT_HELD: Final = ("not-disarmed", "not-dequeued", "not-drafted")
"""Reasons why one that has to be held back could not be: it may be merged, so nothing is pushed to it."""
READY: Final = frozenset({"CLEAN", "HAS_HOOKS"})


class Action(enum.StrEnum):
    """What a step does."""

    END = "end"
    POLL = "poll"
    READ_RULES = "read-rules"
    DISARM = "disarm"
    DEQUEUE = "dequeue"
    TO_DRAFT = "to-draft"
    ARM = "arm"
    ENQUEUE = "enqueue"
    MERGE = "merge"


@dataclass(frozen=True)
class Step:
    """The next step: ``result`` with END, ``method`` with ARM and MERGE (none: the queue's), ``seconds`` with POLL."""

    action: Action
    result: str = ""
    method: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class View:
    """All that a decision rests on. ``gate`` is None until the base branch's rules were read.

    ``verified`` is None when this run committed nothing; ``head`` is the commit that we mean to merge.
    """

    pull: PullState
    head: str
    verified: bool | None
    auto_merge_allowed: bool
    methods: tuple[str, ...]
    gate: Gate | None = None


@dataclass(frozen=True)
class Tried:
    """What was done so far, and what GitHub said to it."""

    counts: dict[str, int] = field(default_factory=dict)
    refusals: frozenset[Refusal] = frozenset()
    bad_methods: frozenset[str] = frozenset()

    def times(self, what: str) -> int:
        """Return how often something was done."""
        return self.counts.get(what, 0)

    def having(self, what: str) -> Tried:
        """Return this with one more of ``what``."""
        return replace(self, counts={**self.counts, what: self.times(what) + 1})

    def told(self, refusal: Refusal, method: str) -> Tried:
        """Return this with what GitHub said to the last step."""
        bad = self.bad_methods | {method} if refusal is Refusal.METHOD and method else self.bad_methods
        return replace(self, refusals=self.refusals | {refusal}, bad_methods=bad)


def end(result: str) -> Step:
    """Return the last step."""
    return Step(Action.END, result=result)


def refused(reason: str) -> Step:
    """Return the last step of a pull request that stays as it is."""
    return end(f"refused:{reason}")


def next_step(view: View, wish: Wish, tried: Tried) -> Step:
    """Return what to do next. The first rule that has an opinion wins."""
    for rule in RULES:
        step = rule(view, wish, tried)
        if step is not None:
            return step
    return refused("undecided")


def _over(view: View, wish: Wish, tried: Tried) -> Step | None:
    if view.pull.state == "MERGED":
        return end("merged")
    if view.pull.state == "CLOSED":
        return refused("closed")
    if wish.refuse:
        return _forbidden(view, wish, tried)
    if wish.method == "off":
        return end("off")
    if view.pull.in_queue or Refusal.IN_QUEUE in tried.refusals:
        return end("queued")
    return None


def _forbidden(view: View, wish: Wish, tried: Tried) -> Step:
    """Hold it back: neither armed nor queued, and a draft, which nobody can merge by mistake."""
    open_to_all = not view.pull.is_draft and Refusal.NO_DRAFTS not in tried.refusals
    for stands, action, reason in (
        (view.pull.armed, Action.DISARM, NOT_HELD[0]),
        (view.pull.in_queue, Action.DEQUEUE, NOT_HELD[1]),
        (open_to_all, Action.TO_DRAFT, NOT_HELD[2]),
    ):
        if stands:
            return Step(action) if tried.times(action) < HOLD_TRIES else refused(reason)
    return refused(wish.refuse)


def _final(view: View, wish: Wish, tried: Tried) -> Step | None:
    for refusal in sorted(tried.refusals):
        if refusal in FINAL:
            return refused(FINAL[refusal])
    if Refusal.METHOD in tried.refusals and wish.method != "auto":
        return refused("method-not-allowed")
    if view.pull.is_draft:
        return refused("draft")
    return None


def _moved(view: View, wish: Wish, tried: Tried) -> Step | None:  # noqa: ARG001 - all rules have one shape
    if view.pull.head_oid == view.head:
        return None
    if tried.times("head") < HEAD_POLLS:
        return Step(Action.POLL, result="head", seconds=UNKNOWN_POLLS[tried.times("head")])
    return refused("head-moved")


def _unverified(view: View, wish: Wish, tried: Tried) -> Step | None:  # noqa: ARG001 - all rules have one shape
    if Refusal.UNSIGNED in tried.refusals:
        return refused("unverified")
    if view.verified is not False:
        return None
    if view.gate is None:
        return Step(Action.READ_RULES)
    return refused("unverified") if view.gate.signatures else None


def _unclear(view: View, wish: Wish, tried: Tried) -> Step | None:  # noqa: ARG001 - all rules have one shape
    if view.pull.status == "DIRTY" or view.pull.mergeable == "CONFLICTING":
        return refused("dirty")
    if view.pull.status == "UNKNOWN" and tried.times("unknown") < len(UNKNOWN_POLLS):
        return Step(Action.POLL, result="unknown", seconds=UNKNOWN_POLLS[tried.times("unknown")])
    return None


def _armed(view: View, wish: Wish, tried: Tried) -> Step | None:
    if Refusal.ALREADY in tried.refusals:
        return end("already")
    if not view.pull.armed:
        return None
    if view.pull.has_queue or wish.method in {"auto", view.pull.armed} or tried.times("disarm"):
        return end("already")
    return Step(Action.DISARM)


def _queue(view: View, wish: Wish, tried: Tried) -> Step | None:  # noqa: ARG001 - all rules have one shape
    if not view.pull.has_queue and Refusal.QUEUE not in tried.refusals:
        return None
    if view.pull.status in READY or Refusal.CLEAN in tried.refusals:
        return Step(Action.ENQUEUE) if not tried.times("enqueue") else refused("queue")
    if Refusal.NOT_ALLOWED in tried.refusals:
        return refused("auto-merge-not-allowed")
    return Step(Action.ARM) if tried.times("arm") < MERGE_TRIES else refused("queue")


def _method(view: View, wish: Wish, tried: Tried) -> str:
    by_rules = view.gate.methods if view.gate else None
    allowed = [
        method
        for method in view.methods
        if method not in tried.bad_methods and (by_rules is None or method in by_rules)
    ]
    if wish.method != "auto":
        return wish.method if wish.method in allowed else ""
    return allowed[0] if allowed else ""


def _merge_now(view: View, wish: Wish, tried: Tried) -> Step | None:
    """Merge directly where GitHub would let us at once, and only behind a gate that has been passed."""
    ready = view.pull.status in READY or (Refusal.CLEAN in tried.refusals and view.pull.status != "BLOCKED")
    unstable = view.pull.status == "UNSTABLE"
    unprotected = Refusal.UNPROTECTED in tried.refusals
    if not (ready or unstable or unprotected):
        return None
    if unstable and tried.times("unstable") < UNSTABLE_POLLS:
        return Step(Action.POLL, result="unstable", seconds=UNSTABLE_PAUSE)
    if view.gate is None:
        return Step(Action.READ_RULES)
    if not (view.gate.guarded or wish.merge_without_checks):
        return refused("no-required-checks")
    if tried.times("merge") >= MERGE_TRIES:
        return refused("not-mergeable")
    method = _method(view, wish, tried)
    return Step(Action.MERGE, method=method) if method else refused("method-not-allowed")


def _arm(view: View, wish: Wish, tried: Tried) -> Step | None:
    if not view.auto_merge_allowed or Refusal.NOT_ALLOWED in tried.refusals:
        return refused("auto-merge-not-allowed")
    if tried.times("arm") >= MERGE_TRIES:
        return refused("not-mergeable")
    method = _method(view, wish, tried)
    return Step(Action.ARM, method=method) if method else refused("method-not-allowed")


Rule = Callable[[View, Wish, Tried], Step | None]
RULES: Final[tuple[Rule, ...]] = (_over, _final, _moved, _unverified, _unclear, _armed, _queue, _merge_now, _arm)
