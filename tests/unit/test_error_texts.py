"""Every error can be told: what its texts name is among its facts."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "difyaction"
KINDS = {"Failed", "Refused", "RolledBack", "Stranded", "Overtaken"}
TEXTS = {"state", "next_step"}


def errors() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in KINDS and len(node.args) == 2:
                    yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node


def placeholders(node: ast.expr) -> set[str]:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return set()
    return {name.split(".")[0] for _, name, _, _ in string.Formatter().parse(node.value) if name}


@pytest.mark.parametrize("node", [pytest.param(node, id=place) for place, node in errors()])
def test_what_an_error_names_is_among_its_facts(node: ast.Call) -> None:
    texts = [node.args[1], *(keyword.value for keyword in node.keywords if keyword.arg in TEXTS)]
    named = set().union(*(placeholders(text) for text in texts))
    given = {keyword.arg for keyword in node.keywords} | {"file", "line"}

    assert named <= given or None in given
