from __future__ import annotations

import pytest

from scripts.release.refusal import Refused
from scripts.release.tags import Move, plan
from scripts.release.version import Version

OLD, NEW = "a" * 40, "b" * 40
STANDING = {"v1.2.2": OLD, "v1.2": OLD, "v1.1.9": "c" * 40, "v1.1": "c" * 40, "v1": OLD, "v2-notes": "d" * 40}


def decided(version: str, **standing: str) -> tuple[list[str], bool]:
    made = plan(Version.parse(version), NEW, standing or STANDING)
    return [move.tag for move in made.moves], made.latest


def test_the_first_release_makes_its_moving_tags() -> None:
    made = plan(Version(1, 0, 0), NEW, {})
    assert (made.tag, made.standing, made.latest) == ("v1.0.0", False, True)
    assert made.moves == (Move("v1", ""), Move("v1.0", ""))


@pytest.mark.parametrize(
    ("version", "moving", "latest"),
    [
        ("1.2.3", ["v1", "v1.2"], True),
        ("1.3.0", ["v1", "v1.3"], True),
        ("2.0.0", ["v2", "v2.0"], True),
        ("1.1.10", ["v1.1"], False),
        ("1.2.3-rc.1", [], False),
        ("0.9.0", ["v0", "v0.9"], False),
    ],
)
def test_a_moving_tag_follows_the_newest_release_of_its_line(version: str, moving: list[str], latest: bool) -> None:  # noqa: FBT001 - a table's column
    assert decided(version) == (moving, latest)


def test_a_moving_tag_is_moved_from_where_it_was_seen() -> None:
    assert plan(Version(1, 2, 3), NEW, STANDING).moves == (Move("v1", OLD), Move("v1.2", OLD))


def test_a_candidate_keeps_no_release_from_being_the_newest() -> None:
    assert decided("1.2.3", **{**STANDING, "v1.3.0-rc.1": OLD}) == (["v1", "v1.2"], True)


def test_an_interrupted_release_goes_on_and_a_finished_one_does_nothing() -> None:
    begun = {**STANDING, "v1.2.3": NEW}
    made = plan(Version(1, 2, 3), NEW, begun)
    assert made.standing
    assert [move.tag for move in made.moves] == ["v1", "v1.2"]
    assert plan(Version(1, 2, 3), NEW, {**begun, "v1": NEW, "v1.2": NEW}).moves == ()


def test_a_release_never_moves() -> None:
    with pytest.raises(Refused, match="never moves"):
        plan(Version(1, 2, 2), NEW, STANDING)


def test_an_older_release_that_is_run_again_moves_nothing_back() -> None:
    assert plan(Version(1, 2, 2), OLD, {**STANDING, "v1.2.3": NEW, "v1": NEW, "v1.2": NEW}).moves == ()
