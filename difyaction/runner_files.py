"""The files by which the runner takes what a step hands on: outputs, state, the job summary."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from difyaction.errors import Failed

SUMMARY_BYTES = 900 * 1024  # the runner refuses a summary above 1 MiB whole
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class RunnerFiles:
    """The files that ``environ`` names. ``random_word`` makes delimiters that no value holds."""

    environ: Mapping[str, str]
    random_word: Callable[[], str]

    def hand(self, variable: str, values: Mapping[str, str]) -> bool:
        """Append values to the file that a variable names, in one write. Whether it names one.

        :raises ValueError: when a name is none, or a value holds its delimiter.
        :raises Failed: ``runner-file-unwritable``.
        """
        path = self.environ.get(variable)
        entries = [self._entry(name, value) for name, value in values.items()]
        if path and entries:
            _kept(variable, path, "".join(entries))
        return bool(path)

    def keep(self, values: Mapping[str, str]) -> bool:
        """Append values to the state of the post step. Whether there is a way to it.

        :raises Failed: ``runner-state-unwritable``.
        """
        try:
            return self.hand("GITHUB_STATE", values)
        except Failed as why:
            raise Failed(
                "runner-state-unwritable",
                "What the post step has to know cannot be written down (GITHUB_STATE: {says}).",
                next_step="Look at the runner's disk, and at what other steps of the job do to that file; run again.",
                state="",
                says=why.facts["says"],
            ) from None

    def summarise(self, markdown: str) -> bool:
        """Append to the job summary, at most what the runner takes. Whether there is one.

        :raises Failed: ``runner-file-unwritable``.
        """
        path = self.environ.get("GITHUB_STEP_SUMMARY")
        if path:
            _kept("GITHUB_STEP_SUMMARY", path, shortened(markdown))
        return bool(path)

    def _entry(self, name: str, value: str) -> str:
        delimiter = f"ghadelimiter_{self.random_word()}"
        if not _NAME.fullmatch(name) or delimiter in value:
            raise ValueError(f"{name!r} cannot be handed to the runner")
        return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def shortened(markdown: str) -> str:
    """Return a summary that the runner does not refuse, cut at a line's end."""
    encoded = markdown.encode("utf-8", "replace")
    if len(encoded) <= SUMMARY_BYTES:
        return markdown
    kept = encoded[:SUMMARY_BYTES].decode("utf-8", "ignore").rpartition("\n")[0]
    return f"{kept}\n\n*The summary was cut at {SUMMARY_BYTES // 1024} KiB.*\n"


def _kept(variable: str, path: str, text: str) -> None:
    try:
        _append(Path(path), text.encode("utf-8", "replace"))
    except OSError as why:
        raise Failed(
            "runner-file-unwritable",
            "A file by which the runner is told how this run ended cannot be written ({variable}: {says}).",
            next_step="The log has the ending. Look at the runner's disk, and at what other steps do to that file.",
            state="",
            variable=variable,
            says=why.strerror or type(why).__name__,
        ) from None


def _append(path: Path, text: bytes) -> None:
    """Append a text whole or not at all: half an entry would end the job with an error of the runner's own."""
    with path.open("ab", buffering=0) as file:
        before, rest = os.fstat(file.fileno()).st_size, text
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except OSError:
            with suppress(OSError):
                file.truncate(before)
            raise
