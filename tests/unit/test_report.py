from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

from difyaction import report
from difyaction.errors import Complaint, Failed, Invalid, Stranded
from difyaction.report import Annotation, Told
from difyaction.story import Stage
from difyaction.target import Document, Outcome, Severity
from tests.unit.sample_plan import CHANGE, PROPOSED, SamplePlan, objection

TOLD = Told(
    status="proposed",
    exit_code=0,
    mode="apply",
    target="gitops",
    ended=datetime(2026, 11, 3, 12, 0, tzinfo=UTC),
    seconds=12.34,
    stages=(Stage("inspect", "done", 1.25),),
    plan=SamplePlan(objections=(objection(),)),
    outcome=PROPOSED,
)
LOST = Failed(
    "lost", "It is {adjective}.", next_step="Look for {thing}.", adjective="gone", thing="it", file="a.yaml", line=3
)


def test_every_output_is_set_and_what_does_not_apply_is_empty() -> None:
    given = report.outputs(TOLD)
    assert given.keys() == report.OUTPUTS.keys()
    assert given["status"] == "proposed"
    assert given["changed"] == "true"
    assert given["from-version"] == "1.13.3"
    assert given["to-version"] == "1.14.1"
    assert given["plan-id"] == "3f5a9c0d1e2b"
    assert given["pull-request-number"] == "12"
    assert given["matrix"] == ""


def test_changed_speaks_of_what_was_done_and_in_plan_mode_of_what_would_be() -> None:
    planned = dataclasses.replace(TOLD, mode="plan", outcome=None)
    assert planned.changed
    assert not dataclasses.replace(planned, plan=SamplePlan(changes=())).changed
    assert dataclasses.replace(planned, plan=SamplePlan(stopping=(objection(),))).changed, "somebody may consent yet"
    assert not dataclasses.replace(planned, plan=SamplePlan(stopping=(objection(Severity.NEVER),))).changed
    assert not dataclasses.replace(planned, error=LOST, status="failed").changed
    assert dataclasses.replace(planned, error=Stranded("x", "y", next_step="z"), status="stranded").changed


def test_the_plan_as_json_holds_what_a_program_needs() -> None:
    plan = json.loads(report.plan_json(SamplePlan(objections=(objection(),), documents=(Document("a", "b", "diff"),))))
    assert plan["version"] == 1
    assert plan["changes"] == [
        {"unit": "prod", "where": CHANGE.where, "what": CHANGE.what, "before": "1.13.3", "after": "1.14.1"}
    ]
    assert plan["objections"][0] == {
        "rule": "plugin-migration",
        "severity": "acknowledge",
        "consent": "plugin-migration@1.14.1",
        "acknowledged": False,
        "in-the-way": True,
        "text": "prod must run `flask extract-plugins`.",
    }
    assert plan["documents"] == [{"title": "a", "kind": "diff", "text": "b"}]
    assert "cut" not in plan


def test_json_that_is_too_long_loses_documents_before_changes_and_says_so() -> None:
    plan = json.loads(report.plan_json(SamplePlan(documents=(Document("a", "b" * 500_000),))))
    assert plan["documents"] == []
    assert plan["cut"] is True
    assert len(plan["changes"]) == 1
    many = json.loads(report.plan_json(SamplePlan(changes=(CHANGE,) * 10_000)))
    assert many["changes"] == []
    outputs = {"matrix": "x" * 500_000}
    told = dataclasses.replace(TOLD, outcome=Outcome("planned", changed=False, outputs=outputs))
    assert len(report.report_json(told)) < report.JSON_CHARACTERS


def test_the_report_as_json_tells_the_error_whole() -> None:
    told = json.loads(
        report.report_json(dataclasses.replace(TOLD, status="failed", exit_code=4, outcome=None, error=LOST))
    )
    assert told["status"] == "failed"
    assert told["stages"] == [{"name": "inspect", "result": "done", "seconds": 1.2}]
    assert told["error"] == {
        "id": "lost",
        "what": "It is gone.",
        "state": "Nothing was changed.",
        "next-step": "Look for it.",
        "file": "a.yaml",
        "line": 3,
        "complaints": [],
    }


def test_each_complaint_is_an_error_on_its_line() -> None:
    wrong = Invalid([Complaint("a", "first", file="a.yaml", line=2), Complaint("b", "second", input="mode")])
    told = dataclasses.replace(TOLD, status="invalid", plan=None, outcome=None, error=wrong)
    assert list(report.annotated(told)) == [
        Annotation("error", "first", "a", "a.yaml", 2),
        Annotation("error", "second", "b"),
    ]


def test_an_error_is_one_annotation_with_its_id_as_title() -> None:
    told = dataclasses.replace(TOLD, plan=None, outcome=None, error=LOST)
    assert list(report.annotated(told)) == [
        Annotation("error", "It is gone. Nothing was changed. Look for it.", "lost", "a.yaml", 3)
    ]


def test_objections_in_the_way_warn_and_pull_requests_are_noticed() -> None:
    assert list(report.annotated(TOLD)) == [
        Annotation("warning", "prod must run `flask extract-plugins`.", "plugin-migration@1.14.1"),
        Annotation("notice", "https://github.com/acme/gitops/pull/12", "proposed"),
    ]
