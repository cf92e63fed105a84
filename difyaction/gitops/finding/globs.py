"""Globs over paths of the repository: `**` crosses directories, `*` does not, `!` takes away.

Globs that only take away name no file: everything else is looked at, as it is without globs.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

_PART = re.compile(r"\*\*/|\*\*|\*|\?|\[!?[^\]]+\]|\{[^{}]*\}|.", re.DOTALL)
_WILD = frozenset("*?[{")


def matches(path: str, globs: Sequence[str]) -> bool:
    """Whether a path is wanted: by one of the globs, and taken away by none."""
    wanted = any(_pattern(glob).fullmatch(path) for glob in globs if not glob.startswith("!"))
    return wanted and not any(_pattern(glob[1:]).fullmatch(path) for glob in globs if glob.startswith("!"))


def names_any(globs: Sequence[str]) -> bool:
    """Whether a glob wants something, so that files are named; else they are found, or none is limited to."""
    return any(not glob.startswith("!") for glob in globs)


def admits(path: str, globs: Sequence[str]) -> bool:
    """Whether a run that is limited by these globs may look for places in a file. Without globs, in every file."""
    return matches(path, globs if names_any(globs) else ("**", *globs))


def unmatched(paths: Sequence[str], globs: Sequence[str]) -> tuple[str, ...]:
    """Return the globs that want something and find nothing."""
    return tuple(
        glob for glob in globs if not glob.startswith("!") and not any(_pattern(glob).fullmatch(path) for path in paths)
    )


def idle(paths: Sequence[str], globs: Sequence[str]) -> tuple[str, ...]:
    """Return the globs that are to take something away and find nothing."""
    away = (glob for glob in globs if glob.startswith("!"))
    return tuple(glob for glob in away if not any(_pattern(glob[1:]).fullmatch(path) for path in paths))


def names_exactly(path: str, globs: Sequence[str]) -> bool:
    """Whether one of the globs is this very path."""
    return any(_plain(glob) == path and not _WILD & set(glob) for glob in globs)


@functools.cache
def _pattern(glob: str) -> re.Pattern[str]:
    plain = _plain(glob)
    return re.compile("".join(_translate(part) for part in _PART.findall(plain + "**" * plain.endswith("/"))))


def _plain(glob: str) -> str:
    return glob.strip().removeprefix("./").lstrip("/")


def _translate(part: str) -> str:
    fixed = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if part in fixed:
        return fixed[part]
    if part[0] == "[" and len(part) > 1:
        return "[" + part[1:].replace("!", "^", 1) if part[1] == "!" else part
    if part[0] == "{" and len(part) > 1:
        return "(?:" + "|".join(_inner(choice) for choice in part[1:-1].split(",")) + ")"
    return re.escape(part)


def _inner(choice: str) -> str:
    return "".join(_translate(part) for part in _PART.findall(choice))
