"""Following a run from a job: for as long as the job may, and no earlier run is taken for what it is not."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from difyaction import inputs
from difyaction.compose.server_plan import make_plan
from difyaction.connections import Ran
from difyaction.errors import ActionError, Running, Stranded
from difyaction.runner import Runner
from difyaction.secret import Secret
from difyaction.surroundings import Surroundings
from difyaction.targets.server import Server
from tests.no_releases import NoReleases
from tests.unit.compose.machines import facts
from tests.unit.compose.test_server_cancelled import journal

GOING = journal(("run", "began", "1.13.3 -> 1.14.1"), ("migrate", "began", "Migrate the database"))


@dataclass
class Host:
    """Has a run in this state with nothing new to tell, and says so ten seconds later. ``code`` ends a launch."""

    state: str
    code: int = 0
    now: float = 0.0
    asked: list[str] = field(default_factory=list)

    def run(self, script: str, *, stdin: bytes = b"", timeout: float) -> Ran:
        del stdin, timeout
        self.asked.append(script)
        self.now += 10.0
        if len(self.asked) > 1000:
            raise AssertionError("it is followed for ever")
        if "\nlaunch " in script:
            return Ran(self.code, b"", b"")
        told = GOING if "\nlook 0 " in script else b""
        return Ran(0, f"dify-run {self.state} {len(GOING)}\n".encode() + told, b"")

    def put(self, folder: str, files: Mapping[str, bytes | Secret]) -> None:
        raise AssertionError(f"nothing is delivered: {folder}, {sorted(files)}")

    def close(self) -> None:
        """Hold nothing."""

    def pause(self, seconds: float) -> None:
        self.now += seconds


def applied(host: Host) -> ActionError:
    """Return how a job of twenty minutes ends that follows a run which is there already."""
    surroundings = Surroundings(
        environ={},
        runner=Runner({}, io.StringIO(), monotonic=lambda: host.now),
        now=lambda: datetime(2026, 11, 3, tzinfo=UTC),
        pause=host.pause,
        monotonic=lambda: host.now,
    )
    asked = {"target": "server", "host": "local", "dify-version": "1.14.1", "job-time": "20m"}
    server = Server(inputs.read(asked), surroundings, host, NoReleases())
    with pytest.raises(ActionError) as caught:
        server.apply(make_plan(facts({})))
    return caught.value


def test_a_job_ends_in_time_though_the_host_has_nothing_new_to_tell() -> None:
    host = Host("going")
    ended = applied(host)
    assert isinstance(ended, Running)
    assert ended.id == "job-time-over"
    assert 1200 < host.now < 1260


def test_a_dead_run_that_cannot_be_undone_is_never_taken_for_one_that_is_over() -> None:
    ended = applied(Host("dead", code=75))
    assert isinstance(ended, Stranded)
    assert ended.id == "run-unrecoverable"
