from __future__ import annotations

from dataclasses import replace

import pytest

from difyaction.compose.server_plan import ServerPlan, make_plan
from tests.unit.compose.machines import facts, situation

SAME = {"installed": "1.14.1", "wanted": "1.14.1", "heads": ["a4f2d8c9b731"]}
TOOL = {"build": {"context": "/opt/dify/docker/tool"}, "restart": "always"}


def do(made: ServerPlan, name: str) -> str:
    return next(step.do for step in made.steps if step.name == name)


def test_what_a_host_builds_beside_dify_is_left_alone() -> None:
    made, plain = make_plan(facts(situation("built-for-themselves"))), make_plan(facts({}))
    assert [change.what for change in made.changes] == [change.what for change in plain.changes]
    for name in ("pull", "stop", "start", "verify", "open", "watch"):
        assert do(made, name) == do(plain, name)


def test_nightly_runs_of_such_a_host_do_nothing() -> None:
    made = make_plan(facts({**situation("built-for-themselves"), **SAME}))
    assert (made.changes, made.steps) == ((), ())


def test_what_was_built_and_reads_a_file_that_changes_starts_again_from_the_image_that_it_has() -> None:
    mounts = [{"type": "bind", "source": "./docker-compose.yaml", "target": "/compose.yaml"}]
    beside = {"beside": {"tool": {**TOOL, "volumes": mounts}}, "containers": {"tool": {"image": "docker-tool"}}}
    made = make_plan(facts(beside))
    assert "pull_image docker-tool\n" in do(made, "pull")  # which is there, or nothing begins
    assert "runs_image tool docker-tool ||" in do(made, "verify")


def test_an_image_without_a_tag_is_there_as_latest() -> None:
    known = facts({"beside": {"tool": {"image": "acme/tool", "restart": "always"}}})
    for tag, missing in (("latest", False), ("1", True)):
        here = replace(known, machine=replace(known.machine, images={f"acme/tool:{tag}": 1}))
        (told,) = (document.text for document in make_plan(here).documents if document.title == "Estimates")
        assert ("acme/tool" in told) is missing


@pytest.mark.parametrize(("version", "rules"), [("1.14.1", {"build-bypassed"}), ("1.13.3", set())])
def test_a_build_is_asked_about_only_where_another_image_would_run(version: str, rules: set[str]) -> None:
    known = {**situation("built-over-upstreams"), "wanted": version}
    found = {o.rule: o for o in make_plan(facts(known)).objections if o.rule == "build-bypassed"}
    assert set(found) == rules
    for objection in found.values():
        assert objection.facts["found"] == ("api (langgenius/dify-api:1.14.1), worker (langgenius/dify-api:1.14.1)")


def test_whoever_built_the_new_images_beforehand_gets_them() -> None:
    known = {**situation("built-over-upstreams"), "wishes": {"acknowledge": ("build-bypassed@1.14.1",)}}
    made = make_plan(facts(known))
    assert not made.stopping
    assert "pull_image langgenius/dify-api:1.14.1" in do(made, "pull")  # takes what is here
