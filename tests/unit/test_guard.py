from __future__ import annotations

import pytest

from difyaction import guard
from difyaction.errors import Refused
from difyaction.target import Severity
from tests.unit.sample_plan import SamplePlan, objection


def refusal(plan: SamplePlan, approved: str = "") -> Refused:
    with pytest.raises(Refused) as caught:
        guard.let_pass(plan, approved=approved)
    return caught.value


def test_a_plan_without_objections_passes() -> None:
    guard.let_pass(SamplePlan(), approved="")
    guard.let_pass(SamplePlan(), approved=SamplePlan().plan_id)


def test_an_objection_that_does_not_stop_passes() -> None:
    guard.let_pass(SamplePlan(objections=(objection(),)), approved="")


def test_an_objection_that_stops_names_the_words_of_consent() -> None:
    why = refusal(SamplePlan(stopping=(objection(), objection(rule="weaviate-builtin"))))
    words = "plugin-migration@1.14.1, weaviate-builtin@1.14.1"
    assert str(why) == (
        f"Objections stand in the way: {words}. Nothing was changed. "
        f"Read them; when you accept them, run again with `acknowledge: {words}`."
    )
    assert why.exit_code == 3


def test_consent_is_not_offered_for_what_nobody_may_acknowledge() -> None:
    why = refusal(SamplePlan(stopping=(objection(), objection(Severity.NEVER, "schema-downgrade"))))
    assert "schema-downgrade@1.14.1 cannot be acknowledged" in str(why)
    assert "acknowledge:" not in str(why)


def test_another_plan_than_the_approved_one_is_refused_before_its_objections() -> None:
    why = refusal(SamplePlan(stopping=(objection(),)), approved="0123")
    assert why.id == "plan-changed"
    assert "0123" in str(why)
    assert "3f5a9c0d1e2b" in str(why)
