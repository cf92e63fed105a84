from __future__ import annotations

import importlib
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
        assert (ROOT / "action.yml").read_text("utf-8") == importlib.import_module("action_yml").text()
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
    assert action["runs"] == {
        "using": "docker",
        "image": "Dockerfile",
        "post-entrypoint": "/app/post.py",
        "post-if": "always()",
    }
