"""docs/supported.md and docs/security.md name what the code and the tests have."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from difyaction.gitops.github.repository import QUEUE_SINCE, UPDATE_REFS_SINCE
from difyaction.releases import heads
from tests.unit.pages import Page

ROOT = Path(__file__).resolve().parents[2]
SUPPORTED = Page.read(ROOT / "docs/supported.md").text
SECURITY = Page.read(ROOT / "docs/security.md")
TESTED_BY = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_the_newest_release_with_a_known_schema_is_named() -> None:
    assert f"whose schema this version knows is **{heads.newest_known()}**" in SUPPORTED


def test_what_compose_must_be_is_what_the_objection_asks_for() -> None:
    source = (ROOT / "difyaction/releases/machine_conditions.py").read_text("utf-8")
    needed = re.findall(r'\(Version\.parse\("([\d.]+)"\), "([\d.]+)"\)', source)
    assert needed
    for page in (SUPPORTED, Page.read(ROOT / "docs/server.md").text):
        told = re.findall(r"([\d.]+) for (?:Dify )?([\d.]+) and later", page)
        assert sorted(told) == sorted((compose, since) for since, compose in needed)


def test_python_is_the_one_that_the_package_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"Python {project['requires-python'].removeprefix('>=')} or later" in SUPPORTED


def test_what_older_servers_lack_is_told() -> None:
    for since in (QUEUE_SINCE, UPDATE_REFS_SINCE):
        assert f"before {since[0]}.{since[1]} " in SUPPORTED


def threats() -> list[tuple[str, ...]]:
    rows = re.findall(r"^\| (.+) \|$", SECURITY.text.split("\n## Threats\n")[1].split("\n## ")[0], re.MULTILINE)
    found = [tuple(row.split(" | ")) for row in rows]
    return [row for row in found if row[0] != "threat" and not row[0].startswith("---")]


@pytest.mark.parametrize("row", threats(), ids=lambda row: row[0][:60])
def test_each_threat_is_tested_by_a_test_that_is_there(row: tuple[str, ...]) -> None:
    _, _, tested = row
    named = TESTED_BY.findall(tested)
    assert named, "name a test"
    for path, name in named:
        assert (ROOT / path).exists(), path
        tests = {
            each.name
            for each in ast.walk(ast.parse((ROOT / path).read_text("utf-8")))
            if isinstance(each, ast.FunctionDef)
        }
        assert not name or name in tests, f"{path} has no {name}"
