"""How we know our own work again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from difyaction.gitops.wording.marks import (
    LONGEST_BODY,
    is_marked,
    merge_sections,
    unit_marker,
    units_of,
    with_marker,
    with_trailers,
)

UNITS = st.text(min_size=1).filter(lambda unit: unit.strip())


def test_a_usual_unit_stands_in_its_marker_as_it_is() -> None:
    assert unit_marker("environments/prod") == "<!-- dify-upgrade-action: unit=environments/prod -->"


@given(unit=UNITS, body=st.text())
def test_a_marked_text_is_recognized_and_not_marked_twice(unit: str, body: str) -> None:
    marked = with_marker(body, unit)
    assert is_marked(marked, unit)
    assert with_marker(marked, unit) == marked


@given(unit=UNITS)
def test_no_unit_ends_its_marker_early(unit: str) -> None:
    inside = unit_marker(unit).removeprefix("<!--").removesuffix("-->")
    assert "--" not in inside
    assert "\n" not in inside


def test_a_marker_survives_a_text_that_is_too_long() -> None:
    marked = with_marker("x" * 70_000, "staging")
    assert len(marked) <= LONGEST_BODY
    assert is_marked(marked, "staging")
    assert "Cut here" in marked


def test_only_the_last_paragraph_has_trailers() -> None:
    assert units_of("Bump\n\nWhy.\n\nSigned-off-by: Jo\nDify-Upgrade-Action: a\n") == ("a",)
    assert units_of("Bump\r\n\r\nDify-Upgrade-Action: a\r\n") == ("a",)
    assert units_of("Revert\n\nDify-Upgrade-Action: a\n\nThis takes back what the Action did.") == ()
    assert units_of("Dify-Upgrade-Action: a") == ()


def test_a_trailer_follows_a_blank_line_and_joins_other_trailers() -> None:
    assert with_trailers("Bump", ["a"]) == "Bump\n\nDify-Upgrade-Action: a"
    signed = "Bump\n\nWhy.\n\nSigned-off-by: Jo <jo@example.com>\n"
    assert with_trailers(signed, ["a"]) == signed + "Dify-Upgrade-Action: a"
    again = with_trailers("Bump\n\nDify-Upgrade-Action: a", ["a", "b", "a"])
    assert again == "Bump\n\nDify-Upgrade-Action: a\nDify-Upgrade-Action: b"


def test_units_are_read_back_from_trailers_only() -> None:
    assert units_of("Bump\n\nDify-Upgrade-Action: a\nDify-Upgrade-Action: b c") == ("a", "b c")
    assert units_of("Bump the Dify-Upgrade-Action: not at the start") == ()


def test_a_new_section_goes_to_the_end_and_an_old_one_stays_in_place() -> None:
    body = merge_sections(merge_sections("Intro", "a", "one"), "b", "two")
    again = merge_sections(body, "a", "changed")
    assert again.startswith("Intro\n\n")
    assert again.index("changed") < again.index("two")
    assert "one" not in again
    assert merge_sections(again, "a", "changed") == again


@given(body=st.text(alphabet="ab\n-<!>"), sections=st.lists(st.tuples(st.sampled_from("abc"), st.text("xy\n"))))
def test_sections_never_touch_each_other(body: str, sections: list[tuple[str, str]]) -> None:
    text = body
    for unit, section in sections:
        text = merge_sections(text, unit, section)
    for unit, section in dict(sections).items():
        inner = text.partition(unit_marker(unit))[2].partition("<!-- dify-upgrade-action: end=")[0]
        assert inner.strip("\n") == section.strip("\n")
    assert text.startswith(body.rstrip("\n"))


def test_a_section_is_cut_where_the_whole_would_be_too_long() -> None:
    body = merge_sections("Intro", "a", "one")
    long = merge_sections(body, "b", "y" * 70_000)
    assert len(long) <= LONGEST_BODY
    assert "one" in long
    assert long.rstrip().endswith("end=b -->")
