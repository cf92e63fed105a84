"""The composition root: environment -> inputs -> target -> story -> report -> exit code."""

from __future__ import annotations

import errno
import io
import sys
import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from difyaction import __version__, command_line, input_checks, inputs, manual, registry, story
from difyaction.cancelled import Cancelled, Watch
from difyaction.errors import ActionError, Failed
from difyaction.inputs import Inputs
from difyaction.journal import Journal
from difyaction.language import Language
from difyaction.opening import opening, place
from difyaction.outlet import Outlet
from difyaction.publish import publish
from difyaction.report import Told
from difyaction.runner import Runner
from difyaction.statuses import EXIT_CODES
from difyaction.story import Ending
from difyaction.surroundings import Surroundings


@dataclass(frozen=True, kw_only=True)
class World:
    """What a run takes from the machine: standard input, time, and the builders of targets."""

    stdin: Callable[[], str] = field(default_factory=lambda: _standard_input)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    pause: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    builders: Mapping[str, str] = field(default_factory=lambda: registry.BUILDERS)


def _standard_input() -> str:
    if sys.stdin is None:  # Python has none where it was started with a closed one (`<&-`)
        raise OSError(errno.EBADF, "it is closed")
    return sys.stdin.read()


def main(
    environ: MutableMapping[str, str],
    *,
    out: TextIO | None = None,
    argv: Sequence[str] = (),
    world: World | None = None,
) -> int:
    """Run once and return the exit code. Flags in ``argv`` go before inputs in ``environ``, which loses its secrets."""
    out, world = out or sys.stdout or io.StringIO(), world or World()
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="backslashreplace")  # a terminal's encoding must not end the run
    if command_line.asks_for_help(argv):
        Outlet(out).line(command_line.help_text())
        return 0
    if command_line.asks_for_version(argv):
        Outlet(out).line(f"dify-upgrade-action {__version__}")
        return 0
    return _Run(environ, out, world).go(argv)


class _Run:
    """One run: what was given so far is kept, so that every way out can be reported."""

    def __init__(self, environ: MutableMapping[str, str], out: TextIO, world: World) -> None:
        self._environ = environ
        self._world = world
        self._runner = Runner(dict(environ), out, monotonic=world.monotonic)
        self._journal = Journal(self._runner, world.monotonic)
        self._began = world.monotonic()
        self._given: dict[str, str] = {}
        self._watch = Watch()
        self._place = ""  # which machine it is about
        self._kept = ""  # where somebody at a desk wants the summary

    def go(self, argv: Sequence[str]) -> int:
        with self._watch.watching():
            told = self._outcome(argv)
            self._watch.ignore()
            publish(told, self._runner, Language.of(self._given.get("language") or "en"), kept=self._kept)
        return told.exit_code

    def _outcome(self, argv: Sequence[str]) -> Told:
        try:
            ending = self._ending(self._asked(argv))
        except ActionError as why:
            return self._told(why.status, why.exit_code, error=why)
        except Cancelled as why:
            return self._cancelled(why)
        except Exception as why:  # noqa: BLE001 - whatever broke, the run ends in a defined state
            return self._broken(why)
        return self._told(ending.status, EXIT_CODES[ending.status], ending=ending)

    def _asked(self, argv: Sequence[str]) -> Inputs:
        self._given = inputs.from_environ(self._environ)
        wrong = (*inputs.clashes(self._environ), *inputs.came_out_empty(self._environ))
        for variable in inputs.secret_variables():
            self._environ.pop(variable, None)
        self._mask()
        flags = command_line.read(argv, contents=self._contents)
        self._given |= flags.given
        self._kept = flags.summary
        self._mask()
        inside = inputs.inside_the_container(self._environ, flags.given)
        asked = inputs.read(self._given, (*wrong, *inside, *flags.complaints))
        for text in input_checks.unused(asked, self._environ):
            self._runner.warning(text, title="An input of another target")
        return asked

    def _mask(self) -> None:
        for secret in inputs.secrets_in(self._given):
            self._runner.mask(secret)

    def _contents(self, path: str) -> str:
        return self._world.stdin() if path == "-" else Path(path).read_text("utf-8")

    def _ending(self, asked: Inputs) -> Ending:
        self._place = place(asked)
        self._runner.say(opening(asked))
        surroundings = Surroundings(
            environ={name: text for name, text in self._environ.items() if not name.startswith("INPUT_")},
            runner=self._runner,
            now=self._world.now,
            pause=self._runner.events.pausing(self._world.pause),
            monotonic=self._world.monotonic,
            hold_signals=self._watch.hold,
        )
        alone = {"matrix": registry.matrix, "sweep": registry.sweep}.get(asked.mode)
        if alone is not None:
            with self._journal.stage(asked.mode):
                outcome = alone()(asked, surroundings)
            return Ending(outcome.status, outcome=outcome)
        target = registry.builder(asked.target, self._world.builders)(asked, surroundings)
        return story.tell(target, mode=asked.mode, approved=asked.plan_id, say=self._journal)

    def _told(
        self,
        status: str,
        exit_code: int,
        *,
        ending: Ending | None = None,
        error: ActionError | None = None,
        left: Mapping[str, str] | None = None,
    ) -> Told:
        return Told(
            status=status,
            exit_code=exit_code,
            mode=self._given.get("mode") or "apply",
            target=self._given.get("target", ""),
            ended=self._world.now(),
            seconds=self._world.monotonic() - self._began,
            timezone=self._timezone(status),
            place=self._place,
            stages=self._journal.stages,
            plan=self._journal.plan,
            outcome=ending.outcome if ending else None,
            error=error,
            left=left or (error.left if error else {}),
            noted=self._runner.noted,
            page=manual.page(self._environ),
        )

    def _timezone(self, status: str) -> str:
        # When the inputs are invalid, the time zone may be what is wrong with them.
        return "UTC" if status == "invalid" else self._given.get("timezone") or "UTC"

    def _cancelled(self, why: Cancelled) -> Told:
        from difyaction import breakage  # noqa: PLC0415 - runs that end well do not pay for it

        error = breakage.as_cancelled(why, stages=[stage.name for stage in self._journal.stages])
        return self._told("cancelled", why.exit_code, error=error, left=why.left)

    def _broken(self, why: Exception) -> Told:
        from difyaction import breakage  # noqa: PLC0415 - runs that end well do not pay for it

        if self._runner.debugging:
            self._runner.foreign("\n".join(breakage.trace(why)))
        error = breakage.as_error(why, stages=[stage.name for stage in self._journal.stages])
        return self._told(Failed.status, Failed.exit_code, error=error)
