"""How a run ended, given to all who ask: annotations, outputs, the summary or a terminal, the last line of the log."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from difyaction import report
from difyaction.errors import Failed
from difyaction.language import Language
from difyaction.report import Told
from difyaction.runner import Runner
from difyaction.summary import summary


def publish(told: Told, runner: Runner, language: Language, *, kept: str = "") -> None:
    """Tell it. ``kept``: where somebody at a desk wants the summary.

    What cannot be written is a warning, and the ending stays what it is.
    """
    failed = {"error": told.error.id} if told.error else {}
    seconds = round(told.seconds, 3)
    runner.events.tell("end", status=told.status, exit_code=told.exit_code, seconds=seconds, **failed)
    if runner.is_github:  # what went wrong comes first: on a full disk the log may be all that is left of it
        for each in report.annotated(told):
            runner.annotate(each.kind, each.text, title=each.title, file=each.file, line=each.line)
    _written(partial(runner.output, report.outputs(told)), runner)
    if not runner.is_github:
        _end_at_a_desk(told, runner, language, kept)
    elif not _written(partial(runner.summary, summary(told, language)), runner):
        from difyaction import desk  # noqa: PLC0415 - runs on GitHub do not pay for it

        runner.say(desk.ending(told, Language.of("en")))
    runner.say(f"{told.status}, exit code {told.exit_code}")


def _written(write: Callable[[], None], runner: Runner) -> bool:
    """Write to a file of the runner's, and say whether that went well."""
    try:
        write()
    except Failed as why:
        runner.warning(str(why), title=why.id)
        return False
    return True


def _end_at_a_desk(told: Told, runner: Runner, language: Language, kept: str) -> None:
    from difyaction import desk  # noqa: PLC0415 - runs on GitHub do not pay for it

    try:
        if kept:
            Path(kept).write_text(runner.redact(summary(told, language)), "utf-8")
    except OSError as why:
        runner.warning(f"The summary cannot be written to {kept}: {why.strerror}.")
        kept = ""
    runner.say(desk.ending(told, language, kept=kept))
