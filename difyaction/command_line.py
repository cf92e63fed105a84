"""The same inputs as flags, for trying things at one's desk."""

from __future__ import annotations

import re
import textwrap
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from difyaction.errors import Complaint
from difyaction.input_kinds import did_you_mean, nearest
from difyaction.input_table import Spec, by_subject, table

_SUMMARY = "--summary"
_HELP = (
    "A run ends in a short text, in the language that --language names: what changed, what was proved, what to do "
    "next. Everything else is the log, in English."
)
_INDENT = " " * 6
_SHOWABLE = re.compile(r"(--)?[a-z][a-z-]{0,39}")  # what is no word of a flag's may be a secret that lost its flag
_OF_SEVERAL = frozenset({"list", "lines", "pairs", "credentials"})


def asks_for_help(argv: Sequence[str]) -> bool:
    """Whether somebody wants to read `help_text`."""
    return any(word in {"--help", "-h"} for word in argv)


def asks_for_version(argv: Sequence[str]) -> bool:
    """Whether somebody wants to know which version of the Action this is."""
    return "--version" in argv


def help_text() -> str:
    """Return what ``--help`` prints, made from the table of inputs."""
    lines = ["usage: python -m difyaction --NAME VALUE ...", "       python -m difyaction --version", ""]
    lines += [*textwrap.wrap(_HELP, width=96), "", "Here alone:", "", f"  {_SUMMARY} FILE"]
    lines += [f"{_INDENT}Write the whole summary to that file, as Markdown. What stood there is gone.", ""]
    for title, specs in by_subject().items():
        lines += [f"{title.replace('`', '')}:", ""]
        for spec in specs:
            lines += _help(spec)
        lines.append("")
    return "\n".join(lines).rstrip()


def _help(spec: Spec) -> Iterator[str]:
    yield f"  --{spec.name}" + (f" (default {spec.default})" if spec.default else "")
    told = spec.full_description
    if spec.is_secret:
        variable = f"INPUT_{spec.name.upper().replace('-', '_')}"
        told += f" Never a flag's text: @FILE, @- for standard input, or the variable {variable}."
    yield from textwrap.wrap(told, width=96, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False)


@dataclass(frozen=True)
class Flags:
    """What the flags give, by the inputs' names, and what is wrong with the flags themselves."""

    given: Mapping[str, str]
    complaints: tuple[Complaint, ...]
    summary: str = ""  # path of the file that is to hold the summary


def read(argv: Sequence[str], *, contents: Callable[[str], str]) -> Flags:
    """Read flags as inputs by name; a flag of several values that is given again adds a line.

    ``contents`` returns the text of a file, or of standard input for ``-``; an ``OSError`` is a complaint.
    """
    given: dict[str, str] = {}
    complaints: list[Complaint] = []
    summary = ""
    for flag, text in _flags(argv):
        spec = _spec(flag)
        if flag == _SUMMARY and text:
            summary = text
        elif flag == _SUMMARY:
            complaints.append(_without_value(_SUMMARY))
        elif spec is None:
            complaints.append(_unknown(flag))
        elif isinstance(value := _value(spec, text, contents), Complaint):
            complaints.append(value)
        elif spec.name in given and spec.kind not in _OF_SEVERAL:
            complaints.append(_twice(spec))
        else:
            given[spec.name] = f"{given[spec.name]}\n{value}" if spec.name in given else value
    return Flags(given, tuple(complaints), summary)


def _spec(flag: str) -> Spec | None:
    return table().get(flag.removeprefix("--")) if flag.startswith("--") else None


def _flags(argv: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Pair each flag with its text; None where there is none. A boolean alone means true."""
    words = deque(argv)
    while words:
        flag, equals, text = words.popleft().partition("=")
        spec = _spec(flag)
        following = words[0] if words else "--"
        following_flag = following.partition("=")[0]
        known = following_flag == _SUMMARY or _spec(following_flag) is not None
        if equals:
            yield flag, text
        elif spec is not None and spec.kind == "boolean" and following.startswith("--"):
            yield flag, "true"
        elif spec is not None and spec.is_secret and words and not known:
            yield flag, words.popleft()  # a PEM begins as flags do
        elif following.startswith("--"):
            yield flag, None
        else:
            yield flag, words.popleft() if flag.startswith("--") else None


def _value(spec: Spec, text: str | None, contents: Callable[[str], str]) -> str | Complaint:
    if text is None:
        return _without_value(f"--{spec.name}")
    if not spec.is_secret:
        return text
    if not text.startswith("@"):
        why = f"--{spec.name} is a secret, and other users can read a command line: give @FILE or @-."
        return Complaint(id="secret-on-command-line", text=why, input=spec.name)
    where = "standard input" if text == "@-" else text[1:]
    try:
        if secret := contents(text[1:]).strip():
            return secret
    except (OSError, UnicodeDecodeError) as why:
        return Complaint(id="secret-unreadable", text=f"--{spec.name}: {where} cannot be read: {why}", input=spec.name)
    return Complaint(id="secret-empty", text=f"--{spec.name}: {where} is empty.", input=spec.name)


def _without_value(flag: str) -> Complaint:
    return Complaint(id="flag-without-value", text=f"{flag} needs a value.", input=flag.removeprefix("--"))


def _twice(spec: Spec) -> Complaint:
    return Complaint(id="input-conflict", text=f"--{spec.name} is given twice.", input=spec.name)


def _unknown(flag: str) -> Complaint:
    found = nearest(
        flag.lstrip("-"), (*table(), _SUMMARY.lstrip("-"))
    )  # bare: the hyphens that all flags share would make them alike
    meant = next((name for name in ("mode", "target") if flag in table()[name].values), "")
    near = f"--{meant} {flag}" if meant else f"--{found}" if found else ""
    if _SHOWABLE.fullmatch(flag) is None:
        text = "A word is no flag and no flag's value. It is not shown, for it may be a secret; give secrets as @FILE."
        return Complaint(id="input-unknown", text=text, input="")
    return Complaint(
        id="input-unknown", text=f"There is no flag {flag!r}.{did_you_mean(near)}", input=flag, suggestion=near
    )
