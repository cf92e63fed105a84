from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difyaction.releases.request import Request, first_version_line, version_file
from difyaction.releases.version import Version

PUBLISHED = ["1.11.4", "1.12.0", "1.12.1", "1.14.0-rc1", "1.14.0", "1.14.1", "1.15.0-rc1", "1.15.0", "1.15.0-fix.1"]


def accepted(text: str) -> list[str]:
    request = Request.parse(text)
    return [tag for tag in PUBLISHED if request.accepts(Version.parse(tag))]


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("latest", PUBLISHED),
        ("1.14.1", ["1.14.1"]),
        ("v1.14.1", ["1.14.1"]),
        ("1.15.0-fix1", ["1.15.0-fix.1"]),
        ("1.12.x", ["1.12.0", "1.12.1"]),
        ("1.14.*", ["1.14.0-rc1", "1.14.0", "1.14.1"]),
        ("1.x", PUBLISHED),
        (">=1.12 <1.15", ["1.12.0", "1.12.1", "1.14.0-rc1", "1.14.0", "1.14.1"]),
        (">=1.12, <1.14.0", ["1.12.0", "1.12.1"]),
        (">1.14 <=1.15", ["1.15.0-rc1", "1.15.0", "1.15.0-fix.1"]),
        (">1.15.0", ["1.15.0-fix.1"]),
        ("<=1.15.0 >1.14.1", ["1.15.0-rc1", "1.15.0"]),
        ("> 1.14.1<1.15.0-rc1", []),
        ("<1.15.0-fix.1 >=1.15.0", ["1.15.0"]),
        (">=2", []),
    ],
)
def test_a_request_accepts_what_it_says(text: str, fits: list[str]) -> None:
    assert accepted(text) == fits


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no version is given"),
        ("1.14", "write 1.14.x"),
        ("1", "write 1.x"),
        ("newest", "'newest' is not understood"),
        ("^1.14", "'\\^1.14' is not understood"),
        (">=1.12 or 2", "'or 2' in '>=1.12 or 2' is not understood"),
        (">=1.14.nope", "'1.14.nope' is not a version of Dify"),
        ("file:.dify-version", "is not understood"),
    ],
)
def test_what_is_not_understood_is_said_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Request.parse(text)


def test_one_version_by_name_is_exact_and_all_else_is_not() -> None:
    assert Request.parse(" 1.14.1 ").is_exact
    assert not any(Request.parse(text).is_exact for text in ("latest", "1.14.x", ">=1.12"))


def test_a_request_prints_as_it_was_written() -> None:
    assert f"{Request.parse(' >=1.12 <1.15 ')}" == ">=1.12 <1.15"


@pytest.mark.parametrize(
    ("text", "path"),
    [("file:.dify-version", ".dify-version"), (" file: a/b ", "a/b"), ("1.14.1", None), ("latest", None)],
)
def test_a_version_file_is_told_from_a_version(text: str, path: str | None) -> None:
    assert version_file(text) == path


@pytest.mark.parametrize(
    "content",
    ["1.14.1\n", "\ufeff1.14.1", "# bumped by Renovate\n\n 1.14.1 # pinned\r\n1.15.0\n"],
)
def test_the_first_line_that_says_something_is_the_version(content: str) -> None:
    assert first_version_line(content) == "1.14.1"


def test_a_version_file_without_a_version_is_refused() -> None:
    with pytest.raises(ValueError, match="names no version"):
        first_version_line("# nothing\n\n")


@given(st.text(max_size=20))
def test_any_text_is_a_request_or_a_value_error(text: str) -> None:
    try:
        request = Request.parse(text)
    except ValueError:
        return
    assert request.text == text.strip()


numbers = st.integers(min_value=0, max_value=20)


@given(numbers, numbers, numbers, numbers)
def test_a_series_is_the_range_between_it_and_the_next(major: int, minor: int, patch: int, asked: int) -> None:
    version = Version.parse(f"{major}.{minor}.{patch}")
    series = Request.parse(f"{major}.{asked}.x")
    as_range = Request.parse(f">={major}.{asked} <{major}.{asked + 1}")

    assert series.accepts(version) == as_range.accepts(version) == (minor == asked)
