"""What later steps are told of a server is what docs/schema says, however the run ends."""

from __future__ import annotations

import dataclasses
import json
import signal
from datetime import UTC, datetime

import pytest

from difyaction import breakage, errors, report
from difyaction.cancelled import Cancelled
from difyaction.compose.server_plan import make_plan
from difyaction.language import Language
from difyaction.statuses import EXIT_CODES
from difyaction.story import STAGES, Stage
from difyaction.summary import summary
from difyaction.target import Outcome
from tests.published import valid
from tests.unit.compose.machines import FACTS, facts, situation

SITUATIONS = sorted(path.stem for path in FACTS.glob("*.toml"))
UPGRADED = report.Told(
    status="upgraded",
    exit_code=0,
    mode="apply",
    target="server",
    ended=datetime(2026, 11, 3, 12, 0, tzinfo=UTC),
    seconds=312.5,
    stages=tuple(Stage(name, "done", 1.25) for name in STAGES),
    outcome=Outcome("upgraded", changed=True, outputs={"backup-id": "20261103", "seconds-without-service": "14"}),
)
KINDS = {kind.status: kind for kind in errors.ActionError.__subclasses__()}


def ended(status: str) -> report.Told:
    """Return a run of a server that ended so: with the error of that kind, or well."""
    plan = make_plan(facts({}))
    if status == "cancelled":
        why = breakage.as_cancelled(Cancelled(signal.SIGTERM), stages=["inspect"])
        return dataclasses.replace(UPGRADED, status=status, exit_code=143, outcome=None, error=why, plan=plan)
    if status == "invalid":
        why = errors.Invalid([errors.Complaint("input-missing", "host: it is missing.", input="host")])
        return dataclasses.replace(UPGRADED, status=status, exit_code=2, outcome=None, error=why, stages=())
    if status in KINDS:
        why = KINDS[status]("some-id", "Step {step}: gone.", next_step="Look at {step}.", step="migrate")
        return dataclasses.replace(UPGRADED, status=status, exit_code=why.exit_code, outcome=None, error=why, plan=plan)
    outcome = dataclasses.replace(UPGRADED.outcome or Outcome("", changed=False), status=status)
    return dataclasses.replace(UPGRADED, status=status, exit_code=EXIT_CODES[status], outcome=outcome, plan=plan)


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_plan_of_a_server_is_as_published(name: str) -> None:
    plan = make_plan(facts(situation(name)))
    told = valid("plan", report.plan_json(plan))
    assert [each["consent"] for each in told["objections"]] == [each.consent for each in plan.objections]
    assert "cut" not in told


@pytest.mark.parametrize("status", EXIT_CODES)
def test_every_ending_of_a_server_is_as_published(status: str) -> None:
    told = ended(status)
    given = report.outputs(told)
    read = valid("report", given["report"])
    assert (read["status"], read["exit-code"]) == (status, told.exit_code)
    assert (read["error"] is None) == (told.error is None)
    assert summary(told, Language.of("ja")).startswith("## ")


def test_a_report_that_is_too_long_is_cut_and_still_as_published() -> None:
    sentences = ("x" * 1000,) * (report.JSON_CHARACTERS // 1000)
    told = dataclasses.replace(UPGRADED, outcome=dataclasses.replace(UPGRADED.outcome, sentences=sentences))  # type: ignore[type-var]
    assert valid("report", report.report_json(told))["cut"] is True


def test_nothing_that_is_not_published_would_pass() -> None:
    told = json.loads(report.report_json(UPGRADED))
    with pytest.raises(Exception, match="Additional properties"):
        valid("report", json.dumps(told | {"more": 1}))
