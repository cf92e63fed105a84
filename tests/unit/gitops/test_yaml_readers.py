"""The quick reader and ruamel.yaml find the same events, or the quick one gives up."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from difyaction.gitops.editing import quick
from difyaction.gitops.editing.events import YAML_1_1, YAML_1_2, Event, Version, ruamel_events
from tests.unit.gitops.yaml_texts import Piece, texts

STARTS = ("", "", "- ", "a: ", "b: ", "'c d': ", "- e: ", "- - ", "a:", "? ", "-\t")
ENDS = (
    *("x", "x y", "'q'", '"d\\n"', "[]", "{}", '[a, "b"]', "{a: b, c: [d]}", ">-", "|", "&x 1", "*x", "&x", "# c"),
    *("a # c", "[a,", "b]", "true", '"a', "- b", "k: v", "[a]: b", "a:", "http://x:1", '"x"#c', "é 😀", "!!str 1"),
    *(
        "{a: }",
        "[a,]",
        "---",
        "...",
        "%YAML 1.1",
        "--- x",
        '{"a":1}',
        "a:b",
        "@",
        "-x",
        "\t# c",
        "[a: b]",
        "<<",
        "?x",
        "",
    ),
)
LINE = st.tuples(st.integers(0, 4), st.sampled_from(STARTS), st.sampled_from(ENDS))
LINES = st.lists(LINE.map(lambda line: " " * line[0] + line[1] + line[2]), max_size=6).map("\n".join)


def shape(events: list[Event]) -> list[tuple[object, ...]]:
    return [(*event.meaning, *(event[1:4] if event.kind == "scalar" else ())) for event in events]


def agree(text: str) -> bool:
    found = quick.read(text)
    if found is None:
        return False
    for version in (YAML_1_1, YAML_1_2):
        assert shape(found) == shape(list(ruamel_events(text, version)))
    return True


@settings(max_examples=300, deadline=None)
@given(texts())
def test_on_documents(piece: Piece) -> None:
    agree(piece.text)


@settings(max_examples=600, deadline=None)
@given(LINES)
@example("a: |\n\n  x\n y: 1\n")
@example("a:\n- b\nc:\n-\n-   d: 1\n    e:\n")
@example("x: &x\n  y: *x\n")
def test_on_any_lines(text: str) -> None:
    agree(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb:\n  c: 'x''y' # c\n  d: \"e\\n\"\n\n# c\ne:\n- 1\n- f: g\n  h:\n-\n",
        "---\na: |\n  x\n\n y: 1\n".replace(" y", "y"),
        "# c\n--- # c\na: 1\n...\n---\nb: [x, {y: 'z', w: []}, ] # c\n",
        "a: &a\n  b: 1\nc: *a\nd:\n  <<: *a\ne: &e [f,\n  g]\n",
        "\ufeffa: 1\r\nb: >-\r\n  x\r\n  y\r\nc:\t2\t# c",
        "",
        "# c\n",
    ],
)
def test_everyday_text_is_read_quickly(text: str) -> None:
    assert agree(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: b\n  c\n",
        "? a\n: b\n",
        "a: !t b\n",
        "%YAML 1.1\n---\na: 1\n",
        "a: 'b\n  c'\n",
        "a: [b: c]\n",
        "- &a b: c\n",
        "a: {b}\n",
    ],
)
def test_rarer_text_is_left_to_ruamel(text: str) -> None:
    assert quick.read(text) is None
    assert list(ruamel_events(text, YAML_1_2))


@pytest.mark.parametrize("version", [YAML_1_1, YAML_1_2])
@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a:\tb\t# c\n", ["a", "b"]),
        ("a: b\tc\n\n  d\n", ["a", "b\tc\nd"]),
        ("a: >+\n  b\n  c\n\n   d\n\n  e\n\n", ["a", "b c\n\n d\n\ne\n\n"]),
        ("a: |2-\n   b\n\n\nc: d\n", ["a", " b", "c", "d"]),
        ("a: [b c, 'd''e', \"\\u0041\"]\n", ["a", "b c", "d'e", "A"]),
        ("a: x # c\r\nb: 'y\r\n\r\n  z'\r\n", ["a", "x", "b", "y\nz"]),
    ],
)
def test_what_ruamel_reads_with_our_scanner(text: str, values: list[str], version: Version) -> None:
    assert [event.value for event in ruamel_events(text, version) if event.kind == "scalar"] == values
