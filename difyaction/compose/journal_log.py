"""A run's journal, told to whoever reads the log: a heading for each step, with its time."""

from __future__ import annotations

from contextlib import AbstractContextManager

from difyaction.compose.run_journal import JournalRow
from difyaction.runner import Runner


class JournalLog:
    """Prints rows as they come. ``rows`` keeps them; `close` ends an open heading."""

    def __init__(self, runner: Runner) -> None:
        self.rows: list[JournalRow] = []
        self._runner = runner
        self._began: dict[str, int] = {}
        self._open: AbstractContextManager[None] | None = None

    def tell(self, row: JournalRow) -> None:
        """Print one row."""
        self.rows.append(row)
        self._runner.events.tell("step", step=row.step, state=row.state, when=row.when, exit_code=row.exit_code)
        match row.state:
            case "began" | "undoing":
                self._began[row.step] = row.when
                title = row.text or row.step
                self._group(f"Undo: {title}" if row.state == "undoing" else title)
            case "done" | "undone":
                self._runner.say(f"{row.step}: {row.state} after {row.when - self._began.get(row.step, row.when)} s")
            case "failed" | "undo-failed":
                self._runner.say(f"{row.step}: {row.state}, exit code {row.exit_code}")
                self._runner.foreign(row.text, lines=60)
            case "live":
                self._runner.say(f"... {row.text}")
            case _:
                self._runner.foreign(f"{row.step}: {row.text}" if row.is_final else row.text)

    def close(self) -> None:
        """End the heading that is open."""
        if self._open is not None:
            self._open.__exit__(None, None, None)
            self._open = None

    def _group(self, title: str) -> None:
        self.close()
        self._open = self._runner.group(title)
        self._open.__enter__()
