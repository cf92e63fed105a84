from __future__ import annotations

import dataclasses

import pytest

from difyaction.errors import Refused
from difyaction.story import STAGES, Ending, tell
from tests.unit.sample_plan import PROPOSED, Listener, SamplePlan, ScriptedTarget, objection


def test_an_upgrade_is_told_from_inspect_to_close() -> None:
    target, listener = ScriptedTarget(), Listener()
    assert tell(target, mode="apply", approved="", say=listener) == Ending("proposed", target.plan_made, PROPOSED)
    assert target.asked == ["inspect", "plan", "apply", "close"]
    assert listener.stages == list(STAGES)
    assert listener.plan is target.plan_made


def test_plan_mode_stops_at_the_line_also_when_something_stands_in_the_way() -> None:
    target = ScriptedTarget(SamplePlan(stopping=(objection(),)))
    assert tell(target, mode="plan", approved="", say=Listener()).status == "planned"
    assert target.asked == ["inspect", "plan", "close"]


def test_a_plan_without_changes_is_unchanged_and_apply_still_tidies_up() -> None:
    target = ScriptedTarget(SamplePlan(changes=()), dataclasses.replace(PROPOSED, status="unchanged", changed=False))
    assert tell(target, mode="plan", approved="", say=Listener()).status == "unchanged"
    assert tell(target, mode="apply", approved="", say=Listener()).status == "unchanged"
    assert target.asked == ["inspect", "plan", "close", "inspect", "plan", "apply", "close"]


@pytest.mark.parametrize(
    ("plan", "approved", "why"),
    [(SamplePlan(stopping=(objection(),)), "", "objections"), (SamplePlan(), "another", "plan-changed")],
)
def test_nothing_is_applied_when_the_guard_refuses(plan: SamplePlan, approved: str, why: str) -> None:
    target, listener = ScriptedTarget(plan), Listener()
    with pytest.raises(Refused) as caught:
        tell(target, mode="apply", approved=approved, say=listener)
    assert caught.value.id == why
    assert target.asked == ["inspect", "plan", "close"]
    assert listener.plan is plan


def test_the_approved_plan_is_applied() -> None:
    target = ScriptedTarget()
    assert tell(target, mode="rollback", approved=target.plan_made.plan_id, say=Listener()).status == "proposed"


@pytest.mark.parametrize("stage", ["inspect", "plan", "apply"])
@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt])
def test_what_was_opened_is_closed_wherever_it_breaks(stage: str, kind: type[BaseException]) -> None:
    target = ScriptedTarget(breaks_at=stage, breaks_with=kind())
    with pytest.raises(kind):
        tell(target, mode="apply", approved="", say=Listener())
    assert target.asked[-1] == "close"


def test_a_failure_to_close_is_told_and_keeps_what_broke_before() -> None:
    target = ScriptedTarget(breaks_at="close", breaks_with=RuntimeError("still open"))
    with pytest.raises(RuntimeError, match="still open"):
        tell(target, mode="apply", approved="", say=Listener())
