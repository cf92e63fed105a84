from __future__ import annotations

import io
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from difyaction.connections import Connection, Lost
from difyaction.connections.observed import observed
from difyaction.events import LONGEST_FACT, QUIET, Events, place
from difyaction.runner import ANNOTATION_CHARACTERS, Runner
from difyaction.secret import Secret
from tests.unit.actions_runner import commands

DEBUGGED = {"GITHUB_ACTIONS": "true", "RUNNER_DEBUG": "1"}
LONG_ENOUGH = st.text(st.characters(exclude_categories=["Cs"]), min_size=6).filter(lambda text: len(text.strip()) >= 6)


def runner(out: io.StringIO, **environ: str) -> Runner:
    return Runner(environ, out, monotonic=lambda: 1.0)


def told(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(each.data) for each in commands(out.getvalue()) if each.name == "debug"]


def test_a_run_that_is_not_debugged_tells_nothing() -> None:
    out = io.StringIO()
    one = runner(out, GITHUB_ACTIONS="true")

    one.events.tell("step", step="pull")
    with one.events.request("GET", "https://api.github.com/repos/a/b"):
        one.debug("a line")

    assert not one.events.on
    assert out.getvalue() == ""


def test_a_pause_is_the_same_one_where_nobody_listens() -> None:
    def pause(seconds: float) -> None:
        raise AssertionError(seconds)

    assert QUIET.pausing(pause) is pause


def test_each_event_is_one_line_of_json_on_the_debug_channel() -> None:
    out = io.StringIO()
    events = runner(out, **DEBUGGED).events

    events.tell("stage-ended", stage="plan", exit_code=None, seconds=0.25)
    with events.request("POST", "https://api.github.com/repos/acme/gitops/pulls?head=x") as asked:
        asked.status = 201

    assert told(out) == [
        {"event": "stage-ended", "at": 0.0, "stage": "plan", "exit-code": None, "seconds": 0.25},
        {
            "event": "request",
            "at": 0.0,
            "method": "POST",
            "host": "api.github.com",
            "path": "/repos/{}/pulls",
            "status": 201,
            "seconds": 0.0,
        },
    ]


def test_a_request_that_breaks_is_told_too_and_breaks_all_the_same() -> None:
    out = io.StringIO()
    events = runner(out, **DEBUGGED).events

    with pytest.raises(TimeoutError), events.request("GET", "https://dify.example/"):
        raise TimeoutError

    assert [(each["status"], each["error"]) for each in told(out)] == [(0, "TimeoutError")]


def test_a_pause_is_told_before_it_is_made() -> None:
    out, paused = io.StringIO(), list[float]()
    pause = runner(out, **DEBUGGED).events.pausing(paused.append)

    pause(2.5)

    assert paused == [2.5]
    assert [(each["event"], each["seconds"]) for each in told(out)] == [("wait", 2.5)]


@given(secret=LONG_ENOUGH, before=st.text(st.characters(exclude_categories=["Cs"])))
@example(secret='a"b\nc\\d"e', before='"')
def test_no_secret_is_told_however_json_would_write_it(secret: str, before: str) -> None:
    out = io.StringIO()
    one = runner(out, **DEBUGGED)
    one.mask(Secret(secret))
    masks = len(out.getvalue())

    one.events.tell("step", text=f"{before}{secret.strip()}")

    [command] = commands(out.getvalue()[masks:])
    whole = json.loads(command.data)["text"]
    assert secret.strip() not in whole.replace("***", "\0")


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=5000))
def test_a_line_is_short_enough_for_the_runner_and_always_whole(text: str) -> None:
    out = io.StringIO()
    runner(out, **DEBUGGED).events.tell("step", text=text)
    [command] = commands(out.getvalue())
    assert len(command.data) < ANNOTATION_CHARACTERS
    assert json.loads(command.data)["text"] == text[:LONGEST_FACT]


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://api.github.com/graphql", "api.github.com", "/graphql"),
        ("https://api.github.com/repos/acme/gitops/git/ref/heads/a/b", "api.github.com", "/repos/{}/git/ref/heads/{}"),
        ("https://ghe.example:8443/api/v3/repos/a/b", "ghe.example:8443", "/api/v3/repos/{}"),
        ("https://reg.example/v2/a/b/c/manifests/1.14.1", "reg.example", "/v2/{}/manifests/{}"),
        ("https://u:secret@dify.example/?token=secret#secret", "dify.example", "/"),
        (
            "https://arm.example/subscriptions/0-1/resourceGroups/g/providers/Microsoft.Compute/disks/d?api-version=1",
            "arm.example",
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Compute/{}",
        ),
        ("http://[broken", "{}", "{}"),
        ("http://host:port/", "{}", "{}"),
    ],
)
def test_an_address_is_told_without_what_somebody_named(url: str, host: str, path: str) -> None:
    assert place(url) == (host, path)


class Answering:
    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    def run(self, script: str, *, stdin: bytes = b"", timeout: float) -> object:
        assert (script, stdin, timeout) == ("echo hidden", b"typed", 5.0)
        if self._error:
            raise self._error
        return type("Ran", (), {"exit_code": 3, "out": b"said"})()

    def put(self, folder: str, files: object) -> None:
        assert (folder, files) == ("/run", {"a": b"hidden"})

    def close(self) -> None:
        """Nothing is open."""


def test_round_trips_to_a_host_are_told_without_what_was_said() -> None:
    out = io.StringIO()
    seen: Connection = observed(Answering(), runner(out, **DEBUGGED).events)  # type: ignore[arg-type]

    seen.run("echo hidden", stdin=b"typed", timeout=5.0)
    seen.put("/run", {"a": b"hidden"})

    kept = [{name: value for name, value in each.items() if name not in {"at", "seconds"}} for each in told(out)]
    assert kept == [
        {"event": "round-trip", "what": "run", "exit-code": 3, "sent": 16, "bytes": 4},
        {"event": "round-trip", "what": "put", "files": 1},
    ]


def test_a_cut_is_told_by_its_id() -> None:
    out = io.StringIO()
    cut = Lost("ssh-cut", "cut", next_step="")
    seen = observed(Answering(cut), runner(out, **DEBUGGED).events)  # type: ignore[arg-type]

    with pytest.raises(Lost):
        seen.run("echo hidden", stdin=b"typed", timeout=5.0)

    assert [each["error"] for each in told(out)] == ["ssh-cut"]


def test_a_connection_stays_what_it_is_where_nobody_listens() -> None:
    plain = Answering()
    assert observed(plain, Events()) is plain  # type: ignore[arg-type,comparison-overlap]
