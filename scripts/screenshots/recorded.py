"""Summaries of runs on machines: a run takes minutes, so that what it handed on is kept, and drawn from that.

`docs/images/<name>.json` holds the outputs `plan` and `report` of a real run, without the texts that its summary folds,
and the titles of the texts that only came about in the run. The summary is written anew from them by the code of today.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from difyaction.language import Language
from difyaction.report import Told
from difyaction.story import Stage
from difyaction.summary import summary
from difyaction.target import Change, Document, Objection, Outcome, Severity
from tests.stage.run import Run

_FOLDED = re.compile(r"(<details>\n<summary>[^\n]*</summary>).*?(</details>)", re.DOTALL)
_TITLE = re.compile(r"<details(?: open)?>\n<summary>([^\n]*)</summary>")
_OPEN = re.compile(r"<details open>\n<summary>([^\n]*)</summary>")


@dataclass(frozen=True)
class Sentence:
    """A remark as it was said, every fact in it already."""

    text: str
    facts: Mapping[str, object]


@dataclass(frozen=True)
class Plan:
    """The plan of the run, as far as its summary tells of it."""

    from_version: str
    to_version: str
    plan_id: str
    changes: tuple[Change, ...]
    objections: tuple[Objection, ...]
    findings: tuple[Sentence, ...]
    documents: tuple[Document, ...]
    stopping: tuple[Objection, ...] = ()
    settled: bool = False

    @property
    def remarks(self) -> tuple[str, ...]:
        """The findings as sentences."""
        return tuple(each.text for each in self.findings)


def recording(run: Run) -> dict[str, Any]:
    """Return what is kept of a run.

    :raises ValueError: when the summary made of it shows something else than the run's own.
    """
    kept = {name: json.loads(run.outputs[name]) for name in ("plan", "report")}
    shown = set(_OPEN.findall(run.summary))
    for document in kept["plan"]["documents"]:
        document["shown"] = document["title"] in shown
        document["text"] = document["text"] if document["shown"] else ""
    folds = _TITLE.findall(run.summary)
    kept["afterwards"] = folds[folds.index(kept["plan"]["documents"][-1]["title"]) + 1 :]
    if seen(written(kept)) != seen(run.summary):
        raise ValueError("the summary holds something that neither plan nor report tells")
    return kept


def written(kept: Mapping[str, Any]) -> str:
    """Write the summary of a recorded run, in English."""
    return summary(_told(kept["plan"], kept["report"], kept["afterwards"]), Language.of("en"))


def seen(markdown: str) -> str:
    """Return what a reader sees of a summary before anything is unfolded."""
    return _FOLDED.sub(r"\1\2", markdown)


def _told(plan: Mapping[str, Any], report: Mapping[str, Any], afterwards: Sequence[str]) -> Told:
    return Told(
        status=report["status"],
        exit_code=report["exit-code"],
        mode=report["mode"],
        target=report["target"],
        place=report.get("place", ""),
        ended=datetime.fromisoformat(report["ended"]),
        seconds=report["seconds"],
        stages=tuple(Stage(**each) for each in report["stages"]),
        plan=_plan(plan),
        outcome=Outcome(
            report["status"],
            changed=report["changed"],
            outputs=report["outputs"],
            sentences=tuple(report["sentences"]),
            documents=tuple(Document(title, "") for title in afterwards),
        ),
    )


def _plan(plan: Mapping[str, Any]) -> Plan:
    return Plan(
        from_version=plan["from-version"],
        to_version=plan["to-version"],
        plan_id=plan["plan-id"],
        changes=tuple(Change(**each) for each in plan["changes"]),
        objections=tuple(_objection(each) for each in plan["objections"]),
        findings=tuple(Sentence("{said}", {"said": each}) for each in plan["remarks"]),
        documents=tuple(Document(**each) for each in plan["documents"]),
    )


def _objection(given: Mapping[str, Any]) -> Objection:
    consent: str = given["consent"]
    return Objection(
        given["rule"],
        consent.partition("@")[2],
        Severity(given["severity"]),
        "{said}",
        {"said": given["text"]},
        acknowledged=given["acknowledged"],
    )
