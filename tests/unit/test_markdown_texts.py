from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difyaction import markdown

FOREIGN = st.text(st.sampled_from("a `|<>@#1\\\n\r[]()*_~&!\u200b")) | st.text(st.characters(exclude_categories=["Cs"]))


@given(FOREIGN)
def test_a_foreign_sentence_is_one_line_that_pings_links_and_formats_nothing(text: str) -> None:
    said = markdown.inline(text).replace("<!-- -->", "\0")
    assert not re.search(r"[`|<>\n\r*\[\]\\]", said)
    assert not re.search(r"@\w", said)


@given(FOREIGN)
def test_code_stays_one_span_inside_a_cell_of_a_table(text: str) -> None:
    span = markdown.code(text)
    if span:
        ticks = re.match("`+", span)
        assert ticks
        inner = span[len(ticks[0]) : -len(ticks[0])]
        assert ticks[0] not in re.findall("`+", inner)
        assert not re.search(r"(?<!\\)\|", span)
        assert "\n" not in span


@given(FOREIGN)
def test_a_fence_is_longer_than_any_run_of_backticks_inside(text: str) -> None:
    first, *_, last = markdown.fence(text, "diff").split("\n")
    assert first == f"{last}diff"
    assert max((len(run) for run in re.findall("`+", text)), default=0) < len(last)


@given(FOREIGN)
def test_a_label_of_a_diagram_is_one_quoted_word(text: str) -> None:
    assert re.fullmatch(r'"[^"`<>\n\\]*"', markdown.label(text))


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://x.example/a)b", "https://x.example/ <b>", ""])
def test_an_odd_address_is_not_linked(url: str) -> None:
    assert "](" not in markdown.link("here", url)


def test_a_good_address_is_linked() -> None:
    assert markdown.link("Pull request 1", "https://github.com/a/b/pull/1") == (
        "[Pull request 1](https://github.com/a/b/pull/1)"
    )


def test_our_templates_keep_their_code_and_facts_cannot_leave_it() -> None:
    said = markdown.fill("{who} runs `flask {who}`, {count:.1f} times", {"who": "`@me|`", "count": 2})
    assert said == "&#96;@<!-- -->me&#124;&#96; runs `flask '@me\\|'`, 2.0 times"
