"""What the documentation says is what the code does: ids, rules, statuses, outputs, links, both languages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from difyaction.explanations import explanations
from difyaction.input_table import table
from difyaction.releases import rules
from difyaction.report import OUTPUTS
from difyaction.statuses import EXIT_CODES
from tests.unit.pages import Page, pages
from tests.unit.raised_ids import Said, complaint_ids, error_ids, remark_ids

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "difyaction"
TROUBLESHOOTING = Page.read(ROOT / "docs/troubleshooting.md")
READMES = (Page.read(ROOT / "README.md"), Page.read(ROOT / "README.ja.md"))
READ_FIRST = "A run failed at night: read this first"
STATUS_TABLES = list(zip(READMES, ("Statuses and exit codes", "ステータスと終了コード"), strict=True))
INPUT_TABLES = list(zip(READMES, (("Inputs", "Outputs"), ("入力", "出力")), strict=True))
PAGES = pages(ROOT)
CANCELLED = {"130": "cancelled", "143": "cancelled"}  # 128 and the number of the signal


def lacking(said: Iterable[Said], known: Iterable[str]) -> dict[str, str]:
    return {each.id: each.place for each in sorted(said, key=str) if each.id not in set(known)}


def explained() -> set[str]:
    return {heading.text for heading in TROUBLESHOOTING.headings if heading.level == 3 and ":" not in heading.text}


def test_every_error_id_has_a_heading_in_troubleshooting() -> None:
    said = error_ids(PACKAGE)
    missing = lacking(said, explained())
    assert not missing, f"write a heading `### <id>` in docs/troubleshooting.md for each of {missing}"


def test_every_heading_of_troubleshooting_is_an_id_that_is_raised() -> None:
    dead = explained() - {each.id for each in error_ids(PACKAGE)}
    assert not dead, f"nothing raises {sorted(dead)}: remove the headings from docs/troubleshooting.md"


def test_an_explanation_says_what_it_means_why_and_what_to_do() -> None:
    for part in TROUBLESHOOTING.prose.split("\n### ")[1:]:
        heading, _, text = part.partition("\n")
        if ":" not in heading:
            marks = re.findall(r"\*\*(Means|Why|Do):\*\*", text)
            assert marks == ["Means", "Why", "Do"], f"`### {heading}` says {marks}, not what it means, why, what to do"


def test_every_complaint_has_a_sentence_and_no_other_id() -> None:
    said, known = complaint_ids(PACKAGE), explanations().keys()
    missing, dead = lacking(said, known), known - {each.id for each in said}
    assert not missing, f"write a sentence in difyaction/explanations.toml for each of {missing}"
    assert not dead, f"nothing complains of {sorted(dead)}: remove them from difyaction/explanations.toml"


@pytest.mark.parametrize("sentence", explanations().values(), ids=explanations())
def test_a_complaint_is_explained_in_one_sentence_without_facts(sentence: str) -> None:
    assert re.fullmatch(r"[A-Z](?:(?![.!?] [A-Z])[^{}|])*\.", sentence), "one sentence, no braces"
    assert ": " in sentence, "say what is wrong, then what to do"
    assert sentence.count("`") % 2 == 0


def reasons() -> Iterator[Said]:
    """Yield the reasons of ``refused:<reason>``: of the merge table, of final refusals, and of a branch left alone."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            yield from (Said(reason, path.name) for reason in _reasons_of(node))


def _reasons_of(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Call(func=ast.Name(id="refused"), args=[ast.Constant(value=str(reason))]):
            yield reason
        case ast.Call(func=ast.Name(id="replace"), keywords=[ast.keyword("refuse", ast.Constant(value=str(reason)))]):
            yield reason
        case ast.Constant(value=str(text)) if re.fullmatch(r"refused:[a-z-]+", text):
            yield text.removeprefix("refused:")
        case ast.AnnAssign(target=ast.Name(id="FINAL"), value=ast.Dict(values=values)):
            yield from (str(each.value) for each in values if isinstance(each, ast.Constant))
        case ast.Assign(targets=[ast.Name(id="FOREIGN" | "QUEUED")], value=ast.Constant(value=str(reason))):
            yield reason  # the moves of a branch that end in a refusal
        case _:
            return


def test_every_refusal_of_auto_merge_is_explained_and_no_other() -> None:
    said = set(reasons())
    headings = [heading.text for heading in TROUBLESHOOTING.headings if heading.text.startswith("refused:")]
    known = {heading.removeprefix("refused:") for heading in headings}
    assert not lacking(said, known), f"write `### refused:<reason>` in docs/troubleshooting.md: {lacking(said, known)}"
    assert known <= {each.id for each in said}, f"no run ends so: {sorted(known - {each.id for each in said})}"


def test_every_kind_of_remark_stands_in_the_table_of_remarks() -> None:
    rows = TROUBLESHOOTING.table_under("Remarks of a plan")
    told = [kind for row in rows for kind in re.findall(r"`([a-z-]+)`", row[0])]
    known = set(told)
    assert len(told) == len(known), f"these stand there twice: {sorted(kind for kind in known if told.count(kind) > 1)}"
    said = remark_ids(PACKAGE)
    assert not lacking(said, known), f"add rows to the last table of troubleshooting.md: {lacking(said, known)}"
    assert known <= {each.id for each in said}, f"no plan remarks {sorted(known - {each.id for each in said})}"


def objection_rules() -> set[str]:
    """Return the ids of rules.toml, of rules that modules write as ``RULE``, and of objections made without a rule."""
    made = {
        str(node.args[0].value)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Objection"
        if node.args and isinstance(node.args[0], ast.Constant)
    }
    written = {
        node.value.value
        for path in PACKAGE.rglob("*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        if any(isinstance(name, ast.Name) and name.id == "RULE" for name in node.targets)
    }
    return {*rules.rule_ids(), *map(str, written), *made}


def test_every_rule_is_explained_and_no_other() -> None:
    told = {heading.text for heading in Page.read(ROOT / "docs/rules.md").headings if heading.level == 2}
    assert told == objection_rules(), f"run scripts/docs.py; they differ in {told ^ objection_rules()}"


@pytest.mark.parametrize(("page", "heading"), STATUS_TABLES)
def test_statuses_and_exit_codes_are_those_of_the_code(page: Page, heading: str) -> None:
    rows = {(status, code) for codes, status, _ in page.table_under(heading) for code in codes.split(", ")}
    below = page.prose.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    reserved = re.findall(r"`([a-z-]+)`(?:(?: and | \u3068 )`([a-z-]+)`)? ?[(\uff08]([0-9])", below)
    told = {status.strip("`"): code for status, code in rows if code not in CANCELLED}
    told |= {status: code for *found, code in reserved for status in found if status}
    told |= {status: code for code, status in CANCELLED.items()}
    assert told == {status: str(code) for status, code in EXIT_CODES.items()}, f"correct the table in {page.path.name}"


def test_troubleshooting_gives_each_status_its_exit_code() -> None:
    for codes, statuses, *_ in TROUBLESHOOTING.table_under(READ_FIRST):
        for status in re.findall(r"`([a-z-]+)`", statuses):
            assert str(EXIT_CODES[status]) in codes.split(", "), f"{status} has the exit code {EXIT_CODES[status]}"


@pytest.mark.parametrize(("page", "names"), INPUT_TABLES)
def test_inputs_and_outputs_of_the_readmes_are_those_of_the_code(page: Page, names: tuple[str, str]) -> None:
    inputs, outputs = (
        [row[0].strip("`") for rows in page.tables_under(name).values() for row in rows] for name in names
    )
    assert inputs == list(table()), "run scripts/docs.py"
    assert outputs == list(OUTPUTS), "run scripts/docs.py"


def test_the_readme_shows_the_inputs_of_a_target_under_headings_that_name_it() -> None:
    for title, rows in READMES[0].tables_under("Inputs").items():
        named = set(re.findall(r"`([a-z-]+)`", title)) or set(table()["target"].values)
        for name, *_ in rows:
            targets = table()[name.strip("`")].targets
            assert set(targets or table()["target"].values) <= named, f"{name} below {title}"


def test_the_outputs_of_action_yml_are_those_of_the_report() -> None:
    action: dict[str, Any] = YAML(typ="safe").load((ROOT / "action.yml").read_text("utf-8"))
    assert list(action["outputs"]) == list(OUTPUTS), "run scripts/action_yml.py"


def test_the_japanese_readme_is_built_like_the_english_one() -> None:
    english, japanese = READMES
    levels = [[heading.level for heading in page.headings] for page in READMES]
    assert levels[0] == levels[1], "README.ja.md has other headings than README.md: translate what changed"
    assert english.fences == japanese.fences, "README.ja.md has another number of code blocks than README.md"
    tables = [[len(page.table_under(each.text)) for each in page.headings if each.level == 2] for page in READMES]
    assert tables[0] == tables[1], "a table of README.ja.md has other rows than the one of README.md"


def test_both_readmes_link_to_the_same_pages() -> None:
    english, japanese = ({path for path, _ in page.own_links} for page in READMES)
    twins = {page.path for page in READMES}
    assert english - twins == japanese - twins, "a link stands in one README only"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Page) -> None:
    by_path = {each.path: each for each in PAGES}
    for path, fragment in page.own_links:
        assert path.exists(), f"{page.path.name} links to {path.relative_to(ROOT)}, which is not there"
        if fragment and path in by_path:
            assert fragment in by_path[path].anchors, f"{path.name} has no heading for #{fragment}"


def test_decisions_are_numbered_without_a_gap_and_listed_by_their_titles() -> None:
    titles = [page.headings[0].text for page in PAGES if page.path.parent.name == "adr" and page.path.name[0] == "0"]
    assert [title.partition(".")[0] for title in titles] == [str(number + 1) for number in range(len(titles))]
    listed = Page.read(ROOT / "docs/adr/README.md").prose.replace("[", "").splitlines()
    assert [line.partition("](")[0] for line in listed if line[:1].isdigit()] == titles


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.path.name)
def test_every_page_of_the_documentation_is_linked_from_the_readme(page: Page) -> None:
    lists = [page, Page.read(ROOT / "docs/adr/README.md")]
    linked = {path for each in lists for path, _ in each.own_links}
    alone = [each.path.relative_to(ROOT) for each in PAGES if each.path.is_relative_to(ROOT / "docs")]
    alone = [path for path in alone if ROOT / path not in linked]
    assert not alone, f"link these from {page.path.name}: {[path.as_posix() for path in alone]}"
