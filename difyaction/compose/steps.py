"""One step of a runbook: what it does, what undoes it. Values; `runbook.render` makes the script of them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
RESERVED = frozenset({"run", "end"})  # what the journal itself says


@dataclass(frozen=True)
class Step:
    r"""One step. ``do``, ``undo`` and ``live`` are POSIX shell fragments (dash, bash, busybox ash) under ``set -eu``.

    Each runs in a process of its own, so variables do not outlive it; files in ``$RUN`` do. They may use
    ``say``, ``fact``, ``fail``, ``dc``, ``dk``, ``until_deadline``, ``$RUN``, ``$FILES``, ``$BACKUP``.

    ``undo`` is armed before ``do`` starts, so it may meet a step that did nothing yet, half, or all of its work;
    it may also be run twice (a host that dies while undoing). ``undo_timeout`` and ``timeout`` are seconds;
    None waits for ever. ``live`` prints one line about how far ``do`` has come, and is asked now and then.

    ``touches``: whether a failure from here on means that something users rely on was changed
    (``rolled-back``, not ``failed``); unless said, a step that has an undo does.

    ``no_return``: before ``do`` starts, every armed undo is dropped for good. What fails from here on ends
    ``degraded``. The step's own undo is armed after that: it should see to it that the new release serves.
    """

    name: str
    do: str
    undo: str = ""
    timeout: int | None = None
    title: str = ""
    no_return: bool = False
    live: str = ""
    undo_timeout: int | None = None
    touches: bool | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in RESERVED:
            raise ValueError(f"{self.name!r} cannot name a step")
        if not self.do.strip():
            raise ValueError(f"step {self.name} does nothing")
        for seconds in (self.timeout, self.undo_timeout):
            if seconds is not None and seconds < 1:
                raise ValueError(f"step {self.name} has a timeout of {seconds} s")

    @property
    def changes_service(self) -> bool:
        """Whether a failure from here on needs more than tidying up."""
        return bool(self.undo) if self.touches is None else self.touches


def quote(word: str) -> str:
    """Write any text as one word of a fragment. A NUL cannot be written."""
    if "\0" in word:
        raise ValueError("a shell word cannot hold a NUL")
    return shlex.quote(word)


def literal(text: str) -> str:
    """Write any text as a value, quoted whatever it is: ``x='test'`` is a text to every reader, ``x=test`` a slip."""
    return f"'{quote(text)[1:-1]}'" if quote(text).startswith("'") else f"'{text}'"


def words(argv: Sequence[str]) -> str:
    """Write a command with its arguments."""
    return " ".join(quote(word) for word in argv)
