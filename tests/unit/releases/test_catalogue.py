from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from difyaction import errors
from difyaction.releases.catalogue import Policy, Published, between, choose, newest_first
from difyaction.releases.request import Request
from difyaction.releases.version import Version

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)


def release(tag: str, days: int | None = 100, *, prerelease: bool = False) -> Published:
    when = None if days is None else NOW - timedelta(days=days)
    return Published(Version.parse(tag), tag, when, prerelease=prerelease)


PUBLISHED = (
    release("0.15.8", 40),
    release("1.12.1", 180),
    release("1.13.3", 130),
    release("1.14.0-rc1", 165),
    release("1.14.0", 95),
    release("1.14.1", 81),
    release("1.14.2", None),
    release("1.15.0", 37),
    release("1.16.0-rc1", 23),
    release("1.16.0", 15),
    release("1.16.1", 4),
    release("2.0.0-beta.2", 300),
)


def chosen(text: str, policy: Policy | None = None, installed: str = "") -> str:
    version = Version.parse(installed) if installed else None
    return choose(Request.parse(text), PUBLISHED, policy or Policy(now=NOW), version).tag


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("latest", "1.16.0"),
        ("1.16.x", "1.16.0"),
        ("1.14.x", "1.14.1"),
        (">=1.12 <1.15", "1.14.1"),
        ("0.15.x", "0.15.8"),
        ("1.16.1", "1.16.1"),
        ("1.14.2", "1.14.2"),
        ("1.16.0-rc1", "1.16.0-rc1"),
        ("2.0.0-beta2", "2.0.0-beta.2"),
    ],
)
def test_the_newest_release_that_may_be_taken_is_taken(text: str, tag: str) -> None:
    assert chosen(text) == tag


def test_without_a_minimum_age_the_newest_is_taken_at_once() -> None:
    assert chosen("latest", Policy(now=NOW, minimum_age_days=0)) == "1.16.1"


def test_pre_releases_are_taken_where_they_are_allowed_and_the_abandoned_line_never() -> None:
    assert chosen("<1.16.0", Policy(now=NOW, allow_prerelease=True)) == "1.15.0"
    assert chosen(">=1.16.0-rc1 <=1.16.0-rc1", Policy(now=NOW, allow_prerelease=True)) == "1.16.0-rc1"
    assert chosen("latest", Policy(now=NOW, allow_prerelease=True, minimum_age_days=0)) == "1.16.1"


def test_upstream_s_own_mark_makes_a_plain_version_a_pre_release() -> None:
    published = (release("1.17.0", prerelease=True), release("1.16.1"))

    assert choose(Request.parse("latest"), published, Policy(now=NOW)).tag == "1.16.1"


def test_an_age_that_was_asked_for_holds_for_an_exact_version_too() -> None:
    with pytest.raises(errors.Failed, match=r"1\.16\.1 .published 4 days ago, 30 are asked for"):
        chosen("1.16.1", Policy(now=NOW, minimum_age_days=30))


def test_what_is_installed_is_not_held_back_again() -> None:
    assert chosen("latest", installed="1.16.1") == "1.16.1"
    assert chosen("latest", installed="1.16.0-rc1") == "1.16.0"
    assert chosen("latest", installed="2.0.0-beta.2") == "1.16.0"


def test_a_request_that_everything_is_held_back_from_names_it_all_and_why() -> None:
    with pytest.raises(errors.Failed) as raised:
        chosen(">=1.16.1", Policy(now=NOW))

    assert raised.value.id == "release-held-back"
    assert "1.16.1 (published 4 days ago, 7 are asked for)" in str(raised.value)
    assert "2.0.0-beta.2 (abandoned by upstream)" in str(raised.value)


def test_a_bare_tag_cannot_be_shown_to_be_old_enough() -> None:
    with pytest.raises(errors.Failed, match=r"1\.14\.2 .a tag without a release"):
        chosen(">1.14.1 <1.15")


def test_a_long_list_of_what_was_skipped_is_cut() -> None:
    published = [release(f"1.20.{patch}", 1) for patch in range(9)]

    with pytest.raises(errors.Failed, match=r"1\.20\.8 .*; 1\.20\.4 .*; and 4 more"):
        choose(Request.parse("latest"), published, Policy(now=NOW))


def test_an_unknown_version_is_answered_with_its_neighbours() -> None:
    with pytest.raises(errors.Failed) as raised:
        chosen("1.14.9")

    assert raised.value.id == "release-unknown"
    assert "near it are 1.14." in str(raised.value)


def test_a_range_that_nothing_fits_is_answered_with_the_newest() -> None:
    with pytest.raises(errors.Failed, match=r"the newest are 1\.16\.1, 1\.16\.0, 1\.15\.0") as raised:
        chosen(">=3")

    assert raised.value.id == "release-unmatched"


def test_an_empty_catalogue_says_so() -> None:
    with pytest.raises(errors.Failed, match="none at all"):
        choose(Request.parse("latest"), (), Policy(now=NOW))


def versions(found: tuple[Published, ...]) -> list[str]:
    return [published.tag for published in found]


def test_what_lies_between_is_every_release_of_dify_s_order_newest_first() -> None:
    found = between(PUBLISHED, Version.parse("1.13.3"), Version.parse("1.15.0"))

    assert versions(found) == ["1.15.0", "1.14.2", "1.14.1", "1.14.0", "1.14.0-rc1"]


def test_with_nothing_installed_the_wanted_release_stands_alone() -> None:
    assert versions(between(PUBLISHED, None, Version.parse("1.14.1"))) == ["1.14.1"]


def test_nothing_lies_on_the_way_back_or_on_the_spot() -> None:
    assert between(PUBLISHED, Version.parse("1.15.0"), Version.parse("1.14.1")) == ()
    assert between(PUBLISHED, Version.parse("1.15.0"), Version.parse("1.15.0")) == ()


def test_the_abandoned_line_lies_on_nobody_s_way() -> None:
    later = (*PUBLISHED, release("2.0.0"))

    assert versions(between(later, Version.parse("1.16.0"), Version.parse("2.0.0"))) == ["2.0.0", "1.16.1"]


def test_back_ports_do_not_become_new_by_being_young() -> None:
    assert newest_first(PUBLISHED)[-1].tag == "0.15.8"
