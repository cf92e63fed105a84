from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difyaction import errors
from difyaction.gitops.editing.dotenv import read_env, set_env

FILE = "docker/.env"


def changed(text: str, value: str, key: str = "TAG") -> str:
    return set_env(text.encode(), {key: value}, file=FILE).decode()


def refusal(text: str | bytes, value: str = "1.14.1", key: str = "TAG") -> tuple[str, int]:
    content = text.encode() if isinstance(text, str) else text
    with pytest.raises(errors.Invalid) as refused:
        set_env(content, {key: value}, file=FILE)
    assert refused.value.file == FILE
    return refused.value.id, refused.value.line


@pytest.mark.parametrize(
    "before",
    [
        "TAG=1.13.3\n",
        "TAG=1.13.3",
        "TAG='1.13.3' # c\n",
        'TAG="1.13.3"\t# c\n',
        "export TAG=1.13.3   # why\n",
        "  TAG = 1.13.3  \n",
        "A=1\r\nTAG=1.13.3\r\nB='x # y'\r\n",
        "\ufeffTAG=1.13.3\n",
        "# TAG=0\nTAG=1.13.3#4\n".replace("#4", " #4"),
        "MANY='one\nTAG=0\ntwo'\nTAG=1.13.3\n",
        '値=é\nTAG=1.13.3\nOTHER=${TAG}\nPATH="$HOME"/bin\n',
    ],
)
def test_only_the_value_changes(before: str) -> None:
    assert changed(before, "1.14.1") == before.replace("1.13.3", "1.14.1")


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ("TAG=\n", "1", "TAG=1\n"),
        ("TAG= # c\n", "1", "TAG=1 # c\n"),
        ("TAG=''\n", "it's", 'TAG="it\'s"\n'),
        ("TAG=a\n", "x y", 'TAG="x y"\n'),
        ("TAG=a\n", "x#y", 'TAG="x#y"\n'),
        ("TAG=a\n", "$x", "TAG='$x'\n"),
        ('TAG="a"\n', "$x", "TAG='$x'\n"),
        ('TAG="a"\n', 'b "c" \\', 'TAG="b \\"c\\" \\\\"\n'),
        ("TAG='${A}'\n", "b", "TAG='b'\n"),
        ("TAG=a\n", "", "TAG=\n"),
        ("TAG=#a\n", "b", "TAG=b\n"),
        ("TAG=a#b c\n", "b", "TAG=b\n"),
    ],
)
def test_quotes_are_kept_or_set_where_the_value_needs_them(before: str, value: str, after: str) -> None:
    assert changed(before, value) == after


@pytest.mark.parametrize(
    ("text", "kind", "line"),
    [
        ("A=1\n", "env-missing", 1),
        ("A=1\nTAG=1\n\nTAG=2\n", "env-duplicate", 4),
        ("A=1\nTAG=${VERSION}\n", "env-interpolated", 2),
        ("TAG=v$VERSION\n", "env-interpolated", 1),
        ('TAG="${VERSION:-1}"\n', "env-interpolated", 1),
        ("A=1\nTAG='1\nB=2\n", "env-unparsable", 2),
        ('A=1\nTAG="1"2\n', "env-unparsable", 2),
        (b"\xff\xfeT\x00", "env-not-utf8", 1),
    ],
)
def test_what_is_not_one_literal_value_is_refused_with_its_line(text: str | bytes, kind: str, line: int) -> None:
    assert refusal(text) == (kind, line)


@pytest.mark.parametrize("value", ["a\nb", "a\x00", "it's $x"])
def test_a_value_that_no_quoting_keeps_is_refused(value: str) -> None:
    assert refusal("TAG=1\n", value) == ("env-value", 1)


def test_bytes_that_are_not_utf_8_elsewhere_stay() -> None:
    assert set_env(b"# caf\xe9\nTAG=1\n", {"TAG": "2"}, file=FILE) == b"# caf\xe9\nTAG=2\n"


def test_several_variables_change_together() -> None:
    after = set_env(b"A=1\nB=2\nC=3\n", {"C": "x", "A": "y"}, file=FILE)
    assert after == b"A=y\nB=2\nC=x\n"


def test_a_line_tells_its_key_value_and_place() -> None:
    text = "\ufeff# c\nexport A='x y' # z\n"
    (line,) = read_env(text.encode(), file=FILE)
    assert (line.key, line.value, text[line.start : line.end], line.line) == ("A", "x y", "'x y'", 2)


NAMES = st.sampled_from(["A", "B_1", "TAG"])
PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x17F, exclude_categories=("Cc",)), max_size=12)


@given(PRINTABLE, st.sampled_from(["", "'", '"']), st.sampled_from(["\n", "\r\n", ""]), PRINTABLE)
def test_a_value_that_was_set_is_read_back(value: str, quote: str, end: str, comment: str) -> None:
    text = f"A=1\nTAG={quote}old{quote} # {comment}{end}"
    try:
        after = set_env(text.encode(), {"TAG": value}, file=FILE)
    except errors.Invalid as refused:
        assert refused.id == "env-value"  # noqa: PT017 - most values can be written
        assert "$" in value
        return
    assert [(line.key, line.value) for line in read_env(after, file=FILE)] == [("A", "1"), ("TAG", value)]
    assert after.decode().endswith(f" # {comment}{end}")


@given(st.text(alphabet="AB=\"'\\ #$\r\n\t{}é", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        lines = read_env(text.encode(), file=FILE)
    except errors.Invalid as refused:
        assert refused.id == "env-unparsable"  # noqa: PT017 - a reading is as good
        return
    assert all(0 <= line.start <= line.end <= len(text) for line in lines)
