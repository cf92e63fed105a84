"""Whether an answer is worth asking for again, and what an error may repeat of it."""

from __future__ import annotations

import pytest

from difyaction.gitops.files import Entry
from difyaction.gitops.github.answers import Reply, bounded, wait_before_repeating
from difyaction.gitops.github.blobs import CHUNK_BYTES, blob_oid, chunks, proved

DATE = {"date": "Tue, 12 May 2026 00:00:00 GMT"}


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        (Reply(200, {}, {}), None),
        (Reply(404, {}, {"message": "Not Found"}), None),
        (Reply(403, {}, {"message": "Resource not accessible by integration"}), None),
        (Reply(422, {"retry-after": "9"}, {}), None),
        (Reply(0, {}, {"message": "ConnectionError"}), 4.0),
        (Reply(502, {}, None), 4.0),
        (Reply(503, {"retry-after": "7"}, None), 7.0),
        (Reply(429, {"retry-after": "12"}, {}), 12.0),
        (Reply(403, {"retry-after": "3"}, {}), 3.0),
        (Reply(403, {}, {"message": "You have exceeded a secondary rate limit"}), 60.0),
        (Reply(403, {**DATE, "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1778544030"}, {}), 31.0),
        (Reply(200, {}, {"errors": [{"type": "RATE_LIMITED", "message": "limit"}]}), 60.0),
        (Reply(200, {}, {"errors": [{"message": "Something went wrong while executing your query."}]}), 4.0),
        (Reply(200, {}, {"errors": [{"type": "NOT_FOUND", "message": "no"}]}), None),
    ],
)
def test_only_a_passing_fault_is_asked_about_again(reply: Reply, wanted: float | None) -> None:
    assert wait_before_repeating(reply, 2) == wanted


def test_foreign_text_is_one_bounded_line() -> None:
    assert bounded("a\n::error::b") == "a ::error::b"
    assert len(bounded("x" * 1000)) == 300


def test_a_validation_error_tells_its_reasons() -> None:
    reasons = [{"message": "No commits."}, {"field": "head", "code": "invalid"}]
    data = {"message": "Validation Failed", "errors": reasons}
    assert Reply(422, {}, data).message == "Validation Failed; No commits; head invalid"


def test_blobs_fill_an_answer_and_no_more() -> None:
    half = CHUNK_BYTES // 2
    entries = [Entry(f"{number}", "100644", f"oid{number}", half) for number in range(3)]
    assert list(chunks([*entries, entries[0]])) == [["oid0", "oid1"], ["oid2"]]
    assert list(chunks([])) == []


def test_only_text_with_the_blobs_own_name_is_believed() -> None:
    good, bad = "tag: 1\r\n", "\ufefftag"
    answer = {"b0": {"text": good}, "b1": {"text": bad}, "b2": None, "b3": {"text": None}}
    oids = [blob_oid(good.encode()), blob_oid(b"tag"), "x", "y"]
    assert dict(proved(answer, oids)) == {oids[0]: good.encode()}
    assert blob_oid(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"
