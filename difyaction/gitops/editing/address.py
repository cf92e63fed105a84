"""Where a value stands in a YAML file: a file, a document of it, a path. And the `set` lines that say so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from difyaction import errors

Path = tuple[str | int, ...]

INLINE = "|"
"""The path element that enters YAML text kept inside a literal block scalar (``helm.values: |``)."""

_LINE = re.compile(r'(?P<file>"(?:[^"\\]|\\.)*"|[^#]*)#(?P<rest>.*)', re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_PLAIN = re.compile(r'[^.\[\]"=\s]+')
_ITEM = re.compile(r"\[([0-9]+)\]")
_DOCUMENT = re.compile(r"\[([0-9]+)\](?:\.|$|(?==))")
_NEEDS_NO_QUOTES = re.compile(r'(?![0-9]+\Z)[^.\[\]"=\s]+')
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")
_LARGEST = 9  # digits of an index: more is a mistake, and never a list


@dataclass(frozen=True)
class Address:
    """One value of one file. ``document`` counts from 0; None means the one document that has the path."""

    file: str
    path: Path
    document: int | None

    def __str__(self) -> str:
        return f"{format_file(self.file)}#{format_path(self.path, self.document)}"


def parse_set(line: str, *, number: int) -> tuple[Address, str]:
    """Read ``charts/dify/values.yaml#image.api.tag=1.13.3``, the line ``number`` (from 1) of the input `set`.

    A file whose path holds ``#`` stands in double quotes.
    Raises `errors.Invalid` (set-line, set-file, set-value) naming the line.
    """
    found = _LINE.fullmatch(line.strip())
    if found is None:
        _refuse("set-line", f"{line.strip()!r} lacks the # between file and path", number)
    rest = found["rest"]
    try:
        document, path, at = _read_path(rest)
    except ValueError as why:
        _refuse("set-line", f"{line.strip()!r}: {why}", number)
    if not rest.startswith("=", at):
        _refuse("set-line", f"{line.strip()!r} lacks =VALUE behind the path", number)
    return Address(_checked_file(_file(found["file"]), number), path, document), _checked_value(rest[at + 1 :], number)


def file_of(line: str) -> str:
    """Return the file that a line of `set` names, as far as it can be read; whatever else is wrong with the line."""
    found = _LINE.fullmatch(line.strip())
    return _file(found["file"]) if found else line.strip()


def format_file(file: str) -> str:
    """Write a file's path as `set` reads it: in quotes where it would not be read as what it is."""
    return _quoted(file) if "#" in file or file.startswith('"') else file


def parse_path(text: str) -> tuple[int | None, Path]:
    """Read ``[1].a."b.c".d[0]``: the document, None if not said, and the path. Raises ValueError."""
    document, path, at = _read_path(text)
    if at != len(text):
        msg = f"{text[at:]!r} does not belong into a path"
        raise ValueError(msg)
    return document, path


def format_path(path: Path, document: int | None = None) -> str:
    """Write a path as `set` reads it: ``a[0]."b.c"``, behind ``[n].`` when a document is named."""
    parts = "" if document is None else f"[{document}]."
    for position, element in enumerate(path):
        if isinstance(element, int):
            parts += f"[{element}]" if position else str(element)
        else:
            parts += ("." if position else "") + _format_key(element)
    return parts


def unwritable(value: str) -> bool:
    """Say whether a value holds a line break or another control character, which no edit writes."""
    return _UNWRITABLE.search(value) is not None


def _format_key(key: str) -> str:
    return key if _NEEDS_NO_QUOTES.fullmatch(key) else _quoted(key)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _file(written: str) -> str:
    quoted = _QUOTED.fullmatch(written.strip())
    return _unescaped(quoted[1]) if quoted else written.strip()


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _read_path(text: str) -> tuple[int | None, Path, int]:
    """Return document, path, and how far the path reaches into ``text``."""
    leading = _DOCUMENT.match(text)
    document = _index(leading[1]) if leading else None
    element, at = _element(text, leading.end() if leading else 0)
    elements = [element]
    while text.startswith((".", "["), at):
        element, at = _element(text, at + text.startswith(".", at))
        elements.append(element)
    return document, tuple(elements), at


def _element(text: str, at: int) -> tuple[str | int, int]:
    if quoted := _QUOTED.match(text, at):
        return _unescaped(quoted[1]), quoted.end()
    if item := _ITEM.match(text, at):
        return _index(item[1]), item.end()
    if plain := _PLAIN.match(text, at):
        word = plain[0]
        return (_index(word) if word.isascii() and word.isdigit() else word), plain.end()
    msg = f"a key or a [number] is missing at {text[at : at + 20]!r}"
    raise ValueError(msg)


def _index(digits: str) -> int:
    if len(digits) > _LARGEST:
        msg = f'[{digits}] is no list item; a key of digits stands in quotes: "{digits}"'
        raise ValueError(msg)
    return int(digits)


def _checked_file(file: str, number: int) -> str:
    parts = [part for part in file.split("/") if part != "."]
    if not file or file.startswith("/") or "\\" in file or ".." in parts or "" in parts:
        _refuse("set-file", f"{file!r} is not a path inside the repository", number)
    return "/".join(parts)


def _checked_value(value: str, number: int) -> str:
    if not value.strip():
        _refuse("set-value", "the value behind = is empty; did an expression come out empty?", number)
    if unwritable(value):
        _refuse("set-value", "the value holds a control character", number)
    return value.strip()


def _refuse(kind: str, why: str, number: int) -> NoReturn:
    raise errors.Invalid([errors.Complaint(id=kind, text=f"set, line {number}: {why}", input="set", line=number)])
