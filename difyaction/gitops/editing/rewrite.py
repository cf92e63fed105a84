"""The new text of one scalar: in its own quoting and place, unless the value would not be a string there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from difyaction.gitops.editing.leaves import Scalar
from difyaction.gitops.editing.written import STR, Kind, fits_plain, quoted, reads_as_text

_LINE = re.compile(r"[^\r\n]+")


class Replacement(NamedTuple):
    """Put ``text`` in place of the characters from ``start`` to ``end``."""

    start: int
    end: int
    text: str


class CannotStandError(Exception):
    """The value cannot be written at this place in the way that the place is written."""


def dominant_quote(scalars: Iterable[Scalar]) -> str:
    """Return the quote that a file's values use more often; double quotes when there are none."""
    styles = [scalar.style for scalar in scalars if scalar.alias_of is None]
    return "'" if styles.count("single") > styles.count("double") else '"'


def replacement(content: str, scalar: Scalar, value: str, quote: str, kind: Kind = "text") -> Replacement:
    """Write ``value`` in place of a scalar; ``quote`` where it needs quotes and has none. Raises `CannotStandError`.

    A number or a boolean (``kind``) stands without quotes.
    """
    if kind != "text":
        return Replacement(scalar.start, scalar.end, value)
    if scalar.style in {"literal", "folded"}:
        return _in_block(content, scalar, value)
    if scalar.style in {"single", "double"}:
        own = "'" if scalar.style == "single" else '"'
        return Replacement(scalar.start, scalar.end, quoted(value, own))
    plain = fits_plain(value, flow=scalar.flow) and (reads_as_text(value) or scalar.tag == STR)
    text = value if plain else quoted(value, quote)
    return (
        _into_nothing(content, scalar, text) if scalar.style == "empty" else Replacement(scalar.start, scalar.end, text)
    )


def _in_block(content: str, scalar: Scalar, value: str) -> Replacement:
    """Replace the one line of a block scalar; its header, indentation and line breaks stay."""
    lines = [line for line in _LINE.finditer(content, scalar.start, scalar.end) if line[0].strip()][1:]
    if len(lines) != 1 or not scalar.text or not lines[0][0].endswith(scalar.text):
        msg = "a block scalar of more or less than one line is not a value that can be replaced"
        raise CannotStandError(msg)
    if not value.strip():
        msg = "a block scalar cannot hold an empty value"
        raise CannotStandError(msg)
    return Replacement(lines[0].end() - len(scalar.text), lines[0].end(), value)


def _into_nothing(content: str, scalar: Scalar, text: str) -> Replacement:
    """Put a value behind a key that has none: ``tag:``."""
    at = scalar.start
    rest = _LINE.match(content, at)
    if rest and rest[0].isspace():
        return Replacement(at + 1, at + 1, text)  # the blank is there already
    written = scalar.anchor or scalar.tag or content[at - 1 : at] in {":", "-", "?"}
    return Replacement(at, at, f" {text}" if written else f": {text}")
