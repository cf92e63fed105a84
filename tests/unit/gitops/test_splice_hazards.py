"""The places where other editors lose bytes, types or the value itself."""

from __future__ import annotations

import pytest
from ruamel.yaml import YAML

from tests.unit.gitops.editing import edited, refusal, scalar


def loaded(text: str, version: str) -> object:
    """Load as ruamel.yaml does, without any of our own code."""
    yaml = YAML(typ="safe", pure=True)
    yaml.version = version  # type: ignore[assignment]
    return yaml.load(text)


def test_1_9_becomes_1_10_and_stays_a_string() -> None:
    after = edited("tag: 1.9\n", "tag", "1.10")
    assert after == 'tag: "1.10"\n'
    assert {loaded(str(after), version)["tag"] for version in ("1.1", "1.2")} == {"1.10"}  # type: ignore[index]


def test_an_existing_true_becomes_a_version() -> None:
    assert edited("tag: true # now\n", "tag", "1.16.1") == "tag: 1.16.1 # now\n"


@pytest.mark.parametrize(
    "value",
    [
        "1234567",
        "0755",
        "2026-01-01",
        "null",
        "12e4567",
        "y",
        "n",
        "on",
        "off",
        "yes",
        "no",
        "~",
        "0o17",
        "0x1F",
        "1_000",
        ".inf",
        "-.inf",
        ".nan",
        "1:30",
        "1:30:00.5",
        "=",
        "<<",
        "True",
        "FALSE",
        "Null",
        "NO",
        "1.",
        ".5",
        "-1",
        "+1",
        "1e3",
        "1E-3",
        "0b101",
        "08",
        "0",
        "1.0",
        "2026-1-2",
        "00",
        "1__0",
    ],
)
@pytest.mark.parametrize("before", ["tag: main\n", "tag:\n", "tag: 0.1\n"])
def test_a_word_that_some_reader_takes_for_something_else_is_quoted(value: str, before: str) -> None:
    after = edited(before, "tag", value)
    assert after == f'tag: "{value}"\n'
    assert {loaded(str(after), version)["tag"] for version in ("1.1", "1.2")} == {value}  # type: ignore[index]


@pytest.mark.parametrize(
    "value",
    ["1.14.1", "0.5.3-local", "main", "v1", "latest", "1.10.1-fix.1", "abc1234", "1.2.3_4", "r:1@sha256:0a", "年"],
)
def test_a_word_that_every_reader_takes_for_text_is_not_quoted(value: str) -> None:
    assert edited("tag: 1.9\n", "tag", value) == f"tag: {value}\n"


@pytest.mark.parametrize(
    "value",
    ["", "a: b", "a #b", "a:", "#a", "- a", "[a", "{a", "&a", "*a", "!a", "|", ">", "'a", '"a', "%a", "@a", "`a", " a"],
)
def test_a_value_that_would_be_syntax_is_quoted(value: str) -> None:
    expected = value.replace('"', '\\"')
    assert edited("tag: x\n", "tag", value) == f'tag: "{expected}"\n'


def test_needed_quotes_are_those_that_the_file_uses_most() -> None:
    assert edited("a: '1'\nb: '2'\nc: \"3\"\ntag: x\n", "tag", "1.10") == "a: '1'\nb: '2'\nc: \"3\"\ntag: '1.10'\n"


def test_own_quotes_stay() -> None:
    before = "a: '1.9' # one\nb: \"1.9\" # two\n"
    assert edited(before, "a", "it's") == "a: 'it''s' # one\nb: \"1.9\" # two\n"
    assert edited(before, "b", 'a "b" \\c') == 'a: \'1.9\' # one\nb: "a \\"b\\" \\\\c" # two\n'


def test_a_double_quoted_value_with_escapes_is_replaced_whole() -> None:
    assert edited('a: "1.\\u0039\\n" # c\n', "a", "1.10") == 'a: "1.10" # c\n'


def test_crlf_and_a_comment_stay() -> None:
    assert edited("a: 1\r\ntag: 1.9.0   # why\r\nb: 2\r\n", "tag", "1.9.1") == "a: 1\r\ntag: 1.9.1   # why\r\nb: 2\r\n"


def test_a_byte_order_mark_stays() -> None:
    assert edited(b"\xef\xbb\xbftag: 1.9.0\n", "tag", "1.9.1") == b"\xef\xbb\xbftag: 1.9.1\n"


def test_a_missing_final_newline_stays_missing() -> None:
    assert edited("tag: 1.9.0", "tag", "1.9.1") == "tag: 1.9.1"
    assert edited("a: |\n  1.9.0", "a", "1.9.1") == "a: |\n  1.9.1"
    assert edited("tag:", "tag", "1.9.1") == "tag: 1.9.1"


@pytest.mark.parametrize("properties", ["&t ", "!!str ", "!!str &t ", "&t !!str ", "! "])
def test_anchor_and_tag_stay(properties: str) -> None:
    assert edited(f"v: {properties}1.16.0\n", "v", "1.16.1") == f"v: {properties}1.16.1\n"


def test_a_value_tagged_as_a_string_needs_no_quotes() -> None:
    assert edited("v: !!str 1.9\n", "v", "1.10") == "v: !!str 1.10\n"


def test_a_value_tagged_as_something_else_is_refused() -> None:
    assert refusal("a: 1\nv: !!float 1.9\n", "v") == ("edit-tag", 2)
    assert refusal("v: !Ref tag\n", "v") == ("edit-tag", 1)


def test_non_ascii_text_before_the_value_moves_nothing() -> None:
    before = "タグ: {名前: 値😀, tag: 1.9.0} # 説明😀\n"
    assert edited(before, "タグ.tag", "1.9.1") == before.replace("1.9.0", "1.9.1")


@pytest.mark.parametrize("header", ["|", "|-", "|+", "|2", ">", ">-", ">+", "| # c", "|2-"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n\n", "\nb: 1\n", "\n\n# c\nb: 1\n"])
def test_a_block_scalar_of_one_line_keeps_its_header_and_line_breaks(header: str, end: str) -> None:
    before = f"a: {header}\n  1.9.0{end}"
    assert edited(before, "a", "1.10") == before.replace("1.9.0", "1.10")


def test_a_block_scalar_of_several_lines_is_refused() -> None:
    assert refusal("a: |\n  one\n  two\n", "a") == ("edit-block", 1)
    assert refusal("b: 1\na: >\n  one\n  two\n", "a") == ("edit-block", 2)
    assert refusal("a: |\n", "a") == ("edit-block", 1)


@pytest.mark.parametrize("null", ["null", "~", "Null"])
def test_a_written_null_is_replaced(null: str) -> None:
    assert edited(f"tag: {null} # c\n", "tag", "1.14.1") == "tag: 1.14.1 # c\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("tag:\nb: 1\n", "tag: 1.14.1\nb: 1\n"),
        ("tag: \nb: 1\n", "tag: 1.14.1\nb: 1\n"),
        ("tag:\r\nb: 1\r\n", "tag: 1.14.1\r\nb: 1\r\n"),
        ("tag:   # c\n", "tag: 1.14.1   # c\n"),
        ("# c\n\ntag:\n\n  # c\nb: 1\n", "# c\n\ntag: 1.14.1\n\n  # c\nb: 1\n"),
        ("tag: &t\nb: 1\n", "tag: &t 1.14.1\nb: 1\n"),
        ("tag: !!str\n", "tag: !!str 1.14.1\n"),
        ("{tag: , b: 1}\n", "{tag: 1.14.1 , b: 1}\n"),
        ("{tag:}\n", "{tag: 1.14.1}\n"),
        ("{b: 1, tag}\n", "{b: 1, tag: 1.14.1}\n"),
        ('{"tag":}\n', '{"tag": 1.14.1}\n'),
        ('tag: ""\n', 'tag: "1.14.1"\n'),
        ("tag: ''\n", "tag: '1.14.1'\n"),
    ],
)
def test_an_empty_value_is_filled(before: str, after: str) -> None:
    assert edited(before, "tag", "1.14.1") == after


def test_an_empty_list_item_is_filled() -> None:
    assert edited("a:\n-\n- 2\n", "a[0]", "x") == "a:\n- x\n- 2\n"


def test_the_value_of_an_explicit_key_without_one_is_refused() -> None:
    assert refusal("? tag\n? b\n", "tag") == ("edit-unproved", 1)


def test_the_second_document_is_edited_where_it_alone_has_the_path() -> None:
    assert edited("a: 1\n---\nb: 2\n...\n", "b", "3.0.0") == "a: 1\n---\nb: 3.0.0\n...\n"


def test_a_document_is_named_by_its_number() -> None:
    before = "---\ntag: 1\n---\n# none\n---\ntag: 2\n"
    assert edited(before, "[2].tag", "3.0.0") == before.replace("tag: 2", "tag: 3.0.0")
    assert refusal(before, "tag") == ("path-ambiguous", 6)
    assert refusal(before, "[3].tag") == ("path-missing", 1)


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_yaml_directive_changes_nothing(version: str) -> None:
    before = f"%YAML {version}\n%TAG !e! tag:e,2000:\n--- # c\ntag: 1.9\nb: !e!x yes\n...\n# end\n"
    assert edited(before, "tag", "1.10") == before.replace("tag: 1.9", 'tag: "1.10"')
    assert edited(before, "tag", "1.10.0") == before.replace("tag: 1.9", "tag: 1.10.0")


def test_a_duplicate_key_on_the_path_is_refused() -> None:
    assert refusal("a:\n  tag: 1\n  b: 2\n  tag: 3\n", "a.tag") == ("path-duplicate-key", 4)
    assert refusal("a: {tag: 1}\n'a': {b: 2}\n", "a.tag") == ("path-duplicate-key", 2)


def test_a_duplicate_key_elsewhere_is_left_alone() -> None:
    assert edited("a: 1\na: 2\ntag: x\n", "tag", "z") == "a: 1\na: 2\ntag: z\n"


def test_tabs_between_tokens_stay() -> None:
    before = "a:\t1.9.0\t# c\t\nb:\t{c:\t1.9.0\t}\n"
    assert edited(before, "a", "2.0.0") == before.replace("1.9.0", "2.0.0", 1)
    assert edited(before, "b.c", "2.0.0") == before.replace("{c:\t1.9.0", "{c:\t2.0.0")


def test_flow_collections_are_edited_in_place() -> None:
    before = '{"a":1,"b":[ x , {c: "y"} ,z ],d:\n  e}\n'
    assert edited(before, "b[1].c", "w") == before.replace('"y"', '"w"')
    assert edited(before, "b[0]", "u,v") == before.replace("[ x ", '[ "u,v" ')
    assert edited(before, "d", "f") == before.replace("\n  e", "\n  f")


def test_a_value_of_several_lines_becomes_one_line() -> None:
    assert edited("a: one\n  two\nb: 'x\n\n  y'\nc: 1\n", "a", "z") == "a: z\nb: 'x\n\n  y'\nc: 1\n"
    assert edited("a: one\n  two\nb: 'x\n\n  y'\nc: 1\n", "b", "z") == "a: one\n  two\nb: 'z'\nc: 1\n"


def test_a_very_long_line_is_no_trouble() -> None:
    before = f'a: {"x" * 300_000}\nb: "{"y " * 200_000}" # c\ntag: 1.9.0\n'
    assert edited(before, "tag", "1.9.1") == before.replace("1.9.0", "1.9.1")
    assert edited(before, "a", "z") == f"a: z\n{before.split(chr(10), 1)[1]}"


def test_keys_that_hold_dots_and_keys_of_digits_are_reached() -> None:
    before = "a:\n  b.c:\n    d: 1\n  0: x\n"
    assert edited(before, 'a."b.c".d', "e") == before.replace("d: 1", "d: e")
    assert edited(before, "a.0", "z") == before.replace("0: x", "0: z")


def test_a_place_is_told_in_characters_with_the_mark_and_wide_characters_counted() -> None:
    text = "\ufeff# 😀\r\na:\r\n- 😀\r\n- &x 'b' # c\r\n"
    found = scalar(text, "a[1]")
    assert (text[found.start : found.end], found.line, found.style, found.anchor) == ("'b'", 4, "single", "x")
