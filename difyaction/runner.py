"""The runner's protocol: workflow commands, masks, groups, and what is handed on. Off the runner, plain text."""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from difyaction.errors import placed
from difyaction.events import Events
from difyaction.outlet import Outlet
from difyaction.redaction import SHORTEST, Redaction
from difyaction.runner_files import RunnerFiles, shortened
from difyaction.secret import Secret

ANNOTATIONS_OF_A_KIND = 10  # the runner drops what comes after, silently
ANNOTATION_CHARACTERS = 4096
SHORT_OUTPUT = 200
FOREIGN_LINES = 2000
FOREIGN_COLUMNS = 2000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_LOOKS_LIKE_A_COMMAND = re.compile(r"\W*::")


def escape_data(text: str) -> str:
    """Write a command's text so that the runner reads it back whole."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """Write a command's property likewise; colons and commas would end it."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")


class Runner:
    """What is printed, and what is handed to later steps. Every masked text leaves as ``***``."""

    def __init__(
        self,
        environ: Mapping[str, str],
        out: TextIO,
        *,
        monotonic: Callable[[], float],
        random_word: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self.is_github = environ.get("GITHUB_ACTIONS") == "true"
        self.debugging = environ.get("RUNNER_DEBUG") == "1"
        self._print = Outlet(out).line
        self._monotonic = monotonic
        self._random_word = random_word
        self._files = RunnerFiles(environ, random_word)
        self._masked = Redaction()
        self._told: set[str] = set()  # as the runner was told: whole
        self._annotated: Counter[str] = Counter()
        self._in_group = False
        self._folded = False
        self.noted: dict[str, str] = {}
        self.events = Events(self.debug if self.debugging else None, monotonic=monotonic, redact=self.redact)

    def mask(self, secret: Secret) -> None:
        """Black out a secret, and each of its lines, from here on; the runner does the same."""
        text = secret.reveal().strip()
        self._masked.add(text)
        if len(text) >= SHORTEST and self.is_github and text not in self._told:
            self._told.add(text)
            self._print(f"::add-mask::{escape_data(text)}")

    def redact(self, text: str) -> str:
        """Return the text without what was masked: for places that the runner does not watch."""
        return self._masked.of(text)

    def say(self, text: str) -> None:
        """Print one or more lines of the log. No line can be a command, whatever it quotes."""
        for line in self.redact(text).splitlines() or [""]:
            quoted = f"| {line}" if _LOOKS_LIKE_A_COMMAND.match(line) else line
            self._print(_without_commands(quoted))

    def debug(self, text: str) -> None:
        """Print a line that is only seen when the run is debugged."""
        if self.debugging and self.is_github:
            self._command("debug", text)
        elif self.debugging:
            self.say(text)

    def foreign(self, text: str, *, lines: int = FOREIGN_LINES, columns: int = FOREIGN_COLUMNS) -> None:
        """Print a text that somebody else wrote, at most so much of it, with all commands stopped."""
        word = self._random_word()
        written = self.redact(text).splitlines()
        if self.is_github:
            self._print(f"::stop-commands::{word}")
        try:
            for line in written[:lines]:
                self._print(_cut(_without_commands(line), columns))
            if len(written) > lines:
                self._print(f"... and {len(written) - lines} lines more")
        finally:
            if self.is_github:
                self._print(f"::{word}::")

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """Fold what is printed inside, and say afterwards how long it took.

        GitHub knows no group in a group: one inside takes the outer one's place, and says no time of its own.
        """
        outermost, began = not self._in_group, self._monotonic()
        self._in_group = True
        if self.is_github:
            self._unfold()
            self._command("group", title)
            self._folded = True
        else:
            self.say(f"== {title}" if outermost else f"-- {title}")
        try:
            yield
        finally:
            self._unfold()
            if outermost:
                self._in_group = False
                self.say(f"{title}: {self._monotonic() - began:.1f} s")

    def _unfold(self) -> None:
        if self._folded:
            self._folded = False
            self._print("::endgroup::")

    def error(self, text: str, *, title: str = "", file: str = "", line: int = 0) -> None:
        """Annotate the run with an error; beyond ten of a kind, a line of the log."""
        self.annotate("error", text, title=title, file=file, line=line)

    def warning(self, text: str, *, title: str = "", file: str = "", line: int = 0) -> None:
        """Annotate the run with a warning, likewise."""
        self.annotate("warning", text, title=title, file=file, line=line)

    def note(self, values: Mapping[str, str]) -> None:
        """Note outputs that stand however the run ends, and that are no change: how long doors were open."""
        self.noted |= values

    def output(self, values: Mapping[str, str]) -> None:
        """Hand outputs to later steps, in one write; off the runner, and where that fails, print the short ones.

        :raises Failed: ``runner-file-unwritable``.
        """
        handed = False
        try:
            handed = self._files.hand("GITHUB_OUTPUT", {name: self.redact(value) for name, value in values.items()})
        finally:
            for line in () if handed else _short(values):
                self.say(line)

    def state(self, values: Mapping[str, str | Secret]) -> bool:
        """Hand values to the post step, in one write. They arrive as ``STATE_<name>``. Whether there is a way to it.

        The one place where a secret may be written down: the runner keeps this file to itself.

        :raises Failed: ``runner-state-unwritable``.
        """
        texts = {
            name: value.reveal() if isinstance(value, Secret) else self.redact(value) for name, value in values.items()
        }
        return self._files.keep(texts)

    def summary(self, markdown: str) -> None:
        """Write the job summary; off the runner, print it.

        :raises Failed: ``runner-file-unwritable``.
        """
        text = self.redact(markdown)
        if not self._files.summarise(text) and not self.is_github:
            self.say(shortened(text))

    def annotate(self, kind: str, text: str, **properties: str | int) -> None:
        """Annotate the run with a ``notice``, ``warning`` or ``error``; properties are title, file and line."""
        self._annotated[kind] += 1
        if self.is_github and self._annotated[kind] <= ANNOTATIONS_OF_A_KIND:
            self._command(kind, text, **properties)
            return
        named = f" [{properties['title']}]" if properties.get("title") else ""
        self.say(f"{kind}: {placed(text, str(properties.get('file', '')), int(properties.get('line', 0)))}{named}")

    def _command(self, name: str, text: str, **properties: str | int) -> None:
        given = (f"{key}={escape_property(self.redact(str(value)))}" for key, value in properties.items() if value)
        head = f"{name} {','.join(given)}".rstrip()
        self._print(f"::{head}::{escape_data(self.redact(text)[:ANNOTATION_CHARACTERS])}")


def _short(values: Mapping[str, str]) -> Iterator[str]:
    """Yield the outputs that fit on a line."""
    for name, value in values.items():
        if value and len(value) <= SHORT_OUTPUT and "\n" not in value:
            yield f"{name}: {value}"


def _without_commands(line: str) -> str:
    return _CONTROL.sub("", line).replace("##[", "## [")


def _cut(line: str, columns: int) -> str:
    return line if len(line) <= columns else f"{line[:columns]} ... and {len(line) - columns} characters more"
