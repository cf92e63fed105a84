from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difyaction.releases.version import Version

OLDEST_FIRST = [
    "0.3.31-fix1",
    "0.3.31-fix3",
    "0.6.0-preview-workflow.1",
    "0.6.0-preview-workflow.2",
    "0.6.0",
    "0.6.12",
    "0.6.12-fix1",
    "0.8.0-beta1",
    "v0.8.3-fix1",
    "0.15.6-alpha.1",
    "0.15.8",
    "1.0.0-beta.1",
    "1.0.0",
    "1.9.2",
    "1.10.0-rc1",
    "1.10.0",
    "1.10.1",
    "1.10.1-fix.1",
    "1.10.1-fix.2",
    "1.10.1-fix.10",
    "1.13.1",
    "1.14.0-rc1",
    "1.14.0",
    "2.0.0-beta.1",
    "2.0.0-beta.2",
]
STAGES = ["alpha", "beta", "preview", "rc", "", "fix"]

numbers = st.integers(min_value=0, max_value=40)


@st.composite
def tags(draw: st.DrawFn) -> str:
    base = ".".join(str(draw(numbers)) for _ in range(3))
    stage = draw(st.sampled_from(STAGES))
    step = draw(st.sampled_from(["", "1", ".1", ".2", "10"])) if stage else ""
    return draw(st.sampled_from(["", "v"])) + base + (f"-{stage}{step}" if stage else "")


@pytest.mark.parametrize(("older", "newer"), list(itertools.combinations(OLDEST_FIRST, 2)))
def test_upstream_s_tags_stand_in_dify_s_own_order(older: str, newer: str) -> None:
    assert Version.parse(older) < Version.parse(newer)


@pytest.mark.parametrize(
    "tag",
    [
        *("browser-profile", "main", "latest", "", "1.14", "1.14.1.2", "01.2.3", "1.2.3-nightly", "1.2.3 ", "1.2.3-"),
        *("1.2.3-fix.x", "vv1.2.3", "1.2.3\n", "\u0661.\u0662.\u0663", "a" * 40),
    ],
)
def test_what_names_no_version_is_refused_by_name(tag: str) -> None:
    with pytest.raises(ValueError, match="is not a version of Dify"):
        Version.parse(tag)


def test_the_text_is_the_tag_without_its_v_and_otherwise_as_written() -> None:
    version = Version.parse("v0.8.3-fix1")

    assert (version.tag, version.text, str(version)) == ("v0.8.3-fix1", "0.8.3-fix1", "0.8.3-fix1")


def test_versions_that_are_written_differently_are_one_version() -> None:
    assert Version.parse("2.0.0-beta.2") == Version.parse("v2.0.0-beta2")
    assert len({Version.parse("1.10.1-fix.1"), Version.parse("1.10.1-fix1")}) == 1


@pytest.mark.parametrize(
    ("tag", "prerelease", "abandoned"),
    [
        ("1.14.0-rc1", True, False),
        ("1.10.1-fix.1", False, False),
        ("1.14.1", False, False),
        ("2.0.0-beta.2", True, True),
        ("2.0.0-rc1", True, True),
        ("2.0.0", False, False),
        ("2.1.0-beta.1", True, False),
    ],
)
def test_a_version_says_whether_anyone_should_go_there(tag: str, *, prerelease: bool, abandoned: bool) -> None:
    version = Version.parse(tag)

    assert (version.is_prerelease, version.is_abandoned) == (prerelease, abandoned)


@given(tags(), tags())
def test_of_two_versions_exactly_one_thing_is_true(one: str, other: str) -> None:
    a, b = Version.parse(one), Version.parse(other)

    assert [a < b, a == b, a > b].count(True) == 1
    assert (a == b) <= (hash(a) == hash(b))
    assert (a <= b) == (b >= a) == (not b < a)


@given(st.lists(tags(), max_size=12))
def test_sorting_does_not_depend_on_where_one_starts(given_tags: list[str]) -> None:
    versions = [Version.parse(tag) for tag in given_tags]
    in_order = sorted(versions)

    assert in_order == sorted(versions, reverse=True)[::-1]
    assert all(a <= b for a, b in itertools.combinations(in_order, 2))


@given(numbers, numbers, numbers)
def test_the_stages_of_one_release_follow_each_other(major: int, minor: int, patch: int) -> None:
    base = f"{major}.{minor}.{patch}"
    stages = [Version.parse(f"{base}-{stage}.1" if stage else base) for stage in STAGES]
    after = Version.parse(f"{major}.{minor}.{patch + 1}-alpha.1")

    assert stages == sorted(stages)
    assert all(stage < after for stage in stages)


@given(tags())
def test_a_text_reads_back_as_the_same_version(tag: str) -> None:
    version = Version.parse(tag)

    assert Version.parse(version.text) == version
