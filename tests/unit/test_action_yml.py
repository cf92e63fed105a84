from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from difyaction.input_table import table
from difyaction.report import OUTPUTS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def action() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load((ROOT / "action.yml").read_text("utf-8"))
    return found


def test_it_is_what_the_script_makes() -> None:
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        there = (ROOT / "action.yml").read_text("utf-8")
        assert there == importlib.import_module("action_yml").text(there)
    finally:
        sys.path.remove(str(ROOT / "scripts"))


def test_inputs_are_those_of_the_table(action: dict[str, Any]) -> None:
    assert list(action["inputs"]) == list(table())
    for name, spec in table().items():
        described = action["inputs"][name]
        assert described["description"] == spec.full_description
        assert described.get("default", "") == spec.in_action
        assert described["required"] is False


def test_outputs_are_those_that_the_report_sets(action: dict[str, Any]) -> None:
    assert {name: told["description"] for name, told in action["outputs"].items()} == dict(OUTPUTS)


def test_the_marketplace_has_what_it_needs(action: dict[str, Any]) -> None:
    assert len(action["description"]) <= 125
    assert action["branding"] == {"icon": "arrow-up-circle", "color": "blue"}
    runs = dict(action["runs"])
    image = runs.pop("image")
    assert image == "Dockerfile" or re.fullmatch(r"docker://[^\s@]+@sha256:[0-9a-f]{64}", image), (
        "a release names a digest"
    )
    assert runs == {
        "using": "docker",
        "post-entrypoint": "/app/post.py",
        "post-if": "always()",
    }
