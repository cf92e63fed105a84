"""What a reader of a plan sees of the script: its own part first, and all of it, in the summary and in the log."""

from __future__ import annotations

import dataclasses
import io

import pytest

from difyaction.compose.server_plan import ServerPlan, make_plan
from difyaction.journal import Journal
from difyaction.language import Language
from difyaction.runner import Runner
from difyaction.summary import summary
from tests.unit.compose.machines import facts
from tests.unit.compose.test_server_plan import DUMPED, GIT, OLD
from tests.unit.compose.test_server_published import UPGRADED


def shown(plan: ServerPlan) -> tuple[str, str]:
    """Return the plan's own steps and its script, as documents."""
    texts = {document.title: document.text for document in plan.documents}
    return texts["Steps"], texts["Runbook"]


@pytest.mark.parametrize("changes", [{}, GIT, OLD], ids=["plain", "git", "old"])
def test_the_very_script_is_read_whole_in_the_summary_and_in_the_log(changes: dict[str, object]) -> None:
    plan, out = make_plan(facts(changes)), io.StringIO()
    steps, runbook = shown(plan)
    assert runbook == plan.script

    said = summary(dataclasses.replace(UPGRADED, status="planned", mode="plan", plan=plan), Language.of("en"))
    Journal(Runner({}, out, monotonic=lambda: 0.0), lambda: 0.0).show(plan)

    for text in (steps.strip(), runbook.strip()):
        assert text in said
        assert text in out.getvalue()


def test_what_a_run_does_stands_before_the_words_it_is_said_in() -> None:
    plan = make_plan(facts({}))
    steps, runbook = shown(plan)
    assert [each.title for each in plan.documents][-2:] == ["Steps", "Runbook"]
    assert all(step.do.strip() in steps and step.undo.strip() in steps for step in plan.steps)
    assert steps.index("# from here on nothing of what came before is undone") > steps.index("verify: Prove Dify")
    assert "# 002 pull: Pull and check every image (at most 3600 s)" in steps
    assert len(steps) * 5 < len(runbook)


def test_what_takes_long_says_now_and_then_how_far_it_is() -> None:
    live = {step.name for changes in (DUMPED, OLD) for step in make_plan(facts(changes)).steps if step.live}
    assert live >= {"pull", "dump", "save-files", "final-backup", "migrate"}


def test_the_facts_name_the_store_in_use_the_memory_and_what_was_restarted() -> None:
    changes = {"env": {"VECTOR_STORE": "tencent", "STORAGE_TYPE": "s3"}, "containers": {"web": {"restarts": 7}}}
    (told,) = [document.text for document in make_plan(facts(changes)).documents if document.title == "Facts"]
    assert {
        "vector store: weaviate 1.27.0, service weaviate",
        "vector store in use: tencent",
        "storage: s3",
        "memory: 8.0 GiB to be had, 0 bytes of swap",
        "service web: langgenius/dify-web:1.13.3, running, restarted 7 times",
    } <= set(told.splitlines())
