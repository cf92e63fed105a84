"""The lines that a merge writes below an env file, under headings that say where they come from."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from difyaction.compose.env_file import EnvFile

_RULER = "# " + "-" * 66
_WIDTH = 100


def heading(title: str, reason: str = "") -> list[str]:
    """Return a boxed comment: a title, and why."""
    why = textwrap.wrap(reason, _WIDTH, break_long_words=False)
    return ["", _RULER, f"# {title}", *(f"# {line}" for line in why), _RULER]


def documented(keys: Sequence[str], example: EnvFile) -> list[str]:
    """Return assignments as upstream's example has them, each below upstream's own comment."""
    lines: list[str] = []
    for key in keys:
        comment = example.comment(key)
        lines += [*([""] if comment and lines else []), *comment, example.assignment(key)]
    return lines


def below(text: str, lines: Sequence[str], newline: str) -> str:
    """Return a text with lines added at its end, in its own kind of line."""
    if not lines:
        return text
    gap = newline if text and not text.endswith("\n") else ""
    first = 0 if text else next(place for place, line in enumerate(lines) if line)  # no blank line opens a file
    return text + gap + "".join(f"{line}{newline}" for line in lines[first:])
