"""The pictures of the READMEs show what a run writes: their pages are made of it, and of nothing else."""

from __future__ import annotations

import html
import importlib
import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from difyaction.language import Language
from difyaction.summary import HEADLINES
from scripts.screenshots.__main__ import LARGEST, PICTURES
from scripts.screenshots.machines import NAMES, machine_scenes
from scripts.screenshots.page import rendered
from scripts.screenshots.recorded import seen
from scripts.screenshots.scenes import Scene, scenes
from tests.stage.run import ROOT
from tests.stage.world import world

READMES = ("README.md", "README.ja.md")


@pytest.fixture(scope="module")
def drawn() -> Iterator[dict[str, Scene]]:
    with world() as stage:
        yield {scene.name: scene for scene in (*scenes(stage), *machine_scenes(PICTURES))}


def test_a_page_is_what_the_run_wrote_rendered(drawn: dict[str, Scene]) -> None:
    for scene in drawn.values():
        assert f"<article>{rendered(scene.markdown)}</article>" in scene.html


@pytest.mark.parametrize("code", ["en", "ja"])
def test_a_summary_begins_with_the_headline_of_its_language(drawn: dict[str, Scene], code: str) -> None:
    headline = Language.of(code).say(HEADLINES["planned"], subject="Dify 1.13.3 → 1.14.1")
    assert f"<h2>{html.escape(headline)}</h2>" in drawn[f"summary-{code}"].html


def test_tables_foldings_diffs_and_flowcharts_are_drawn_as_such(drawn: dict[str, Scene]) -> None:
    page = drawn["summary-en"].html
    assert "<td><code>langgenius/dify-api</code></td>" in page
    assert '<span class="added">+    tag: &quot;1.14.1&quot;' in page
    assert '<pre class="mermaid"' in page
    assert page.count("<details>") == page.count("</details>") > 1


def test_no_loopback_address_is_shown(drawn: dict[str, Scene]) -> None:
    assert not [scene.name for scene in drawn.values() if "127.0.0.1" in scene.markdown]


def test_each_scene_has_a_small_picture_and_each_picture_a_scene(drawn: dict[str, Scene]) -> None:
    pictures = {path.stem: path for path in PICTURES.glob("*.png")}
    assert pictures.keys() == drawn.keys(), "run `make screenshots`"
    for path in pictures.values():
        content = path.read_bytes()
        width, height = struct.unpack(">II", content[16:24])
        assert content.startswith(b"\x89PNG")
        assert len(content) <= LARGEST
        assert (width > 1000, height > 300) == (True, True)


@pytest.mark.parametrize("name", sorted(path.stem for path in PICTURES.glob("*.png")))
def test_a_picture_shows_what_a_run_writes_today(drawn: dict[str, Scene], name: str) -> None:
    kept = (PICTURES / f"{name}.txt").read_text("utf-8")
    assert drawn[name].written == kept, f"docs/images/{name}.png is out of date: run `make screenshots`"


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> list[re.Pattern[str]]:
    """Every text that the package says today, as a pattern of what it becomes."""
    monkeypatch.syspath_prepend(ROOT / "scripts")
    texts = {template.text for template in importlib.import_module("translations").templates()}
    return [re.compile(re.sub(r"\\\{[^{}]*\\\}", ".+", re.escape(text)), re.DOTALL) for text in texts]


@pytest.mark.parametrize("name", NAMES)
def test_what_was_recorded_of_a_machine_is_still_what_the_code_says(known: list[re.Pattern[str]], name: str) -> None:
    kept = json.loads((PICTURES / f"{name}.json").read_text("utf-8"))
    said = [*kept["plan"]["remarks"], *kept["report"]["sentences"], *kept["afterwards"]]
    said += [each["text"] for each in kept["plan"]["objections"]]
    unknown = [text for text in said if not any(pattern.fullmatch(text) for pattern in known)]
    assert not any(pattern.fullmatch("Nobody has ever written: this.") for pattern in known)
    assert not unknown, f"{name} is out of date: run `make screenshots ARGS=machines`"


def test_a_recorded_summary_shows_an_upgrade_and_keeps_what_is_folded_to_itself(drawn: dict[str, Scene]) -> None:
    for name in NAMES:
        markdown = drawn[name].markdown
        assert markdown.startswith("## ✅ Upgraded: Dify 1.13.3 → 1.14.1.\n")
        assert "Users were without service for " in markdown
        assert "without service: about " in seen(markdown)
        assert "#!/bin/sh" not in markdown
    assert "and seen closed: NSG rule dify-upgrade-" in drawn["azure-vm-en"].markdown
    folded, shown = (
        "<details>\n<summary>A</summary>\n\nx\n\n</details>",
        "<details open>\n<summary>B</summary>\n\ny\n\n</details>",
    )
    assert seen(f"{folded}\n\n{shown}") == f"<details>\n<summary>A</summary></details>\n\n{shown}"


def test_what_differs_from_run_to_run_is_no_reason_to_draw_again() -> None:
    plan, commit = "5f" * 32, "cb36651cc876"
    texts = (
        f"Commit {commit} is verified. Plan 0.3 s ended 2026-11-21 08:51:04 UTC after 1.5 s `{plan}`",
        f"Commit {'0' * 12} is verified. Plan 12.0 s ended 2027-01-02 10:00:00 UTC after 0.1 s `{'ab' * 32}`",
    )
    first, second = (Scene("any", text, "").written for text in texts)
    assert first == second
    assert "Plan 1.14.1" in Scene("any", "Plan 1.14.1 s", "").written


@pytest.mark.parametrize("name", READMES)
def test_a_readme_shows_pictures_that_are_there_and_says_what_they_show(name: str) -> None:
    shown = re.findall(r"!\[([^\]]*)\]\((docs/images/[^)]+)\)", (ROOT / name).read_text("utf-8"))
    assert len(shown) >= 4
    assert all(len(said) > 10 and Path(ROOT / path).exists() for said, path in shown)


def test_every_picture_is_shown_somewhere() -> None:
    texts = [path.read_text("utf-8") for path in (*(ROOT / name for name in READMES), *(ROOT / "docs").glob("*.md"))]
    alone = [path.name for path in PICTURES.glob("*.png") if not any(f"images/{path.name})" in text for text in texts)]
    assert not alone
