"""One tree of errors: each kind has a status and an exit code, each error an id and a next step."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

NOTHING_TOUCHED = "Nothing was changed."


def tells_place(text: str, file: str, line: int) -> bool:
    """Whether a text names the file and the line by itself, so that nobody has to put them before it."""
    return not file or (file in text and (not line or re.search(rf"(line |:){line}\b", text) is not None))


def placed(text: str, file: str, line: int) -> str:
    """Put the place in front of a text, unless it names it by itself."""
    if tells_place(text, file, line):
        return text
    return f"{file}:{line}: {text}" if line else f"{file}: {text}"


@dataclass(frozen=True)
class Complaint:
    """One thing that is wrong with what we were given: which input or file, where, and why.

    ``instead``: an input that would do in place of a missing one; where it is wrong, that alone is said.
    """

    id: str
    text: str
    input: str = ""
    file: str = ""
    line: int = 0
    suggestion: str = ""
    instead: str = ""


class ActionError(Exception):
    """Something ended the run. ``str()`` is the whole English explanation on one line.

    ``what``, ``state`` and ``next_step`` are templates for ``str.format`` over ``facts``, so that
    the report can render them in another language. ``id`` is an anchor of docs/troubleshooting.md.
    ``left`` holds the outputs of what was made before it broke, such as the pull request's number.
    """

    status: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 4

    def __init__(  # noqa: PLR0913 - one call says the whole story of the failure
        self,
        id: str,  # noqa: A002 - the field's own word
        what: str,
        *,
        next_step: str,
        state: str = NOTHING_TOUCHED,
        file: str = "",
        line: int = 0,
        **facts: object,
    ) -> None:
        super().__init__(id)
        self.id = id
        self.what = what
        self.state = state
        self.next_step = next_step
        self.file = file
        self.line = line
        self.facts = {"file": file, "line": line, **facts}
        self.left: dict[str, str] = {}

    def __str__(self) -> str:
        texts = (self.what, self.state, self.next_step)
        return " ".join(text.format(**self.facts) for text in texts if text)


class Invalid(ActionError):
    """Inputs, or a file that they name, are wrong. All complaints at once; nothing was contacted."""

    status = "invalid"
    exit_code = 2

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        if not complaints:
            msg = "Invalid needs at least one complaint"
            raise ValueError(msg)
        self.complaints = tuple(complaints)
        first = self.complaints[0]
        super().__init__(
            first.id,
            "{texts}",
            next_step="Correct what is named and run again.",
            file=first.file,
            line=first.line,
            texts="; ".join(complaint.text for complaint in self.complaints),
        )


class Refused(ActionError):
    """An objection, or a plan that is not the approved one. Nothing was touched."""

    status = "refused"
    exit_code = 3


class Failed(ActionError):
    """It failed before anything was touched."""


class RolledBack(ActionError):
    """It failed after something was touched; the old release serves again, proved."""

    status = "rolled-back"
    exit_code = 5


class Stranded(ActionError):
    """Rolling back failed too: a person has to look, with the way out in hand."""

    status = "stranded"
    exit_code = 6


class Degraded(ActionError):
    """The new release serves users, but a later check fails; nothing was restored behind their backs."""

    status = "degraded"
    exit_code = 7


class Running(ActionError):
    """Our time is up, and the host goes on alone; the next run looks how it ended."""

    status = "running"
    exit_code = 8
