"""A diff is right when it makes the one text of the other, and good when it shows no line that stays."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from difyaction.line_diff import unified

FEW = st.lists(st.sampled_from(["image:\n", "  tag: 1\n", "---\n", "x\n"]), max_size=30)


def patched(before: Sequence[str], diff: Sequence[str]) -> list[str]:
    """Apply a diff, and hold what it says of the old text against it."""
    after, at, hunk = [], 0, 0
    for line in diff[2:]:
        if head := re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@\n", line):
            hunk = int(head[1]) - (head[2] != "0")
            after += before[at:hunk]
            at = hunk
            continue
        if line[0] != "+":
            assert before[at] == line[1:]
            at += 1
        if line[0] != "-":
            after.append(line[1:])
    return after + list(before[at:])


@given(FEW, FEW)
def test_a_diff_makes_the_one_text_of_the_other(before: list[str], after: list[str]) -> None:
    assert patched(before, list(unified(before, after, ("a", "b")))) == after


@given(FEW.flatmap(lambda before: st.tuples(st.just(before), st.lists(st.booleans(), min_size=30, max_size=30))))
def test_an_edit_in_place_shows_the_edited_lines_alone(made: tuple[list[str], list[bool]]) -> None:
    before, edited = made
    after = ["new\n" if is_edited else line for line, is_edited in zip(before, edited, strict=False)]
    diff = list(unified(before, after, ("a", "b"), in_place=True))
    assert patched(before, diff) == after
    count = sum(edited[: len(before)])
    assert [line[0] for line in diff[2:]].count("+") == [line[0] for line in diff[2:]].count("-") == count


def test_many_alike_pieces_in_one_file_are_no_noise() -> None:
    pieces = (("---\n", "kind: A\n", f"n: {number}\n", "tag: 1\n", "on: true\n") for number in range(40))
    before = [line for piece in pieces for line in piece]
    after = ["tag: 2\n" if line == "tag: 1\n" else line for line in before]
    after.insert(7, "added: yes\n")
    changed = [line for line in unified(before, after, ("a", "b")) if re.match(r"[-+](?![-+])", line)]
    assert len(changed) == 81


def test_alike_texts_have_no_diff() -> None:
    assert list(unified(["a\n"], ["a\n"], ("a", "b"))) == []
    assert list(unified([], [], ("a", "b"), in_place=True)) == []


def test_a_new_text_is_added_whole() -> None:
    assert list(unified([], ["a\n"], ("a", "b"))) == ["--- a\n", "+++ b\n", "@@ -0,0 +1 @@\n", "+a\n"]
