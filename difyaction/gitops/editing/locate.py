"""The one scalar that an address means, or the reason why there is none."""

from __future__ import annotations

import difflib

from difyaction.gitops.editing.address import INLINE, Address, Path, format_path
from difyaction.gitops.editing.yamltext import Scalar, Text, refuse


def find(text: Text, address: Address) -> Scalar:
    """Return the scalar at an address.

    Raises `errors.Invalid` with file, line and reason: path-missing, path-ambiguous (several documents have it),
    path-not-scalar, path-duplicate-key, path-opaque (the YAML inside a block scalar cannot be read).
    """
    path, document = address.path, address.document
    if document is not None and document >= text.documents:
        why = f"there is no document [{document}]; the file has {text.documents}"
        refuse("path-missing", why, file=text.file, line=1)
    if line := text.second_key(path, document):
        why = f"a key of {format_path(path)} stands twice; readers differ on which one counts"
        refuse("path-duplicate-key", why, file=text.file, line=line)
    found = text.having(path, document)
    if len(found) == 1:
        return found[0]
    if found:
        ways = ", ".join(format_path(path, scalar.document) for scalar in found)
        why = f"more than one document has {format_path(path)}; say which: {ways}"
        refuse("path-ambiguous", why, file=text.file, line=found[1].line)
    _refuse_missing(text, path, document)
    raise AssertionError  # pragma: no cover - the line above raises


def _refuse_missing(text: Text, path: Path, document: int | None) -> None:
    for (number, place), (kind, line) in text.collections.items():
        if document in {None, number} and _same(place, path):
            refuse("path-not-scalar", f"{format_path(path)} is a {kind}, not a value", file=text.file, line=line)
    for (number, place), (reason, line) in text.opaque.items():
        if document in {None, number} and _same((*place, INLINE), path[: len(place) + 1]):
            why = f"the text inside {format_path(place)} cannot be read as YAML: {reason}"
            refuse("path-opaque", why, file=text.file, line=line)
    beside, line = _nearest(text, path, document)
    close = difflib.get_close_matches(format_path(path), beside, n=3) or beside[:3]
    hint = f"; near it: {', '.join(close)}" if close else ""
    refuse("path-missing", f"there is no {format_path(path)}{hint}", file=text.file, line=line)


def _nearest(text: Text, path: Path, document: int | None) -> tuple[list[str], int]:
    """Return the values below the longest part of the path that exists, and the line where they begin."""
    inside = [scalar for scalar in text.scalars if document in {None, scalar.document}]
    for length in range(len(path) - 1, -1, -1):
        below = [scalar for scalar in inside if _same(scalar.path[:length], path[:length])]
        if below:
            return [format_path(scalar.path) for scalar in below], below[0].line if length else 1
    return [], 1


def _same(one: Path, other: Path) -> bool:
    return len(one) == len(other) and all(str(a) == str(b) for a, b in zip(one, other, strict=True))
