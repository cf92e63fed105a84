"""What real runs write as `plan` and `report` is what docs/schema says, and the schemas say no less."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
import pytest

from difyaction.report import JSON_VERSION
from difyaction.statuses import EXIT_CODES
from difyaction.story import STAGES
from difyaction.target import Severity
from tests.published import ROOT, schema, valid
from tests.stage.run import Run, act
from tests.stage.world import World, world


@pytest.fixture(scope="module")
def stage() -> Iterator[World]:
    with world() as built:
        built.repository.settings.allow_auto_merge = True
        built.repository.protect("main", required_checks=("ci",))
        yield built


def check(run: Run, *, status: str) -> Mapping[str, Any]:
    """Hold both outputs against their schemas; return the report."""
    report: Mapping[str, Any] = valid("report", run.outputs["report"])
    assert (report["status"], report["exit-code"]) == (status, run.exit_code), run.log
    if run.outputs["plan"]:
        plan = valid("plan", run.outputs["plan"])
        assert plan["plan-id"] == report["plan-id"] == run.outputs["plan-id"]
    return report


def test_a_plan_and_then_the_pull_request(stage: World) -> None:
    check(act(stage.inputs(mode="plan")), status="planned")
    report = check(act(stage.inputs(auto_merge="squash")), status="proposed")
    assert [each["name"] for each in report["stages"]] == list(STAGES)


def test_an_approval_that_no_longer_holds_is_refused(stage: World) -> None:
    report = check(act(stage.inputs(plan_id="0" * 64)), status="refused")
    assert report["error"]["id"] == "plan-changed"


def test_a_plan_with_an_objection() -> None:
    douban = {
        "values.yaml": b"global:\n  image:\n    tag: 1.13.3\n"
        b"api:\n  image: {repository: langgenius/dify-api, tag: ''}\n"
        b"frontend:\n  image: {repository: langgenius/dify-web, tag: ''}\n"
    }
    with world(douban) as own:
        run = act(own.inputs(mode="plan", files="values.yaml", image_check="off"))
        check(run, status="planned")
        assert json.loads(run.outputs["plan"])["objections"]


def test_a_matrix(stage: World) -> None:
    report = check(act(stage.inputs(mode="matrix")), status="planned")
    assert report["outputs"]["matrix"]


def test_wrong_inputs_are_complaints(stage: World) -> None:
    report = check(act(stage.inputs(target="nowhere", mode="sideways", auto_merge="squish")), status="invalid")
    assert len(report["error"]["complaints"]) == 3
    assert report["plan-id"] == ""


def test_a_failure_tells_its_error(stage: World) -> None:
    report = check(act(stage.inputs(repository="acme/nothing")), status="failed")
    assert report["error"]["next-step"]


def test_explicit_edits_of_a_checkout_want_no_release(stage: World, tmp_path: Any) -> None:  # noqa: ANN401 - pytest's
    (tmp_path / "values.yaml").write_text("image:\n  api:\n    repository: langgenius/dify-api\n    tag: 1.13.3\n")
    given = stage.inputs(dify_version="", files="", set="values.yaml#image.api.tag=1.14.1", delivery="files")
    without_app = given | {"app-client-id": "", "app-private-key": "", "image-check": "off"}
    report = check(act(without_app, workspace=tmp_path), status="proposed")
    assert report["to-version"] == ""


def test_the_words_of_the_schemas_are_those_of_the_code() -> None:
    report = schema("report")["properties"]
    assert report["status"]["enum"] == list(EXIT_CODES)
    assert set(report["exit-code"]["enum"]) == {*EXIT_CODES.values(), 130}  # SIGINT's
    named = report["stages"]["items"]["properties"]["name"]["description"]
    assert [stage for stage in STAGES if f"`{stage}`" in named] == list(STAGES)
    objection = schema("plan")["properties"]["objections"]["items"]["properties"]
    assert objection["severity"]["enum"] == [each.value for each in Severity]


@pytest.mark.parametrize("name", ["plan", "report"])
def test_a_schema_is_one_and_carries_its_version(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))
    assert schema(name)["properties"]["version"] == {"const": JSON_VERSION}
    served = f"https://raw.githubusercontent.com/org/dify-upgrade-action/main/docs/schema/{name}-{JSON_VERSION}.json"
    assert schema(name)["$id"] == served, "an address that serves JSON, not a page about it"
    assert f"<{served}>" in (ROOT / "docs/plan-and-approve.md").read_text("utf-8")


# What programs that people wrote read already. A name may be added to these lines, and none may be taken out of them.
PROMISED = {
    "plan": "version from-version to-version plan-id changes objections remarks documents",
    "report": "version status exit-code mode target changed from-version to-version plan-id ended seconds stages error "
    "outputs sentences",
}


@pytest.mark.parametrize("name", PROMISED)
def test_what_version_1_promised_is_still_there(name: str) -> None:
    assert JSON_VERSION == 1, "write down beside version 1 what the new version promises"
    assert set(PROMISED[name].split()) <= set(schema(name)["required"])
