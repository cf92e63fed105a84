"""A debugged run tells what it does, as lines of JSON; a run that is not debugged tells nothing of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from difyaction.story import STAGES
from tests.stage.run import Run, act
from tests.stage.world import REPOSITORY, World, world
from tests.unit.actions_runner import commands

NAMED = (*REPOSITORY.split("/"), "environments", "values.yaml", "dify-api", "1.14.1")


@pytest.fixture(scope="module")
def stage() -> Iterator[World]:
    with world() as built:
        yield built


def events(run: Run) -> list[dict[str, Any]]:
    return [json.loads(each.data) for each in commands(run.log) if each.name == "debug"]


def test_a_debugged_run_tells_stages_requests_and_its_end(stage: World) -> None:
    run = act(stage.inputs(), RUNNER_DEBUG="1")
    told = events(run)

    ended = [each for each in told if each["event"] == "stage-ended"]
    assert [(each["stage"], each["result"]) for each in ended] == [(name, "done") for name in STAGES]
    assert (told[-1]["event"], told[-1]["status"], told[-1]["exit-code"]) == ("end", "proposed", 0)
    requests = [each for each in told if each["event"] == "request"]
    assert len([each for each in requests if each["path"] == "/graphql"]) == len(stage.github.calls("POST /graphql"))
    assert {(each["method"], each["path"], each["status"]) for each in requests} >= {
        ("POST", "/graphql", 200),
        ("POST", "/app/installations/{}/access_tokens", 201),
        ("DELETE", "/installation/token", 204),
    }
    assert any(each["path"] == "/v2/{}/manifests/{}" for each in requests)
    assert not [name for name in NAMED if any(name in each["path"] for each in requests)]
    assert run.state["app_token"] not in json.dumps(told)


def test_a_failure_is_told_by_its_id(stage: World) -> None:
    told = events(act(stage.inputs(repository="acme/nothing"), RUNNER_DEBUG="1"))
    assert [each["result"] for each in told if each["event"] == "stage-ended"] == ["failed", "done"]
    assert told[-1]["error"]


def test_a_run_that_is_not_debugged_tells_nothing_of_it(stage: World) -> None:
    run = act(stage.inputs(mode="plan"))
    assert run.outputs["status"] == "planned"
    assert events(run) == []
