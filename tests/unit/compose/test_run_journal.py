"""A journal from a host that may be full, dying or hostile."""

from __future__ import annotations

import base64
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difyaction.compose.run_journal import LONGEST_LINE, LONGEST_TEXT, JournalRow, Reader, clean, record


def line(step: str, state: str, text: str = "", *, when: int = 100, code: int = 0) -> bytes:
    coded = base64.b64encode(text.encode()).decode() or "-"
    return f"1 {when} {step} {state} {code} {coded}\n".encode()


def rows(*lines: bytes) -> list[JournalRow]:
    return list(Reader().feed(b"".join(lines)))


WHOLE = (
    line("run", "began", "1.13.3 -> 1.14.1")
    + line("pull", "began", "Pull the images")
    + line("pull", "say", "アップ")
    + line("pull", "fact+", "head 4f")
    + line("pull", "fact", "6e")
    + line("pull", "done", when=130)
    + line("end", "done")
)


def test_a_row_is_what_was_written() -> None:
    assert rows(line("pull", "failed", "no\nroom", when=1764000000, code=1)) == [
        JournalRow(1, 1764000000, "pull", "failed", 1, "no\nroom")
    ]


@given(st.lists(st.integers(min_value=0, max_value=len(WHOLE))))
def test_rows_are_the_same_however_the_bytes_are_cut(cuts: list[int]) -> None:
    reader, found, edges = Reader(), [], [0, *sorted(cuts), len(WHOLE)]
    for start, end in itertools.pairwise(edges):
        found += reader.feed(WHOLE[start:end])
    assert found == rows(WHOLE)
    assert [row.text for row in found if row.state == "fact"] == ["head 4f6e"]


@pytest.mark.parametrize(
    "torn",
    [
        b"8 100 pull sa",
        b"\n",
        b"\0\0\0\0\n",
        b"8 100 pull say 0 *** \n",
        b"8 100 pull say 0 QUJ\n",
        b"8 100 pull owned 0 QUJD\n",
        b"8 100 end upgraded 0 -\n",
        b"8 100 run done 0 -\n",
        b"8 100 PULL say 0 QUJD\n",
        b"99999999999 100 pull say 0 QUJD\n",
        b"::error::x\n",
        b"8 100 pull say 0 " + b"QUJD" * 3000 + b"\n",
    ],
)
def test_what_is_no_row_is_dropped_and_the_next_one_read(torn: bytes) -> None:
    assert [row.state for row in rows(torn, b"\n", line("pull", "done"))] == ["done"]


@given(st.binary(max_size=4000))
def test_any_bytes_give_rows_or_nothing(data: bytes) -> None:
    assert all(row.is_final or row.step for row in rows(data, b"\n", data))


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    reader = Reader()
    for _ in range(100):
        assert not list(reader.feed(b"A" * LONGEST_LINE))
    assert reader.dropped
    assert [row.state for row in reader.feed(b"\n" + line("pull", "done"))] == ["done"]


def test_a_text_without_end_is_bounded() -> None:
    endless = line("pull", "fact+", "x" * 2700) * 100 + line("pull", "fact", "end")
    assert all(len(row.text) <= LONGEST_TEXT for row in rows(endless))


def test_no_text_can_command_a_terminal_or_turn_itself_around() -> None:
    assert clean("a\x1b[31mb\x00c\rd\r\ne\u202ef\x85") == "a[31mbc\nd\nef"


def test_a_record_tells_what_failed_where_and_why() -> None:
    told = record(
        rows(
            line("run", "began"),
            line("pull", "began", when=100),
            line("pull", "fact", "size 42"),
            line("pull", "done", when=107),
            line("migrate", "began", when=107),
            line("migrate", "reason", "migration-failed it stopped at 4f6e"),
            line("migrate", "failed", "Traceback", when=130, code=70),
            line("migrate", "undoing"),
            line("migrate", "undo-failed", "cannot", code=1),
            line("end", "stranded"),
        )
    )
    assert told.state == "stranded"
    assert told.failure is not None
    assert (told.failure.step, told.failure.id, told.failure.text) == (
        "migrate",
        "migration-failed",
        "it stopped at 4f6e",
    )
    assert (told.failure.output, told.failure.exit_code) == ("Traceback", 70)
    assert [(undo.step, undo.id, undo.output) for undo in told.failed_undos] == [("migrate", "step-failed", "cannot")]
    assert told.facts == {"size": "42"}
    assert told.seconds == {"pull": 7, "migrate": 23}


def test_a_run_that_was_locked_out_says_by_whom() -> None:
    told = record(rows(line("run", "began"), line("end", "failed", "lock-held Another run is at work here: ops.")))
    assert told.failure is not None
    assert (told.failure.step, told.failure.id) == ("run", "lock-held")


def test_a_host_cannot_choose_an_id_that_is_none() -> None:
    told = record(rows(line("pull", "began"), line("pull", "reason", "::error::x y"), line("pull", "failed")))
    assert told.failure is not None
    assert (told.failure.id, told.failure.text) == ("step-failed", "::error::x y")
