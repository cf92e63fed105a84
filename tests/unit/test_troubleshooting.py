"""The lists of docs/troubleshooting.md that are no error ids: results of auto-merge, events of a debugged run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from difyaction.gitops.github.refusals import FINAL
from difyaction.gitops.github.standing import Move
from difyaction.gitops.wording import placeholders
from tests.unit.pages import Page

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "difyaction"
PAGE = Page.read(ROOT / "docs/troubleshooting.md")
EVENTS = "Debug logging: one line of JSON for each event"


def first_texts(name: str, *paths: Path) -> Iterator[str]:
    """Yield the first argument of each call of a function or method, where it is a text."""
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called == name and isinstance(node.args[0].value, str):
                    yield node.args[0].value


def test_every_reason_not_to_merge_is_explained_and_no_other() -> None:
    told = {each.text.removeprefix("refused:") for each in PAGE.headings if each.text.startswith("refused:")}
    literal = set(first_texts("refused", PACKAGE / "gitops/github/auto_merge.py"))
    raised = literal | set(FINAL.values()) | {Move.FOREIGN.value, Move.QUEUED.value}
    assert told == raised, f"they differ in {told ^ raised}"


def test_every_event_of_a_debugged_run_is_explained_and_no_other() -> None:
    told = {name.strip("` ") for row in PAGE.table_under(EVENTS) for name in row[0].split(",")}
    assert told == set(first_texts("tell", *PACKAGE.rglob("*.py")))


def test_every_placeholder_of_a_template_is_explained_where_inputs_are_and_no_other() -> None:
    page = Page.read(ROOT / "docs/gitops.md")
    rows = page.table_under("Texts of your own: `title`, `body`, `commit-message`")
    assert sorted(row[0].strip("`{}") for row in rows) == sorted(placeholders.NAMES)
