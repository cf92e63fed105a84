import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from difyaction.input_checks import unused
from difyaction.inputs import read
from difyaction.releases.version import Version
from tests.unit.azure_vm.test_roads import HOST_KEY, KEY
from tests.unit.workflow_inputs import without_a_choice

ROOT = Path(__file__).resolve().parent.parent.parent
WORKFLOWS = sorted((ROOT / "examples").rglob("*.yml"))
GUID = "00000000-0000-0000-0000-000000000000"
FLAGS = {"True": "true", "False": "false"}  # the runner hands booleans on as YAML wrote them
RENOVATE = json.loads((ROOT / "examples/renovate/dify.json").read_text(encoding="utf-8"))


def workflow(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    return loaded


def steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in workflow(path)["jobs"].values():
        yield from job["steps"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_an_example_asks_for_no_more_rights_than_it_says_why(path: Path) -> None:
    assert workflow(path)["permissions"] == {}
    for job in workflow(path)["jobs"].values():
        assert set(job["permissions"].values()) <= {"read", "write"}
        given = [step["with"] for step in job["steps"]]
        follows = any(
            each.get("target") in {"server", "azure-vm"} and each.get("mode") not in {"plan", "sweep"} for each in given
        )
        assert job["timeout-minutes"] <= (345 if follows else 15)
    for line in path.read_text(encoding="utf-8").splitlines():
        if re.search(r": (read|write)\b", line) or line.strip().startswith("permissions: {} #"):
            assert " # " in line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_an_example_uses_pinned_actions_and_inputs_that_exist(path: Path) -> None:
    inputs = tomllib.loads((ROOT / "difyaction/inputs.toml").read_text(encoding="utf-8"))

    for step in steps(path):
        assert re.fullmatch(r"org/dify-upgrade-action@[0-9a-f]{40}", step["uses"])
        assert set(step["with"]) <= set(inputs)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_what_an_example_gives_is_accepted_once_its_variables_are_filled(path: Path) -> None:
    words = {"azure-subscription-id": GUID, "azure-client-id": GUID, "azure-tenant-id": GUID, "plan-id": "abc"}
    words |= {"dify-version": "1.14.1", "key-vault": "dify-kv", "mode": "plan", "acknowledge": "", "repository": "a/b"}
    words |= {"ssh-key": KEY, "ssh-known-hosts": f"dify {HOST_KEY}"}
    for step in steps(path):
        given = {name: str(text) for name, text in step["with"].items()}
        filled = {name: words.get(name, "something") if "${{" in text else text for name, text in given.items()}
        asked = read(
            {
                "repository": "acme/infra",
                "token": "ghs_secret",
                **{name: FLAGS.get(text, text) for name, text in filled.items()},
            }
        )
        assert list(unused(asked, {"GITHUB_REPOSITORY": "acme/infra"})) == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_an_example_that_is_started_without_a_choice_changes_no_more_for_it(path: Path) -> None:
    assert list(without_a_choice(workflow(path))) == []


def test_workflows_that_change_the_same_have_one_group() -> None:
    groups: dict[str, set[str]] = {}
    for flow in map(workflow, WORKFLOWS):
        steps_of = [step["with"] for job in flow["jobs"].values() for step in job["steps"]]
        for target in {each.get("target") for each in steps_of if each.get("mode") not in {"matrix", "sweep"}}:
            groups.setdefault(str(target), set()).add(flow["concurrency"]["group"])
    assert groups == {
        "gitops": {"upgrade-dify-gitops"},
        "server": {"upgrade-dify-server"},
        "azure-vm": {"upgrade-dify-azure"},
    }


def test_an_example_whose_jobs_are_approved_says_that_its_environments_belong_to_one_branch() -> None:
    for path in WORKFLOWS:
        if any("environment" in job for job in workflow(path)["jobs"].values()):
            assert "default branch" in path.read_text(encoding="utf-8"), path.name


def test_the_check_of_examples_names_each_file_because_a_folder_is_not_looked_into() -> None:
    [line] = [
        line
        for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
        if "zizmor" in line and "action.yml" in line
    ]
    assert line.endswith("action.yml $$(find examples -name '*.yml' | sort)")


def python_regex(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("(?<", "(?P<"))


def test_renovate_orders_difys_versions_as_we_do() -> None:
    (manager,) = RENOVATE["customManagers"]
    versioning = python_regex(manager["versioningTemplate"].removeprefix("regex:"))
    ordered = ["0.15.8", "v1.0.0", "1.9.2", "1.10.1", "1.10.1-fix.1", "1.10.1-fix2", "1.10.2", "1.14.0"]

    def key(tag: str) -> list[int]:
        found = versioning.match(tag)
        assert found is not None
        assert found["prerelease"] is None
        return [int(found[name] or 0) for name in ("major", "minor", "patch", "build")]

    assert sorted(ordered, key=key) == sorted(ordered, key=Version.parse) == ordered
    for unstable in ("1.14.0-rc1", "2.0.0-beta.1", "0.15.6-alpha.1", "0.6.0-preview-workflow.1"):
        found = versioning.match(unstable)
        assert found is not None
        assert found["prerelease"]
    assert versioning.match("browser-profile") is None


@pytest.mark.parametrize(
    ("content", "version"),
    [("1.13.3\n", "1.13.3"), ("# what we run\n\nv1.10.1-fix.1", "v1.10.1-fix.1"), ("latest\n", None)],
)
def test_renovate_finds_the_version_in_its_file(content: str, version: str | None) -> None:
    (manager,) = RENOVATE["customManagers"]
    (pattern,) = manager["matchStrings"]

    found = python_regex(pattern).search(content)

    assert (found and found["currentValue"]) == version


APPROVED_BY = {"mode", "plan-id", "dify-version", "app-client-id", "app-private-key"}  # what no plan is made of


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_who_applies_an_approved_plan_gives_what_it_was_made_with(path: Path) -> None:
    given = [step["with"] for step in steps(path)]
    planned = next((each for each in given if each.get("mode") == "plan"), {})
    for applied in (each for each in given if "plan-id" in each):
        differing = {name for name in planned | applied if planned.get(name) != applied.get(name)}
        assert differing <= APPROVED_BY, f"{sorted(differing)} would make another plan of it: plan-changed"
