"""What later steps are told: outputs, annotations, and the record that these and the summary are made of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from difyaction.errors import ActionError, Invalid
from difyaction.story import Stage
from difyaction.target import Objection, Outcome, Plan, Severity

JSON_VERSION = 1
_CHANGED = frozenset({"stranded", "degraded", "running", "door-open"})  # errors that leave something other than it was
JSON_CHARACTERS = 400_000  # a job's outputs together may hold 1 MiB; `plan` and `report` are two of them

OUTPUTS: Mapping[str, str] = {
    "status": "How the run ended: `unchanged`, `planned`, `upgraded`, `restored`, `proposed`, `merged`, `invalid`, "
    "`refused`, `failed`, `rolled-back`, `stranded`, `degraded`, `running`, `swept`, `door-open` or `cancelled`.",
    "changed": "`true` when something was changed, or in mode `plan` would be: `false` for a plan that can never run, "
    "because an objection stands in its way to which nobody can consent.",
    "from-version": "The release of Dify that was found, empty when none is known.",
    "to-version": "The release of Dify that was wanted, after ranges and `latest` were resolved.",
    "plan-id": "A digest of the plan and of what it was made from; give it to `apply` as `plan-id`.",
    "plan": "The plan as JSON: versions, changes, objections, remarks, documents.",
    "report": "The whole ending as JSON: status, stages, error, outputs. Its `version` changes when its form does.",
    "pull-request-number": "Number of the pull request; of several, one a line.",
    "pull-request-url": "Address of the pull request; of several, one a line.",
    "pull-request-operation": "What happened to the pull request: `created`, `updated`, `closed` or `none`.",
    "auto-merge-result": "`enabled`, `queued`, `merged`, `already`, `off` or `refused:<reason>`.",
    "backup-id": "Name of the backup that this run made on the host; `rollback-to` takes it.",
    "seconds-without-service": "Seconds in which users got no page or no answer of the console, measured on the host.",
    "snapshot-ids": "Ids of what holds the machine's disks as they were before, one a line.",
    "snapshots-unverified": "Ids of snapshots and restore points that were begun and not seen complete, one a line; "
    "they are tagged, and removed like the others.",
    "swap-commands": "The commands by which a person puts these disks back, one a line.",
    "exposure": "Every door that was open and for how many seconds, as JSON: a list of records with `door`, `seconds` "
    "(not where a lost run left it open) and `open`, which is true for one that was not seen closed.",
    "matrix": "JSON for `strategy.matrix`, in mode `matrix`.",
}


@dataclass(frozen=True, kw_only=True)
class Told:
    """A run that has ended. ``ended`` is aware; ``error`` is None when it went well."""

    status: str
    exit_code: int
    mode: str
    target: str
    ended: datetime
    seconds: float
    timezone: str = "UTC"
    stages: tuple[Stage, ...] = ()
    plan: Plan | None = None
    outcome: Outcome | None = None
    error: ActionError | None = None
    left: Mapping[str, str] = field(default_factory=dict)  # outputs of what a run that broke off has made
    noted: Mapping[str, str] = field(default_factory=dict)  # outputs that stand however it ended, and are no change
    place: str = ""  # the machine that it is of, such as `host dify@10.1.0.4`; empty where it is of none
    page: str = ""  # address of docs/troubleshooting.md as it belongs to the release that runs, where that is known

    @property
    def own_outputs(self) -> dict[str, str]:
        """What the target itself put out."""
        return {**(self.outcome.outputs if self.outcome else self.left), **self.noted}

    @property
    def changed(self) -> bool:
        """Whether something was changed, or in mode ``plan`` would be; a plan that can never run changes nothing."""
        if self.outcome is not None:
            return self.outcome.changed
        if self.left:
            return True
        if self.error is not None:
            return self.status in _CHANGED
        if self.plan is None or self.mode != "plan":
            return False
        return bool(self.plan.changes) and not any(each.severity is Severity.NEVER for each in self.plan.stopping)


@dataclass(frozen=True)
class Annotation:
    """One line that the run's page shows: ``kind`` is error, warning or notice."""

    kind: str
    text: str
    title: str = ""
    file: str = ""
    line: int = 0


def outputs(told: Told) -> dict[str, str]:
    """Return every output of action.yml; what does not apply is empty."""
    plan = told.plan
    known = {
        "status": told.status,
        "changed": str(told.changed).lower(),
        "from-version": plan.from_version if plan else "",
        "to-version": plan.to_version if plan else "",
        "plan-id": plan.plan_id if plan else "",
        "plan": plan_json(plan) if plan else "",
        "report": report_json(told),
    }
    return {**dict.fromkeys(OUTPUTS, ""), **known, **told.own_outputs}


def annotated(told: Told) -> Iterator[Annotation]:
    """Yield what the run's page shows, the worst first. English, like the log."""
    if isinstance(told.error, Invalid):
        for complaint in told.error.complaints:
            yield Annotation("error", complaint.text, complaint.id, complaint.file, complaint.line)
    elif told.error is not None:
        yield Annotation("error", str(told.error), told.error.id, told.error.file, told.error.line)
    for objection in told.plan.objections if told.plan else ():
        if objection.in_the_way:
            yield Annotation("warning", objection.text.format(**objection.facts), objection.consent)
    if told.status == "unchanged" and told.plan is not None and not told.plan.settled:
        text = "Not everything is as wanted, and nothing could be moved; the remarks of the plan say why."
        yield Annotation("warning", text, "unchanged")
    if told.error is None and told.outcome is not None:
        for url in told.outcome.outputs.get("pull-request-url", "").split():
            yield Annotation("notice", url, told.status)


def plan_json(plan: Plan) -> str:
    """Write a plan as JSON. What is too long is left out from the end, and ``cut`` says so."""
    changes = [
        {"unit": each.unit, "where": each.where, "what": each.what, "before": each.before, "after": each.after}
        for each in plan.changes
    ]
    whole: dict[str, Any] = {
        "version": JSON_VERSION,
        "from-version": plan.from_version,
        "to-version": plan.to_version,
        "plan-id": plan.plan_id,
        "changes": changes,
        "objections": [_objection(each) for each in plan.objections],
        "remarks": list(plan.remarks),
        "documents": [{"title": each.title, "kind": each.kind, "text": each.text} for each in plan.documents],
    }
    return _bounded(whole, ("documents", "changes", "remarks", "objections"))


def report_json(told: Told) -> str:
    """Write the ending as JSON, without the plan, which is an output of its own; bounded likewise."""
    whole: dict[str, Any] = {
        "version": JSON_VERSION,
        "status": told.status,
        "exit-code": told.exit_code,
        "mode": told.mode,
        "target": told.target,
        "place": told.place,
        "changed": told.changed,
        "from-version": told.plan.from_version if told.plan else "",
        "to-version": told.plan.to_version if told.plan else "",
        "plan-id": told.plan.plan_id if told.plan else "",
        "ended": told.ended.isoformat(timespec="seconds"),
        "seconds": round(told.seconds, 1),
        "stages": [{"name": s.name, "result": s.result, "seconds": round(s.seconds, 1)} for s in told.stages],
        "error": _error(told.error) if told.error else None,
        "outputs": told.own_outputs,
        "sentences": list(told.outcome.sentences) if told.outcome else [],
    }
    return _bounded(whole, ("sentences", "outputs"))


def _objection(objection: Objection) -> dict[str, Any]:
    return {
        "rule": objection.rule,
        "severity": objection.severity.value,
        "consent": objection.consent,
        "acknowledged": objection.acknowledged,
        "in-the-way": objection.in_the_way,
        "text": objection.text.format(**objection.facts),
    }


def _error(error: ActionError) -> dict[str, Any]:
    complaints = error.complaints if isinstance(error, Invalid) else ()
    return {
        "id": error.id,
        "what": error.what.format(**error.facts)[:10_000],
        "state": error.state.format(**error.facts),
        "next-step": error.next_step.format(**error.facts),
        "file": error.file,
        "line": error.line,
        "complaints": [
            {"id": c.id, "input": c.input, "file": c.file, "line": c.line, "text": c.text} for c in complaints[:100]
        ],
    }


def _bounded(whole: dict[str, Any], longest_first: tuple[str, ...]) -> str:
    """Empty one field after the other until the text fits."""
    text = json.dumps(whole, ensure_ascii=False)
    for name in longest_first:
        if len(text) <= JSON_CHARACTERS:
            break
        whole = {**whole, name: type(whole[name])(), "cut": True}
        text = json.dumps(whole, ensure_ascii=False)
    return text
