from __future__ import annotations

import pytest
import requests

from difyaction import errors
from difyaction.web import host_of
from tests.unit.scripted_web import Answer, Time, redirect, web


def test_an_answer_comes_with_its_status_headers_and_body() -> None:
    reader, adapter = web(Answer(404, {"X-Some": "thing"}, (b'{"a"', b": 1}")))

    reply = reader.get("https://api.example/a", headers={"Accept": "text/plain"})

    assert (reply.status, reply.headers["x-some"], reply.body, reply.json(), reply.sent) == (
        404,
        "thing",
        b'{"a": 1}',
        {"a": 1},
        1,
    )
    assert adapter.seen[0].headers["Accept"] == "text/plain"
    assert adapter.credentials == [None]


def test_circles_end() -> None:
    reader, adapter = web(*[redirect("/again")] * 9)

    with pytest.raises(errors.Failed, match="in circles"):
        reader.get("https://api.example/a")

    assert len(adapter.seen) == 6


def test_the_body_of_a_redirect_is_bounded_too() -> None:
    reader, _ = web(Answer(302, {"Location": "/there"}, (b"x" * 600, b"x" * 600, b"never read")))

    with pytest.raises(errors.Failed, match="more than 1000 bytes"):
        reader.get("https://api.example/a", limit=1000)


def test_the_proxies_of_the_environment_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    reader, adapter = web(Answer())

    reader.get("https://api.example/a")

    assert [proxies["https"] for proxies in adapter.proxies] == ["http://proxy.example:3128"]


def test_what_passes_is_tried_again_with_longer_pauses() -> None:
    time = Time()
    failing: list[Answer | Exception] = [
        requests.ConnectionError("reset"),
        Answer(503),
        requests.exceptions.ChunkedEncodingError("cut"),
    ]
    reader, adapter = web(*failing, Answer(chunks=(b"here",)), time=time)

    reply = reader.get("https://api.example/a")

    assert (reply.body, reply.sent, time.pauses) == (b"here", 4, [1.0, 2.0, 4.0])
    assert len(time.said) == 3
    assert time.said[0].startswith("api.example ")
    assert time.said[0].endswith(": asking again in 1 s")
    assert adapter.script == []


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "Sat, 01 Aug 2026 12:00:20 GMT", "Date": "Sat, 01 Aug 2026 12:00:05 GMT"}, 15.0),
        ({"Retry-After": "Sat, 01 Aug 2026 12:00:00 GMT", "Date": "Sat, 01 Aug 2026 12:00:05 GMT"}, 0.0),
        ({"Retry-After": "soon"}, 1.0),
        ({}, 1.0),
    ],
)
def test_a_server_may_say_how_long_to_wait(headers: dict[str, str], pause: float) -> None:
    time = Time()
    reader, _ = web(Answer(429, headers), Answer(), time=time)

    assert reader.get("https://api.example/a").status == 200
    assert time.pauses == [pause]


def test_a_secondary_limit_is_waited_for_and_an_ordinary_refusal_is_not() -> None:
    reader, _ = web(Answer(403, {"Retry-After": "3"}), Answer(403))

    assert reader.get("https://api.example/a").status == 403


def test_nobody_waits_for_a_limit_that_is_used_up_or_too_far_away() -> None:
    time = Time()
    reader, _ = web(Answer(429, {"X-RateLimit-Remaining": "0"}), Answer(429, {"Retry-After": "3600"}), time=time)

    assert [reader.get("https://api.example/a").status for _ in range(2)] == [429, 429]
    assert time.pauses == []


def test_after_five_tries_the_last_answer_counts() -> None:
    reader, _ = web(*[Answer(502)] * 5)

    reply = reader.get("https://api.example/a")

    assert (reply.status, reply.sent) == (502, 5)


@pytest.mark.parametrize(
    ("error", "says", "tries"),
    [
        (requests.exceptions.SSLError("x"), "certificate is not trusted", 1),
        (requests.exceptions.InvalidURL("x"), "InvalidURL", 1),
        (requests.exceptions.ProxyError("http://me:secret@proxy"), "the proxy does not connect", 5),
        (requests.ReadTimeout("x"), "did not answer in time", 5),
        (requests.ConnectionError("x"), "the connection failed", 5),
    ],
)
def test_what_cannot_be_reached_is_said_in_our_own_words(error: Exception, says: str, tries: int) -> None:
    reader, adapter = web(*[error] * tries)

    with pytest.raises(errors.Failed, match=says) as raised:
        reader.get("https://api.example/a")

    assert raised.value.id == "web-unreachable"
    assert "secret" not in str(raised.value)
    assert adapter.script == []


def test_a_body_that_does_not_end_is_not_read_to_its_end() -> None:
    reader, _ = web(Answer(chunks=(b"x" * 600, b"x" * 600, b"never read")))

    with pytest.raises(errors.Failed, match="more than 1000 bytes") as raised:
        reader.get("https://api.example/a", limit=1000)

    assert raised.value.id == "web-answer-too-long"


def test_a_body_that_drips_is_given_up_at_the_deadline() -> None:
    time = Time()
    reader, _ = web(Answer(chunks=(b"x",) * 9, before_chunk=lambda: time.pause(20.0)), time=time)

    with pytest.raises(errors.Failed, match="did not answer in time"):
        reader.get("https://api.example/a")

    assert time.now - 1000.0 < 120.0


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://API.GitHub.com/a", "api.github.com"),
        ("https://ghe.example:443/api/v3", "ghe.example"),
        ("http://127.0.0.1:8080/", "127.0.0.1:8080"),
        ("https://[::1]:80/", "::1:80"),
        ("nonsense", ""),
    ],
)
def test_a_host_has_its_port_only_where_that_is_unusual(url: str, host: str) -> None:
    assert host_of(url) == host
