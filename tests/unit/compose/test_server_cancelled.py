"""Who cancels a job is told what the host does: it goes on there, or it had ended by then."""

from __future__ import annotations

import base64
import io
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from difyaction import breakage, inputs
from difyaction.cancelled import Cancelled
from difyaction.compose.server_plan import make_plan
from difyaction.connections import Ran
from difyaction.runner import Runner
from difyaction.secret import Secret
from difyaction.surroundings import Surroundings
from difyaction.targets.server import Server
from tests.no_releases import NoReleases
from tests.unit.compose.machines import facts

ASKED = {"target": "server", "host": "local", "dify-version": "1.14.1"}


@dataclass
class Host:
    """Gives its answers one after the other; when there are none left, somebody cancels."""

    answers: list[bytes]
    asked: list[str] = field(default_factory=list)

    def run(self, script: str, *, stdin: bytes = b"", timeout: float) -> Ran:
        del stdin, timeout
        self.asked.append(script)
        if not self.answers:
            raise Cancelled(signal.SIGINT)
        return Ran(0, self.answers.pop(0), b"")

    def put(self, folder: str, files: Mapping[str, bytes | Secret]) -> None:
        raise AssertionError(f"nothing is delivered twice: {folder}, {sorted(files)}")

    def close(self) -> None:
        """Hold nothing."""


def journal(*rows: tuple[str, str, str]) -> bytes:
    lines = [
        f"{number} 1760000000 {step} {state} 0 {base64.b64encode(text.encode()).decode() or '-'}\n"
        for number, (step, state, text) in enumerate(rows, 1)
    ]
    return "".join(lines).encode()


def cancelled(*answers: bytes) -> str:
    """Return what is told of an upgrade that is cancelled when the host has given these answers."""
    return str(breakage.as_cancelled(struck(*answers), stages=["inspect", "plan", "guard", "apply"]))


def struck(*answers: bytes) -> Cancelled:
    """Cancel an upgrade when the host has given these answers."""
    surroundings = Surroundings(
        environ={},
        runner=Runner({}, io.StringIO(), monotonic=lambda: 0.0),
        now=lambda: datetime(2026, 11, 3, tzinfo=UTC),
        pause=lambda _: None,
        monotonic=lambda: 0.0,
    )
    server = Server(inputs.read(ASKED), surroundings, Host(list(answers)), NoReleases())
    with pytest.raises(Cancelled) as caught:
        server.apply(make_plan(facts({})))
    return caught.value


def seen(state: str, rows: bytes = b"") -> bytes:
    return f"dify-run {state} {len(rows)}\n".encode() + rows


def test_what_may_have_begun_goes_on() -> None:
    assert "goes on there without this job" in cancelled()


def test_what_is_being_followed_goes_on() -> None:
    going = journal(("run", "began", "1.13.3 -> 1.14.1"), ("pull", "began", ""))
    told = cancelled(seen("going"), seen("going", going))
    assert "goes on there without this job" in told
    assert "Nothing was changed" not in told


def test_a_backup_that_is_whole_is_named_however_early_the_job_ends() -> None:
    begun = (("run", "began", "1.13.3 -> 1.14.1"), ("seal", "began", ""))
    sealed = journal(*begun, ("seal", "fact", "backup b7"), ("seal", "done", ""))
    assert struck(seen("going"), seen("going", journal(*begun))).left == {}
    plan = make_plan(facts({}))
    name = plan.settings.backup.rpartition("/")[2]
    assert struck(seen("going"), seen("going", sealed)).left == {"backup-id": name}


@pytest.mark.parametrize("state", ["done", "rolled-back"])
def test_what_had_ended_by_then_is_told_with_its_end(state: str) -> None:
    ended = journal(("run", "began", "1.13.3 -> 1.14.1"), ("end", state, ""))
    assert f"had ended by then, as {state}" in cancelled(seen(state), seen(state, ended))


def test_who_cancels_before_anything_began_is_told_that_nothing_was_changed() -> None:
    why = breakage.as_cancelled(Cancelled(signal.SIGTERM), stages=["inspect"])
    assert "Nothing was changed" in str(why)
    assert "goes on" not in str(why)
