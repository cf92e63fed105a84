"""``$NAME`` and ``${NAME:-word}`` as Compose replaces them, in env files and in compose files."""

from __future__ import annotations

import re
from collections.abc import Callable

Lookup = Callable[[str], str | None]

_NAME = "[_a-z][_a-z0-9]*"
_REFERENCE = re.compile(
    rf"\$(?:(?P<escaped>\$)|(?P<named>{_NAME})|\{{(?:(?P<braced>{_NAME}(?::?[-+?].*)?)\}}|(?P<invalid>)))",
    re.IGNORECASE | re.ASCII,
)
_BRACED = re.compile(rf"(?P<name>{_NAME})(?:(?P<operator>:?[-+?])(?P<word>.*))?", re.IGNORECASE | re.ASCII)


def interpolate(text: str, lookup: Lookup) -> str:
    """Replace every reference in ``text``. A name that ``lookup`` does not know (``None``) reads as empty.

    ``ValueError`` says which reference is malformed, or which required name (``${NAME:?}``) has no value.
    A ``$`` that begins no reference stays, as it does in Compose.
    """
    return _REFERENCE.sub(lambda found: _replaced(found[0], lookup), text)


def names(text: str) -> frozenset[str]:
    """Every name that ``text`` refers to, nested words included."""
    seen: set[str] = set()
    for found in _REFERENCE.finditer(text):
        if found["named"]:
            seen.add(found["named"])
        elif found["braced"]:
            inside = _BRACED.fullmatch(found["braced"])
            seen |= {inside["name"]} | names(inside["word"] or "") if inside else set()
    return frozenset(seen)


def _replaced(reference: str, lookup: Lookup) -> str:
    # The pattern is greedy, so a braced reference may carry what follows it up to the line's last brace.
    end = _closing_brace(reference)
    reference, rest = reference[:end], reference[end:]
    found = _REFERENCE.fullmatch(reference)
    if found is None or found["invalid"] is not None:
        raise ValueError(f"'{reference}' is not a variable that Compose can read; write $$ for a plain dollar sign")
    if found["escaped"]:
        return "$"
    if found["named"]:
        return lookup(found["named"]) or ""
    return _braced(found["braced"], lookup) + interpolate(rest, lookup)


def _braced(inside: str, lookup: Lookup) -> str:
    found = _BRACED.fullmatch(inside)
    if found is None:
        raise ValueError(f"'${{{inside}}}' is not a variable that Compose can read")
    value = lookup(found["name"])
    operator, word = found["operator"] or "", found["word"] or ""
    counts = value is not None and (value != "" or not operator.startswith(":"))
    match operator[-1:]:
        case "-" if not counts:
            return interpolate(word, lookup)
        case "+" if counts:
            return interpolate(word, lookup)
        case "?" if not counts:
            raise ValueError(f"the variable {found['name']} has to have a value: {word}")
        case _:
            return value or ""


def _closing_brace(reference: str) -> int:
    """Return the place after the brace that closes the first one; the end, where nothing is braced."""
    depth = 0
    for place, character in enumerate(reference):
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth == 0:
                return place + 1
    return len(reference)
