"""What happened so far: the log's groups, and the record that the report is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from difyaction.runner import Runner
from difyaction.story import Stage
from difyaction.target import Plan

_TITLES = {
    "inspect": "Inspect",
    "plan": "Plan",
    "guard": "Guard",
    "apply": "Apply",
    "close": "Close",
    "matrix": "Matrix",
    "sweep": "Sweep",
}

_DOCUMENT_LINES, _DOCUMENT_COLUMNS = 6000, 30_000  # of a plan: a runbook, whole, with the names of all tables in a line


class Journal:
    """Listens to the story. ``stages`` and ``plan`` hold what was heard, also when the story breaks off."""

    def __init__(self, runner: Runner, monotonic: Callable[[], float]) -> None:
        self.stages: tuple[Stage, ...] = ()
        self.plan: Plan | None = None
        self._runner = runner
        self._monotonic = monotonic

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Group the log of one stage and note how it ended."""
        began, result = self._monotonic(), "cancelled"
        tell = self._runner.events.tell
        tell("stage-began", stage=name)
        try:
            with self._runner.group(_TITLES[name]):
                yield
            result = "done"
        except Exception:
            result = "failed"
            raise
        finally:
            seconds = self._monotonic() - began
            self.stages += (Stage(name, result, seconds),)
            tell("stage-ended", stage=name, result=result, seconds=round(seconds, 3))

    def show(self, plan: Plan) -> None:
        """Print the plan and keep it."""
        self.plan = plan
        self._runner.events.tell(
            "plan",
            plan_id=plan.plan_id,
            from_version=plan.from_version,
            to_version=plan.to_version,
            changes=len(plan.changes),
            objections=len(plan.objections),
        )
        say = self._runner.say
        say(f"from {plan.from_version or 'nothing known'} to {plan.to_version or 'what is given'}, plan {plan.plan_id}")
        for change in plan.changes:
            say(f"change {change.where}: {change.what} {change.before} -> {change.after}")
        for objection in plan.objections:
            stands = "in the way" if objection.in_the_way else "noted"
            text = objection.text.format(**objection.facts)
            say(f"objection {objection.consent} ({objection.severity}, {stands}): {text}")
        for remark in plan.remarks:
            say(f"remark: {remark}")
        for document in plan.documents:
            if document.kind == "markdown":
                continue  # written for the summary, where it is rendered
            say(f"{document.title}:")
            self._runner.foreign(document.text, lines=_DOCUMENT_LINES, columns=_DOCUMENT_COLUMNS)
        if not plan.changes:
            say("nothing to change")
