"""The story of every run: inspect, plan, guard | no impact above this line | apply, close."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from difyaction import guard
from difyaction.target import Outcome, Plan, Target

STAGES = ("inspect", "plan", "guard", "apply", "close")

F = TypeVar("F")
P = TypeVar("P", bound=Plan)


@dataclass(frozen=True)
class Ending:
    """How the story ended. ``plan`` is None in a mode that makes none, ``outcome`` when nothing was applied."""

    status: str
    plan: Plan | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True)
class Stage:
    """One stage as it was told: ``result`` is ``done``, ``failed`` or ``cancelled``."""

    name: str
    result: str
    seconds: float


class Teller(Protocol):
    """Who listens to the story: each stage is entered and left, and the plan is shown."""

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Surround one of `STAGES`."""
        ...

    def show(self, plan: Plan) -> None:
        """Take the plan, before anything is decided about it."""
        ...


def tell(target: Target[F, P], *, mode: str, approved: str, say: Teller) -> Ending:
    """Tell it. ``approved`` is the plan-id of an approved plan, or empty; in mode ``plan`` nothing is applied."""
    try:
        with say.stage("inspect"):
            facts = target.inspect()
        with say.stage("plan"):
            plan = target.plan(facts)
            say.show(plan)
        if mode == "plan":
            return Ending("planned" if plan.changes else "unchanged", plan)
        with say.stage("guard"):
            guard.let_pass(plan, approved=approved)
        # No impact above this line.
        with say.stage("apply"):
            outcome = target.apply(plan)
        return Ending(outcome.status, plan, outcome)
    finally:
        with say.stage("close"):
            target.close()
