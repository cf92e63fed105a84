from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difyaction.compose.file_merge import merge_file
from difyaction.compose.hunks import regions
from difyaction.target import Severity
from tests.upstream_releases import folder_of, pairs

BASE = b"one\ntwo\nthree\nfour\nfive\nsix\n"
TRACKED = (
    "docker-compose.yaml",
    "nginx/nginx.conf.template",
    "nginx/conf.d/default.conf.template",
    "nginx/proxy.conf.template",
    "nginx/https.conf.template",
    "ssrf_proxy/squid.conf.template",
)
lines = st.lists(st.sampled_from([b"a", b"b", b"c", b""]), max_size=9).map(b"\n".join)


def merged(theirs: bytes, target: bytes, base: bytes = BASE) -> bytes | None:
    return merge_file("f", base, theirs, target).content


@pytest.mark.parametrize(
    ("theirs", "target", "expected"),
    [
        (
            b"one\nTWO\nthree\nfour\nfive\nsix\n",
            b"one\ntwo\nthree\nfour\nFIVE\nsix\n",
            b"one\nTWO\nthree\nfour\nFIVE\nsix\n",
        ),
        (b"zero\none\ntwo\nthree\nfour\nfive\nsix\n", BASE + b"seven\n", b"zero\n" + BASE + b"seven\n"),
        (b"one\nthree\nfour\nfive\nsix\n", BASE + b"seven\n", b"one\nthree\nfour\nfive\nsix\nseven\n"),
        (b"same\n", b"same\n", b"same\n"),
        (BASE, b"", b""),
        (b"", BASE, b""),
    ],
)
def test_edits_at_different_places_both_arrive(theirs: bytes, target: bytes, expected: bytes) -> None:
    assert merged(theirs, target) == expected


def test_a_file_with_crlf_stays_one() -> None:
    theirs = b"one\ntwo\nOURS\nfour\nfive\nsix\n".replace(b"\n", b"\r\n")
    target = b"zero\none\ntwo\nthree\nfour\nfive\nsix\n"
    assert merged(theirs, target) == b"zero\r\none\r\ntwo\r\nOURS\r\nfour\r\nfive\r\nsix\r\n"


def test_lines_of_theirs_keep_their_own_ends() -> None:
    assert merged(b"one\r\ntwo\nthree\nfour\nfive\nsix\n", BASE + b"seven\n") == b"one\r\n" + BASE[4:] + b"seven\n"


@pytest.mark.parametrize(
    ("theirs", "target", "expected"),
    [
        (BASE[:-1], BASE + b"seven\n", BASE + b"seven"),
        (b"ONE" + BASE[3:], BASE[:-1], b"ONE" + BASE[3:-1]),
        (b"ONE" + BASE[3:-1], BASE[:-1], b"ONE" + BASE[3:-1]),
    ],
)
def test_a_missing_final_newline_is_theirs_or_upstreams(theirs: bytes, target: bytes, expected: bytes) -> None:
    assert merged(theirs, target) == expected


def test_a_conflict_names_the_lines_and_stands_in_the_way() -> None:
    theirs = b"zero\none\ntwo\nOURS\nfive\nsix\n"
    target = b"one\ntwo\nthree\nNEW\nfive\nsix\n"
    result = merge_file("docker-compose.yaml", BASE, theirs, target)
    assert result.content is None
    (conflict,) = result.conflicts
    assert (conflict.where, conflict.base_line, conflict.target_line) == ("4", 3, 3)
    assert (conflict.base, conflict.theirs, conflict.target) == (("three", "four"), ("OURS",), ("three", "NEW"))
    assert "theirs:\n    OURS\n" in str(conflict)
    objection = result.objection("1.14.1")
    assert objection is not None
    assert objection.severity is Severity.NEVER
    assert "docker-compose.yaml was edited on this host" in objection.text.format(**objection.facts)
    assert "in line 4." in objection.text.format(**objection.facts)


def test_removed_and_several_lines_are_named_too() -> None:
    theirs = b"one\nfour\nFIVE\nSIX\n"
    (conflict,) = merge_file("f", BASE, theirs, b"").conflicts
    assert conflict.where == "before 2, 3-4"


def test_a_merge_without_conflict_is_no_objection() -> None:
    assert merge_file("f", BASE, BASE, b"new\n").objection("1.14.1") is None


@given(base=lines, theirs=lines, target=lines)
def test_a_merge_is_fair(base: bytes, theirs: bytes, target: bytes) -> None:
    there, back = merge_file("f", base, theirs, target), merge_file("f", base, target, theirs)
    assert (there.content is None) == (back.content is None)
    assert there.content == back.content
    assert merged(theirs, base, base) == theirs
    assert merged(base, target, base) == target
    assert merged(theirs, theirs, base) == theirs


@given(base=lines, theirs=lines, target=lines)
def test_the_regions_cover_all_three_texts(base: bytes, theirs: bytes, target: bytes) -> None:
    texts = [text.split(b"\n") for text in (base, theirs, target)]
    found = list(regions(*texts))
    for text, spans in zip(texts, zip(*((r.base, r.theirs, r.target) for r in found), strict=True), strict=False):
        assert [line for span in spans for line in span.of(text)] == text


def test_edits_carry_over_between_all_real_releases_or_are_named() -> None:
    for older, newer in pairs():
        for file in TRACKED:
            base, target = (folder_of(older) / file).read_bytes(), (folder_of(newer) / file).read_bytes()
            parts = base.partition(b"\n")
            theirs = b"# ours on top\n" + parts[0] + parts[1] + parts[2].removesuffix(b"\n") + b"\n# ours below"
            result = merge_file(file, base, theirs, target)
            if result.content is None:
                assert all(conflict.edited for conflict in result.conflicts), (older, newer, file)
                continue
            ours = result.content.removeprefix(b"# ours on top\n").removesuffix(b"\n").removesuffix(b"\n# ours below")
            assert ours == target.removesuffix(b"\n"), (older, newer, file)


def test_few_real_ways_conflict_with_an_edit_at_the_ends_of_a_file() -> None:
    outcomes = [
        merge_file(file, base, b"# ours on top\n" + base, (folder_of(newer) / file).read_bytes()).content is not None
        for older, newer in pairs()
        for file in TRACKED
        for base in [(folder_of(older) / file).read_bytes()]
    ]
    assert outcomes.count(True) > 0.9 * len(outcomes)
