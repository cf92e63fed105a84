"""Literal and folded block scalars: where their lines stand, and what they read as."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_BREAK = r"(?:\r\n?|\n)"
_HEADER = re.compile(
    rf"[|>](?:(?P<chomp>[+-])?(?P<indent>[1-9])?|(?P<indent2>[1-9])(?P<chomp2>[+-]))"
    rf"(?:[ \t]+(?:#[^\r\n\0]*)?)?(?:{_BREAK}|(?=\0))"
)
_LEADING = re.compile(rf"((?: *{_BREAK})*)( *)")
_LINE = re.compile(rf"([^\r\n\0]*)({_BREAK}|(?=\0))")
_DOCUMENT_MARK = re.compile(r"(?:---|\.\.\.)(?=[ \t\r\n\0])")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of content without its indentation: ``start`` is where its first character stands."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Block:
    """A block scalar. ``lines`` are its lines, blank ones as ''; ``end`` is behind the last of them."""

    value: str
    lines: tuple[Line, ...]
    end: int


def read(text: str, start: int, parent: int) -> Block | None:
    """Read the block scalar whose | or > stands at ``start``, below a node indented by ``parent`` (-1: none).

    ``text`` ends with a NUL. Returns None where the header is not one.
    """
    header = _HEADER.match(text, start)
    if header is None:
        return None
    explicit = header["indent"] or header["indent2"]
    indent = max(parent, 0) + int(explicit) if explicit else _indent(text, header.end(), parent)
    if indent is None:
        return None
    lines, end, broken = _lines(text, header.end(), indent)
    content = tuple(lines)
    while content and not content[-1].text:
        content = content[:-1]
    body = "\n".join(line.text for line in content) if text[start] == "|" else _folded(content)
    trailing = len(lines) - len(content)
    tail = _tail(header["chomp"] or header["chomp2"] or "", bool(content), trailing, broken=broken)
    return Block(body + tail, tuple(lines), end)


def _indent(text: str, at: int, parent: int) -> int | None:
    """Find the indentation of the first line that is not blank; None when a blank line before it is deeper."""
    leading = _LEADING.match(text, at)
    if leading is None:  # pragma: no cover - the pattern matches nothing too
        return None
    indent = max(parent + 1, len(leading[2]))
    deepest = max((len(line) for line in re.split(_BREAK, leading[1])), default=0)
    return None if deepest > indent and text[leading.end()] != "\0" else indent


def _lines(text: str, at: int, indent: int) -> tuple[list[Line], int, bool]:
    """Return the lines, the place behind them, and whether the last of them ends with a line break."""
    lines: list[Line] = []
    margin = " " * indent
    broken = False
    while match := _LINE.match(text, at):
        line = match[1]
        if line.startswith(margin) and (indent or not _DOCUMENT_MARK.match(text, at)) and (line or match[2]):
            lines.append(Line(line[indent:], at + indent))
        elif match[2] and not line.strip(" "):
            lines.append(Line("", at + len(line)))
        else:
            break
        broken, at = bool(match[2]), match.end()
        if not match[2]:
            break
    return lines, at, broken


def _folded(lines: Sequence[Line]) -> str:
    """Fold: a break between two lines that both start with text reads as a blank, or as the blank lines between."""
    parts: list[str] = []
    pending = 0  # line breaks since the last line with text
    previous = ""
    for line in lines:
        if line.text:
            flowing = bool(previous) and not previous.startswith((" ", "\t")) and not line.text.startswith((" ", "\t"))
            if flowing:
                parts.append("\n" * (pending - 1) or " ")
            else:
                parts.append("\n" * pending)
            parts.append(line.text)
            previous, pending = line.text, 0
        pending += 1
    return "".join(parts)


def _tail(chomp: str, has_content: bool, trailing: int, *, broken: bool) -> str:  # noqa: FBT001 - read with its neighbours
    """Return the line breaks that the chomping indicator leaves at the end."""
    if chomp == "-" or (chomp != "+" and not has_content):
        return ""
    final = 1 if has_content and (trailing or broken) else 0
    if chomp == "+":
        return "\n" * (trailing + final - (0 if broken or not trailing else 1))
    return "\n" * final
