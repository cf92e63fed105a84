from __future__ import annotations

import dataclasses
import re

import pytest
from syrupy.assertion import SnapshotAssertion

from difyaction import errors
from difyaction.errors import Complaint, Invalid
from difyaction.language import Language
from difyaction.manual import linked
from difyaction.report import Told
from difyaction.statuses import EXIT_CODES
from difyaction.story import Stage
from difyaction.summary import DOCUMENT_CHARACTERS, HEADLINES, ROWS, summary
from difyaction.target import Change, Document, Outcome, Severity
from tests.unit.sample_plan import Said, SamplePlan, objection
from tests.unit.test_report import LOST, TOLD

ENGLISH = Language.of("en")
STAGES = tuple(Stage(name, "done", 1.0) for name in ("inspect", "plan", "guard", "apply", "close"))
WHOLE = dataclasses.replace(
    TOLD,
    stages=STAGES,
    timezone="Asia/Tokyo",
    plan=SamplePlan(
        objections=(
            objection(),
            dataclasses.replace(objection(rule="weaviate-builtin"), acknowledged=True),
            objection(Severity.NEVER, "schema-downgrade"),
            objection(Severity.AUTOMATIC, "env-layout"),
        ),
        findings=(Said("chart {name} stays at 0.38.0", {"name": "<dify> of @owner"}),),
        documents=(
            Document("envs/prod/values.yaml", "-  tag: 1.13.3\n+  tag: 1.14.1\n", "diff"),
            Document("Release notes", "#### 1.14.1\n\n- better", "markdown"),
        ),
    ),
)
FAILED = dataclasses.replace(
    WHOLE,
    status="failed",
    exit_code=4,
    outcome=None,
    error=LOST,
    stages=(*STAGES[:1], Stage("plan", "failed", 0.5), STAGES[-1]),
)


def text(told: Told, language: Language = ENGLISH) -> str:
    return summary(told, language)


@pytest.mark.parametrize("code", ["en", "ja"])
@pytest.mark.parametrize("told", [WHOLE, FAILED], ids=["proposed", "failed"])
def test_the_whole_summary(told: Told, code: str, snapshot: SnapshotAssertion) -> None:
    assert text(told, Language.of(code)) == snapshot


def test_every_status_has_a_headline_and_every_error_its_exit_code() -> None:
    assert HEADLINES.keys() == EXIT_CODES.keys()
    kinds = [errors.ActionError, *errors.ActionError.__subclasses__()]
    assert {kind.status: kind.exit_code for kind in kinds}.items() <= EXIT_CODES.items()


def test_the_first_line_says_how_it_ended() -> None:
    assert text(WHOLE).startswith("## 📬 Proposed: Dify 1.13.3 → 1.14.1. A pull request is waiting.\n")
    explicit = dataclasses.replace(WHOLE, status="planned", plan=SamplePlan(from_version="", to_version=""))
    assert text(explicit).startswith("## 📋 Planned: explicit edits. Nothing was changed.\n")
    same = dataclasses.replace(WHOLE, status="unchanged", plan=SamplePlan(from_version="1.14.1", changes=()))
    assert text(same).startswith("## ✅ Unchanged: Dify 1.14.1. Nothing had to be done.\n")


@pytest.mark.parametrize("status", ["upgraded", "restored"])
def test_who_upgraded_a_host_is_told_the_backup_the_way_back_and_which_host_it_was(status: str) -> None:
    outcome = Outcome(status, changed=True, outputs={"backup-id": "20261103-1"}, sentences=("Without service: 9 s.",))
    done = dataclasses.replace(
        WHOLE, status=status, target="server", place="host dify@10.1.0.4:2222", outcome=outcome, stages=()
    )
    back = "Backup: 20261103-1. The way back, while it stands: `mode: rollback` with `rollback-to: 20261103-1`."
    assert f"\n\nWithout service: 9 s.\n\n{back}\n\n" in text(done)
    assert "`rollback-to: 20261103-1`" in text(done, Language.of("ja"))
    assert "<sub>`server` `apply` · `host dify@10.1.0.4:2222` · ended " in text(done)
    assert "`rollback-to" not in text(dataclasses.replace(done, status="unchanged"))


def test_a_failure_comes_first_with_cause_state_and_next_step() -> None:
    assert text(FAILED).split("\n")[2:7] == [
        "> **`lost`** `a.yaml:3` It is gone.",
        ">",
        "> **State now:** Nothing was changed.",
        ">",
        "> **Next step:** Look for it.",
    ]


def test_all_complaints_are_listed() -> None:
    wrong = Invalid([Complaint("a", "<first> | `x`", file="a.yaml", line=2), Complaint("b", "second", input="mode")])
    said = text(dataclasses.replace(WHOLE, status="invalid", plan=None, outcome=None, error=wrong, stages=()))
    assert "> - `a.yaml:2` &#60;first&#62; &#124; &#96;x&#96;\n> - second\n" in said


def test_a_complaint_is_explained_in_the_readers_language_before_its_facts() -> None:
    wrong = Invalid(
        [
            Complaint("yaml-not-utf8", "a.yaml, line 2: the byte 0xff | is not UTF-8", file="a.yaml", line=2),
            Complaint("input-conflict", "--mode is given twice."),
            Complaint("nobody-explains-this", "It <is> odd."),
        ]
    )
    told = dataclasses.replace(WHOLE, status="invalid", plan=None, outcome=None, error=wrong, stages=())
    english = [line for line in text(told).splitlines() if line.startswith("> - ")]
    japanese = [line for line in text(told, Language.of("ja")).splitlines() if line.startswith("> - ")]
    assert english == [
        "> - a.yaml, line 2: the byte 0xff &#124; is not UTF-8<br>The YAML file is not UTF-8: save it as UTF-8.",
        "> - --mode is given twice.<br>Inputs contradict each other, or one is given twice: take one of them away.",
        "> - It &#60;is&#62; odd.",
    ]
    not_utf8 = "YAML ファイルの文字コードが UTF-8 ではありません。UTF-8 で保存し直してください。"
    conflict = "入力が互いに矛盾しているか、同じ入力が重複しています。どちらかを取り除いてください。"
    assert japanese == [
        f"> - `a.yaml:2` {not_utf8} (a.yaml, line 2: the byte 0xff &#124; is not UTF-8)",
        f"> - {conflict} (--mode is given twice.)",
        "> - It &#60;is&#62; odd.",
    ]


def test_in_english_the_meaning_of_several_alike_complaints_is_said_once() -> None:
    wrong = Invalid([Complaint("input-conflict", f"{name} is given twice.") for name in ("--mode", "--host")])
    told = dataclasses.replace(WHOLE, status="invalid", plan=None, outcome=None, error=wrong, stages=())
    assert text(told).count("Inputs contradict each other") == 1
    assert text(told).count("**`input-conflict`**") == 1


def test_ids_lead_to_their_headings_where_the_page_is_known() -> None:
    page = "https://ghe.example/acme/dify-upgrade-action/blob/v1.2.3/docs/troubleshooting.md"
    assert text(dataclasses.replace(FAILED, page=page)).split("\n")[2].startswith(f"> **[`lost`]({page}#lost)** ")
    wrong = Invalid(
        [Complaint("input-missing", "host: x"), Complaint("input-invalid", "y"), Complaint("input-missing", "z")]
    )
    told = dataclasses.replace(FAILED, status="invalid", error=wrong, page=page)
    assert text(told).split("\n")[2] == (
        f"> **[`input-missing`]({page}#input-missing)**, **[`input-invalid`]({page}#input-invalid)**"
    )
    assert linked("odd)[x](javascript:1)", page) == "`odd)[x](javascript:1)`"


def test_a_matrix_has_its_own_headline_and_stage() -> None:
    told = dataclasses.replace(
        WHOLE, mode="matrix", status="planned", plan=None, stages=(Stage("matrix", "done", 0.1),)
    )
    assert "the environments' matrix" in text(told)
    assert 'matrix["Matrix 0.1 s"]:::done' in text(told)


def test_stages_that_were_not_reached_are_drawn_pale() -> None:
    assert 'apply["Apply"]:::skipped' in text(FAILED)
    assert 'plan["Plan 0.5 s"]:::failed' in text(FAILED)


def test_foreign_texts_cannot_leave_their_place() -> None:
    evil = "`|</details>\n@acme/ops ```"
    plan = SamplePlan(
        changes=(Change(evil, evil, evil, evil, evil),),
        findings=(Said("{a}", {"a": evil}),),
        documents=(Document(evil, evil, "diff"),),
    )
    said = text(dataclasses.replace(WHOLE, plan=plan))
    outside = re.sub(r"(`{3,})diff\n.*?\n\1\n", "", said, flags=re.DOTALL)
    assert outside.count("</details>") == 1 + outside.count("</details> @acme")
    assert "\n@acme" not in outside
    [row] = [line for line in outside.splitlines() if line.startswith("| ``")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 4


def test_long_plans_are_cut_and_say_so() -> None:
    change = WHOLE.plan.changes[0] if WHOLE.plan else None
    assert change
    changes = tuple(dataclasses.replace(change, after=str(number)) for number in range(ROWS + 3))
    plan = SamplePlan(changes=changes, documents=(Document("big", "x\n" * DOCUMENT_CHARACTERS),) * 20)
    said = text(dataclasses.replace(WHOLE, plan=plan))
    assert "3 more changes are not shown." in said
    assert f"{DOCUMENT_CHARACTERS} characters more are not shown." in said
    assert len(said.encode()) < 900 * 1024


def test_several_pull_requests_are_all_linked() -> None:
    outputs = {"pull-request-number": "1\n2", "pull-request-url": "https://g.example/1\nhttps://g.example/2"}
    assert WHOLE.outcome
    said = text(dataclasses.replace(WHOLE, outcome=dataclasses.replace(WHOLE.outcome, outputs=outputs)))
    assert "**[Pull request 1](https://g.example/1)** · **[Pull request 2](https://g.example/2)**" in said


def test_all_that_asks_for_consent_can_be_accepted_in_one_line() -> None:
    both = SamplePlan(objections=(objection(), objection(rule="weaviate-jump"), objection(Severity.NEVER, "no-way")))
    said = text(dataclasses.replace(WHOLE, plan=both))
    assert "To accept all of them: `acknowledge: plugin-migration@1.14.1, weaviate-jump@1.14.1`" in said
    assert "To accept all" not in text(WHOLE)


def test_what_the_plan_has_dealt_with_is_folded_and_no_objection() -> None:
    settled = SamplePlan(objections=(objection(Severity.AUTOMATIC, "env-layout"),))
    said = text(dataclasses.replace(WHOLE, plan=settled))
    assert "### Objections" not in said
    assert "<summary>Dealt with by the plan: 1</summary>" in said


def test_a_document_that_everybody_wants_to_see_is_open() -> None:
    documents = (Document("Estimates", "10 s", shown=True), Document("Runbook", "true", "sh"))
    said = text(dataclasses.replace(WHOLE, plan=SamplePlan(documents=documents)))
    assert re.findall(r"<details( open)?>\n<summary>(\w+)", said) == [(" open", "Estimates"), ("", "Runbook")]
