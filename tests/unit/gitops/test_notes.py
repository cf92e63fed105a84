import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difyaction.gitops.wording.notes import hoist, render
from difyaction.language import Language
from difyaction.releases.catalogue import Published
from difyaction.releases.version import Version

SAY = Language.of("en").say


def released(version: str, notes: str) -> Published:
    url = f"https://github.com/langgenius/dify/releases/tag/{version}"
    return Published(Version.parse(version), version, datetime(2026, 5, 12, tzinfo=UTC), notes, url)


@pytest.mark.parametrize(
    "heading",
    [
        "## Breaking changes",
        "# ⚠️ Important",
        "### 🚨 Heads-up",
        "## Upgrade Guide",
        "## Upgrading",
        "## Migration notes ##",
        "## 升级指南",
        "## 重大變更",
        "## アップグレード手順",
        "## 破壊的変更",
        "**Important:**",
        "Upgrade Guide\n-------------",
    ],
)
def test_what_must_be_read_before_an_upgrade_comes_first(heading: str) -> None:
    warnings, rest = hoist(f"# What's new\n\nnice\n\n{heading}\n\ndo this\n\n# Fixes\n\nmany")

    assert warnings == f"{heading}\n\ndo this"
    assert rest == "# What's new\n\nnice\n\n# Fixes\n\nmany"


@pytest.mark.parametrize("heading", ["## What's Changed", "## Upgrade dependencies", "## Fixes", "## 新機能"])
def test_other_sections_stay_where_they_are(heading: str) -> None:
    assert hoist(f"{heading}\n\ntext") == ("", f"{heading}\n\ntext")


@pytest.mark.parametrize(
    "notes",
    [
        "",
        "<!-- only a comment -->",
        "text\n```\nx\n```",
        "```sh\nx\n```\n",
        "a\n```\nx\n```\n```\ny\n```\n",
        "## Upgrade Guide\n```bash\ndocker compose up -d\n```",
    ],
)
def test_notes_with_nothing_around_their_code_are_read(notes: str) -> None:
    first, rest = hoist(notes)
    assert [line for line in (first + rest).split("\n") if line in {"x", "y"}] == re.findall(
        r"^[xy]$", notes, re.MULTILINE
    )


_PIECES = st.sampled_from(
    [
        "```",
        "~~~",
        "````sh",
        "<!--",
        "-->",
        "# A",
        "## Breaking",
        "**Upgrade**",
        "===",
        "---",
        "> [!WARNING]",
        "> x",
        "",
        " ",
        "text",
        "- a",
        "<!-- b -->",
        "1. ```",
        "`x",
    ]
)


@given(st.lists(_PIECES | st.text(max_size=12), max_size=14).map("\n".join))
def test_any_markdown_can_be_read_as_notes(notes: str) -> None:
    first, rest = hoist(notes)
    assert hoist(first + "\n\n" + rest) is not None
    assert len(render([released("1.14.1", notes)], 4_000, SAY)) <= 4_000


def test_a_warning_keeps_its_parts_and_its_code() -> None:
    notes = "## Upgrade Guide\n### Docker\n```bash\n# Fixes\n```\n### Source\nx\n## Fixes\ny"

    assert hoist(notes) == ("## Upgrade Guide\n### Docker\n```bash\n# Fixes\n```\n### Source\nx", "## Fixes\ny")


def test_an_alert_is_a_warning_wherever_it_stands() -> None:
    assert hoist("## Fixes\nx\n> [!WARNING]\n> careful\n\ny") == ("> [!WARNING]\n> careful", "## Fixes\nx\n\ny")


def test_every_release_is_told_newest_first_and_warnings_before_all_notes() -> None:
    text = render(
        [released("1.14.1", "## Fixes\nby @bob"), released("1.14.0", "## Upgrade Guide\nback up\n## New\nfast")],
        10_000,
        SAY,
    )

    order = [
        "Read before you merge",
        "back up",
        "Release notes",
        "1.14.1 · 2026-05-12",
        "@<!-- -->bob",
        "1.14.0 ·",
        "fast",
    ]
    places = [text.index(word) for word in order]
    assert places == sorted(places)
    assert text.count("<details>") == text.count("</details>") == 2


def test_the_oldest_notes_give_way_first_and_leave_a_link() -> None:
    releases = [released(f"1.{minor}.0", "## New\n" + "word " * 200) for minor in (14, 13, 12)]

    text = render(releases, 2_500, SAY)

    assert len(text) <= 2_500
    assert "<summary>1.14.0" in text
    assert "<summary>1.12.0" not in text
    assert "[1.12.0](https://github.com/langgenius/dify/releases/tag/1.12.0)" in text


def test_no_room_breaks_a_fence_or_a_fold() -> None:
    notes = "## Upgrade Guide\nfirst\n```bash\n" + "echo\n" * 20 + "```\n## New\n" + "line\n" * 30
    releases = [released(f"1.{minor}.0", notes) for minor in range(14, 4, -1)]

    for room in range(0, 8_000, 37):
        text = render(releases, room, SAY)
        assert len(text) <= room
        assert text.count("```") % 2 == 0
        assert text.count("<details>") == text.count("</details>")


def test_more_releases_than_links_fit_are_counted() -> None:
    text = render([released(f"1.0.{patch}", "") for patch in range(170, 0, -1)], 1_000, SAY)

    assert len(text) <= 1_000
    assert "older releases." in text


def test_a_release_of_a_strange_address_is_not_linked() -> None:
    strange = Published(Version.parse("1.0.0"), "1.0.0", None, "x", "javascript:alert(1)")

    assert "javascript" not in render([strange], 1_000, SAY)
