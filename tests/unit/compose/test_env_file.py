from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difyaction.compose.env_file import parse_env, read_env
from difyaction.compose.env_value import read_value, written
from difyaction.compose.interpolation import interpolate, names
from difyaction.errors import Invalid


def values(content: bytes) -> dict[str, str]:
    return dict(read_env(content, file=".env").values)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b"K=plain", "plain"),
        (b"K = spaced out \t", "spaced out"),
        (b"export K=1", "1"),
        (b"K: yaml", "yaml"),
        (b"K=a#b # comment", "a#b"),
        (b'K="a # b" # comment', "a # b"),
        (b"K='$A ${A}'", "$A ${A}"),
        (b'K="\\$A \\"q\\" \\n\\\\"', '$A "q" \n\\'),
        (b'K="\\0101 \\07"', "A \\7"),
        (b"K=$$A pa$5word", "$A pa$5word"),
        (b"K='one\ntwo'", "one\ntwo"),
        (b"K=", ""),
        (b"\xef\xbb\xbfK=1", "1"),
        (b"K=1\r\n", "1"),
        (b"K=%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S"),
    ],
)
def test_a_value_is_read_as_compose_reads_it(line: bytes, value: str) -> None:
    assert values(line) == {"K": value}


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("${SET}", "x"),
        ("$SET$SET", "xx"),
        ("${UNSET}", ""),
        ("${UNSET:-a},${SET:-b}", "a,x"),
        ("${EMPTY-a}${EMPTY:-b}", "b"),
        ("${SET:+yes}${EMPTY:+no}${EMPTY+set}", "yesset"),
        ("${UNSET:-${ALSO:-${SET}}}", "x"),
        ("${UNSET:-http://h/e/{hook_id}}/z", "http://h/e/{hook_id}/z"),
        ("${SET:?needed}", "x"),
    ],
)
def test_references_are_replaced(reference: str, value: str) -> None:
    assert interpolate(reference, {"SET": "x", "EMPTY": ""}.get) == value


@pytest.mark.parametrize("reference", ["${UNSET:?needed}", "${EMPTY:?}", "${", "${1}", "${A"])
def test_a_reference_that_compose_refuses_is_refused(reference: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        interpolate(reference, {"EMPTY": ""}.get)


def test_names_are_found_wherever_they_stand() -> None:
    assert names("a $A ${B} ${C:-${D:-$E}} $$F") == {"A", "B", "C", "D", "E"}


def test_of_several_assignments_the_last_counts_and_sees_those_above() -> None:
    assert values(b"A=1\nB=${A}\nA=2\nC=${A}${D}\nD=3") == {"A": "2", "B": "1", "C": "2", "D": "3"}


def test_a_container_gets_names_from_below_too() -> None:
    assert dict(read_env(b"A=${B}\nB=1", file=".env").given) == {"A": "1", "B": "1"}


def test_a_bare_key_is_inherited_and_has_no_value() -> None:
    env = read_env(b"export A\nB=1\nC", file=".env")
    assert [entry.key for entry in env.entries if entry.inherited] == ["A", "C"]
    assert dict(env.values) == {"B": "1"}
    assert env.replaced({"A": "2"}) == "export A=2\nB=1\nC"


@pytest.mark.parametrize(
    ("content", "line", "name"),
    [
        (b"A=1\n\nB C=2", 3, "env-key"),
        (b"A=1\nB*=2", 2, "env-key"),
        (b"# c\nA='1\n2", 2, "env-quote"),
        (b'A="1\n2"\nB=${', 3, "env-variable"),
    ],
)
def test_what_compose_cannot_read_is_named_by_line(content: bytes, line: int, name: str) -> None:
    with pytest.raises(Invalid) as caught:
        values(content)
    assert [(found.id, found.line) for found in caught.value.complaints] == [(name, line)]


@pytest.mark.parametrize(
    "content", [b"A=\r\nB=1\r\n", b"A= \r\nB=1\r\n", b"A=old # why\r\nB=1\r\n", b"A='old'\r\nB=1\r\n"]
)
def test_a_replaced_value_leaves_every_other_byte(content: bytes) -> None:
    after = parse_env(read_env(content, file=".env").replaced({"A": "new"}), file=".env")
    assert dict(after.values) == {"A": "new", "B": "1"}
    assert after.text.endswith("\r\nB=1\r\n")
    assert after.text.count("\r") == 2


def test_a_comment_above_a_key_is_its_own_without_the_heading() -> None:
    example = read_env(b"# ----\n# Title\n# ----\n# about A\n# more\nA=1\n\n# gone\n\nB=2\n# ----\nC=3\n", file="e")
    assert example.comment("A") == ("# about A", "# more")
    assert example.comment("B") == ()
    assert example.comment("C") == ()


@given(st.binary(max_size=60))
def test_what_is_read_is_kept_byte_for_byte(content: bytes) -> None:
    try:
        env = read_env(content, file=".env")
    except Invalid:
        return
    assert env.content == content
    assert all(env.raw(entry) in env.text for entry in env.entries)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00")))
def test_what_is_written_is_read_back(value: str) -> None:
    assert read_value(written(value), lambda _: None) == value
    assert values(f"K={written(value)}\n".encode()) == {"K": value}
