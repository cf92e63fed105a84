"""The workflows and tables that people copy from a README are ones that work, in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from difyaction.input_table import table
from tests.unit.pages import Page
from tests.unit.workflow_inputs import without_a_choice

ROOT = Path(__file__).resolve().parents[2]
ENGLISH, JAPANESE = (Page.read(ROOT / name) for name in ("README.md", "README.ja.md"))
PAGES = [ENGLISH, JAPANESE]
MODES = {ENGLISH: "Modes", JAPANESE: "モード"}
PERMISSIONS = {ENGLISH: "Permissions", JAPANESE: "権限"}
YAML_FENCE = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r" *#.*$", re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")


def name_of(page: Page) -> str:
    return page.path.name


def workflows(page: Page) -> list[dict[str, Any]]:
    return [YAML(typ="safe", pure=True).load(fence) for fence in YAML_FENCE.findall(page.text)]


def steps(page: Page) -> list[dict[str, Any]]:
    return [step for flow in workflows(page) for job in flow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_there_is_a_quick_start_for_each_target_with_inputs_that_it_takes(page: Page) -> None:
    assert [step["with"]["target"] for step in steps(page)] == list(table()["target"].values)
    for step in steps(page):
        given = step["with"]
        for name in given:
            assert name in table(), name
            targets = table()[name].targets
            assert not targets or given["target"] in targets, f"{name} is not for {given['target']}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_quick_start_takes_no_more_rights_than_its_job_names(page: Page) -> None:
    for flow in workflows(page):
        assert flow["permissions"] == {}
        [job] = flow["jobs"].values()
        [step] = job["steps"]
        rights = job["permissions"]
        azure = step["with"]["target"] == "azure-vm"
        assert ("id-token" in rights) == azure
        assert set(rights) <= {"contents", "id-token"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_quick_start_that_is_started_without_a_choice_plans(page: Page) -> None:
    assert [list(without_a_choice(flow)) for flow in workflows(page)] == [[], [], []]
    chosen = [flow["on"]["workflow_dispatch"]["inputs"].get("mode") for flow in workflows(page)]
    assert [each and each["default"] for each in chosen] == [None, "plan", "plan"]


def test_what_a_workflow_does_without_a_choice_is_found_out() -> None:
    flow: dict[str, Any] = {
        "on": {"workflow_dispatch": {"inputs": {"mode": {"options": ["plan", "apply"]}, "host": {}, "old": {}}}},
        "jobs": {"one": {"steps": [{"with": {"mode": "${{ inputs.mode }}", "host": "${{ inputs.host }}"}}]}},
    }
    assert list(without_a_choice(flow)) == [
        "host: without a choice it comes out empty",
        "mode: without a choice it comes out empty, or means more than plan",
        "nothing uses old",
        "an objection can come up, and nobody could consent to it",
    ]


def test_both_languages_show_the_same_code() -> None:
    fences = [[COMMENT.sub("", fence) for fence in YAML_FENCE.findall(page.text)] for page in PAGES]
    assert fences[0] == fences[1], "a workflow of README.ja.md differs by more than its comments"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_mode_is_told_in_one_row_and_no_other(page: Page) -> None:
    told = [row[0].strip("`") for row in page.table_under(MODES[page])]
    assert sorted(told) == sorted(table()["mode"].values)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_permissions_of_every_mode_of_every_target_are_told(page: Page) -> None:
    told: dict[str, set[str]] = {}
    for target, modes, *_ in page.table_under(PERMISSIONS[page]):
        words = {word for word in CODE.findall(modes) if word in table()["mode"].values}
        told.setdefault(target.strip("`"), set()).update(words)
    assert told.keys() == set(table()["target"].values)
    assert set().union(*told.values()) == set(table()["mode"].values)
    assert all({"plan", "apply", "rollback"} <= modes for modes in told.values())
