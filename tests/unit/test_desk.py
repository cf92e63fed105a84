from __future__ import annotations

import dataclasses

import pytest
from syrupy.assertion import SnapshotAssertion

from difyaction import desk
from difyaction.errors import Complaint, Invalid, Stranded
from difyaction.language import Language
from difyaction.report import Told
from difyaction.target import Change, Outcome, Severity
from tests.unit.sample_plan import CHANGE, Said, SamplePlan, objection
from tests.unit.test_report import LOST, TOLD

OPEN, FINAL = objection(), objection(Severity.NEVER, "schema-downgrade")
PLANNED = dataclasses.replace(
    TOLD,
    status="planned",
    mode="plan",
    outcome=None,
    plan=SamplePlan(
        changes=(
            CHANGE,
            *(dataclasses.replace(CHANGE, where=f"envs/{name}/values.yaml#image.api.tag") for name in "abc"),
            Change("envs/prod/values.yaml#image.web.tag", "langgenius/dify-web", "", "1.14.1", "prod"),
        ),
        objections=(OPEN, objection(Severity.AUTOMATIC, "env-layout")),
        stopping=(OPEN,),
        findings=(Said("chart {name} stays", {"name": "dify"}),),
    ),
)
UPGRADED = Outcome("upgraded", changed=True, outputs={"backup-id": "20261103-1"}, sentences=("Without service: 9 s.",))

AGAIN = "the same again with --mode apply --plan-id 3f5a9c0d1e2b"


def text(told: Told, code: str = "en", kept: str = "") -> str:
    return desk.ending(told, Language.of(code), kept=kept)


def steps(told: Told) -> list[str]:
    return [line.removeprefix("Next step: ") for line in text(told).splitlines() if line.startswith("Next step: ")]


@pytest.mark.parametrize("code", ["en", "ja"])
def test_an_ending_says_what_changes_what_stands_in_the_way_and_the_next_step(
    code: str, snapshot: SnapshotAssertion
) -> None:
    assert text(PLANNED, code, kept="out/summary.md") == snapshot


@pytest.mark.parametrize("code", ["en", "ja"])
def test_a_failure_is_told_with_its_cause_its_state_and_the_next_step(code: str, snapshot: SnapshotAssertion) -> None:
    assert text(dataclasses.replace(TOLD, status="failed", plan=None, outcome=None, error=LOST), code) == snapshot


@pytest.mark.parametrize("code", ["en", "ja"])
def test_every_complaint_is_told_with_its_place_and_each_meaning_once(code: str, snapshot: SnapshotAssertion) -> None:
    complaints = [
        Complaint(id="input-unknown", text="There is no input 'mod'.", input="mod"),
        Complaint(id="input-unknown", text="There is no input 'fils'.", input="fils"),
        Complaint(id="path-missing", text="there is no x.y", file="a.yaml", line=3),
    ]
    told = dataclasses.replace(TOLD, status="invalid", plan=None, outcome=None, error=Invalid(complaints))
    assert text(told, code) == snapshot


def test_what_was_proved_is_said_of_what_was_done_alone() -> None:
    done = dataclasses.replace(TOLD, status="upgraded", target="server", outcome=UPGRADED)
    assert "Proved: the database's schema and rows;" in text(done)
    assert "Without service: 9 s." in text(done)
    assert "Proved: each file was read again" in text(TOLD)
    left = Stranded("lost", "x", next_step="y")
    for told in (PLANNED, dataclasses.replace(done, status="stranded", outcome=None, error=left)):
        assert "Proved" not in text(told)


def test_the_next_step_belongs_to_how_it_ended() -> None:
    assert steps(TOLD) == ["Review the pull request: https://github.com/acme/gitops/pull/12"]
    edited = dataclasses.replace(TOLD, outcome=Outcome("proposed", changed=True))
    assert steps(edited) == ["Look at the edit with `git diff`, then commit it."]
    done = dataclasses.replace(TOLD, status="upgraded", target="server", outcome=UPGRADED)
    assert steps(done) == [
        "Nothing has to be done. The way back, while that backup stands: --mode rollback --rollback-to 20261103-1"
    ]
    assert steps(dataclasses.replace(done, status="merged", target="gitops")) == []


@pytest.mark.parametrize(
    ("stopping", "expected"),
    [
        ((), f"When it is right, {AGAIN}"),
        (
            (OPEN,),
            f"Read the objections; when you accept them, {AGAIN} --acknowledge plugin-migration@1.14.1",
        ),
        ((OPEN, FINAL), "Do what the objections say, or choose another release; then plan again."),
    ],
)
def test_after_a_plan_the_next_step_is_a_command_unless_nobody_may_consent(stopping, expected: str) -> None:  # noqa: ANN001
    plan = SamplePlan(objections=stopping, stopping=stopping)
    assert steps(dataclasses.replace(PLANNED, plan=plan)) == [expected]


def test_a_long_plan_is_cut_and_says_by_how_much() -> None:
    changes = tuple(dataclasses.replace(CHANGE, what=f"image-{number}") for number in range(desk.ROWS + 3))
    findings = tuple(Said(f"remark {number}") for number in range(desk.ROWS + 2))
    said = text(dataclasses.replace(PLANNED, plan=SamplePlan(changes=changes, findings=findings)))
    assert "  3 more changes are not shown." in said
    assert "  2 more remarks are not shown." in said


def test_a_headline_has_no_picture_that_a_terminal_might_not_show() -> None:
    assert text(PLANNED).splitlines()[:2] == ["", "Planned: Dify 1.13.3 → 1.14.1. Nothing was changed."]
    assert text(PLANNED, "ja").splitlines()[1][0].isalnum()
