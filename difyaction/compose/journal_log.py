"""A run's journal, told to whoever reads the log: a heading for each step, with its time."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace

from difyaction.compose.run_journal import JournalRow
from difyaction.runner import Runner


class JournalLog:
    """Prints rows as they come. ``rows`` keeps them; `close` ends an open heading.

    Facts are for the report; whatever of them people care for, a step says in a sentence. Times are the host's own.
    """

    def __init__(self, runner: Runner) -> None:
        self.rows: list[JournalRow] = []
        self._runner = runner
        self._began: dict[str, JournalRow] = {}
        self._open: AbstractContextManager[None] | None = None

    def tell(self, row: JournalRow) -> None:
        """Print one row."""
        self.rows.append(row)
        self._runner.events.tell("step", step=row.step, state=row.state, when=row.when, exit_code=row.exit_code)
        if row.is_final:
            self._end(row)
            return
        match row.state:
            case "began" | "undoing":
                self._begin(row)
            case "done" | "undone" | "failed" | "undo-failed":
                self._tell_end_of_step(row)
            case "live":
                self._runner.say(f"... {row.text}, {self._seconds(row)} s so far")
            case "reason":
                word, _, text = row.text.partition(" ")
                self._runner.foreign(f"{word}: {text}" if text else word)
            case "fact":
                pass
            case _:
                self._runner.foreign(row.text)

    def close(self) -> None:
        """End the heading that is open."""
        if self._open is not None:
            self._open.__exit__(None, None, None)
            self._open = None

    def _begin(self, row: JournalRow) -> None:
        self.close()
        self._began[row.step] = row
        if row.step == "run":
            self._runner.foreign(row.text)
            return
        self._open = self._runner.group(self._title(row))
        self._open.__enter__()

    def _tell_end_of_step(self, row: JournalRow) -> None:
        """Say it where it is seen without unfolding the step; why one failed, likewise."""
        self.close()
        code = f", exit code {row.exit_code}" if row.state in {"failed", "undo-failed"} else ""
        self._runner.say(f"{self._title(row)}: {row.state.replace('-', ' ')} after {self._seconds(row)} s{code}")
        if row.text:
            self._runner.foreign(row.text, lines=60)

    def _end(self, row: JournalRow) -> None:
        self.close()
        self._runner.say(f"The run on the host is over after {self._seconds(replace(row, step='run'))} s: {row.state}")
        if row.text:
            self._runner.foreign(row.text)

    def _title(self, row: JournalRow) -> str:
        began = self._began.get(row.step, row)
        title = began.text if began.text and began.state in {"began", "undoing"} else row.step
        return f"Undo: {title}" if began.state == "undoing" else title

    def _seconds(self, row: JournalRow) -> int:
        return max(0, row.when - self._began.get(row.step, row).when)
