"""One value of an env file: from its own text to what Compose reads, and back."""

from __future__ import annotations

import re

from difyaction.compose.interpolation import Lookup, interpolate

_ESCAPE = re.compile(r'\\(?:[abcfnrtv$"\\]|0[0-9]{0,3})')
_ESCAPED = {
    "\\a": "\a",
    "\\b": "\b",
    "\\f": "\f",
    "\\n": "\n",
    "\\r": "\r",
    "\\t": "\t",
    "\\v": "\v",
    '\\"': '"',
    "\\\\": "\\",
    "\\$": "$$",  # interpolation, which comes next, makes one dollar sign of two
}
_UNSAFE_BARE = re.compile(r"""^['"#]|^\s|\s$|[$\r\n]| \#""")
_LARGEST_BYTE = 0o377


def quote_of(raw: str) -> str:
    """Return the quote that ``raw`` begins with, or nothing."""
    return raw[:1] if raw[:1] in {"'", '"'} else ""


def read_value(raw: str, lookup: Lookup) -> str:
    """Return what Compose makes of a value's own text, quotes included. ``ValueError`` as ``interpolate`` says."""
    quote = quote_of(raw)
    if not quote:
        return interpolate(raw, lookup)
    inside = re.sub(r"\\(.)", lambda pair: quote if pair[1] == quote else pair[0], raw[1:-1], flags=re.DOTALL)
    return inside if quote == "'" else interpolate(_ESCAPE.sub(_unescaped, inside), lookup)


def written(value: str) -> str:
    """Return a text that Compose reads as exactly ``value``: bare where that is safe, else quoted."""
    if not _UNSAFE_BARE.search(value):
        return value
    if "'" not in value and "\\" not in value:
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'


def _unescaped(found: re.Match[str]) -> str:
    escape = found[0]
    if not escape.startswith("\\0"):
        return _ESCAPED.get(escape, escape)
    digits = escape[2:]
    if re.fullmatch("[0-7]{3}", digits) and int(digits, 8) <= _LARGEST_BYTE:
        return chr(int(digits, 8))
    return f"\\{digits}"  # Compose loses the zero of an octal number that it cannot read
