"""The variables of a ``.env`` file as Compose reads it, and the change of some of them by their own bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from difyaction.gitops.editing.address import unwritable
from difyaction.gitops.editing.yamltext import refuse

_LARGEST = 5_000_000
_ASSIGNMENT = re.compile(r"[ \t]*(?:export[ \t]+)?(?P<key>[A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=(?:[ \t]*(?=[^\s#]))?")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_SINGLE = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_BARE = re.compile(r"(?:[^ \t\r\n#]|(?<![ \t])#|[ \t]+(?=[^ \t\r\n#]))*")
_REST = re.compile(r"[^\r\n]*(?:\r\n?|\n|\Z)")
_BLANK_OR_COMMENT = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?=[\r\n]|\Z)")
_INTERPOLATED = re.compile(r"(?<![\\$])(?:\$\$)*\$[{A-Za-z_]")
_NEEDS_NO_QUOTES = re.compile(r"[\w./:@%+,=~^-]*")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "$": "$", '"': '"', "'": "'", "\\": "\\"}


@dataclass(frozen=True)
class EnvLine:
    """One assignment. ``start`` to ``end`` is its value's own text with its quotes, in characters.

    ``quote`` is the quote around the value, '' for none, ``mixed`` around a part only; ``line`` counts from 1.
    ``interpolated`` says that the value is made from other variables (``${TAG}``), left in it as they are written.
    """

    key: str
    value: str
    start: int
    end: int
    line: int
    quote: str = ""
    interpolated: bool = False


def read_env(content: bytes, *, file: str) -> tuple[EnvLine, ...]:
    """Read every assignment, in order. Raises `errors.Invalid` (env-unparsable, env-not-utf8) with the line."""
    return _read(_decode(content, file), file)


def set_env(content: bytes, changes: Mapping[str, str], *, file: str) -> bytes:
    """Give variables new values; quotes, comments, ``export``, line breaks and all other bytes stay.

    Raises `errors.Invalid` with the line: env-missing, env-duplicate (Compose takes the last, a shell may not),
    env-interpolated, env-value, env-unproved, and what `read_env` raises.
    """
    text = _decode(content, file)
    lines = _read(text, file)
    replaced = {line.start: line for line in (_the_line(lines, key, file) for key in changes)}
    parts: list[str] = []
    at = 0
    for line in sorted(replaced.values(), key=lambda each: each.start):
        wanted = changes[line.key]
        if wanted != line.value:
            _refuse_unwritable(line, wanted, file)
            parts += (text[at : line.start], _written(line, wanted, file))
            at = line.end
    after = "".join((*parts, text[at:]))
    _prove(lines, _read(after, file), changes, file)
    return after.encode("utf-8", "surrogateescape")


def _decode(content: bytes, file: str) -> str:
    if len(content) > _LARGEST:
        refuse("env-unparsable", f"{len(content)} bytes; at most {_LARGEST} are read", file=file, line=1)
    if b"\0" in content or content.startswith((b"\xff\xfe", b"\xfe\xff")):
        refuse("env-not-utf8", "the file is not UTF-8", file=file, line=1)
    return content.decode("utf-8", "surrogateescape")


def _read(text: str, file: str) -> tuple[EnvLine, ...]:
    found: list[EnvLine] = []
    at, number = (1 if text.startswith("\ufeff") else 0), 1
    while at < len(text):
        start = at
        if match := _ASSIGNMENT.match(text, at):
            found.append(_value(text, match, number, file))
            at = found[-1].end
        rest = _REST.match(text, at)
        at = rest.end() if rest else len(text)
        passed = text[start:at]
        number += passed.count("\n") + passed.count("\r") - passed.count("\r\n")
    return tuple(found)


def _value(text: str, match: re.Match[str], number: int, file: str) -> EnvLine:
    key, at = match["key"], match.end()
    quote = text[at : at + 1] if text[at : at + 1] in {"'", '"'} else ""
    inside = (_DOUBLE if quote == '"' else _SINGLE).match(text, at) if quote else None
    if quote and inside is None:
        refuse("env-unparsable", f"the quotes around the value of {key} do not close", file=file, line=number)
    if inside is None or not _BLANK_OR_COMMENT.match(text, inside.end()):
        bare = _BARE.match(text, at)
        raw = bare[0] if bare else ""
        return EnvLine(key, raw, at, at + len(raw), number, "mixed" if quote else "", _interpolated(raw))
    raw = inside[1]
    if quote == "'":
        return EnvLine(key, raw.replace("\\'", "'"), at, inside.end(), number, quote)
    value = re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[0]), raw, flags=re.DOTALL)
    return EnvLine(key, value, at, inside.end(), number, quote, _interpolated(raw))


def _interpolated(raw: str) -> bool:
    return _INTERPOLATED.search(raw) is not None


def _the_line(lines: Sequence[EnvLine], key: str, file: str) -> EnvLine:
    found = [line for line in lines if line.key == key]
    if not found:
        refuse("env-missing", f"there is no variable {key}", file=file, line=1)
    if len(found) > 1:
        refuse(
            "env-duplicate", f"{key} is set twice; readers differ on which one counts", file=file, line=found[1].line
        )
    return found[0]


def _refuse_unwritable(line: EnvLine, wanted: str, file: str) -> None:
    if unwritable(wanted):
        why = f"the value for {line.key} holds a line break or a control character"
        refuse("env-value", why, file=file, line=line.line)
    if line.quote == "mixed":
        refuse("env-unparsable", f"the value of {line.key} is only partly in quotes", file=file, line=line.line)
    if line.interpolated:
        why = f"{line.key} is made from other variables; set those, or write its value out"
        refuse("env-interpolated", why, file=file, line=line.line)


def _written(line: EnvLine, value: str, file: str) -> str:
    """Write a value in its own quotes, or in those that keep it as it is."""
    if line.quote == "" and "$" not in value and _NEEDS_NO_QUOTES.fullmatch(value):
        return value
    if "'" not in value and "\\" not in value and (line.quote == "'" or "$" in value):
        return f"'{value}'"
    if "$" in value:
        why = f"the value for {line.key} holds both a $ and a quote or backslash, which no quoting keeps"
        refuse("env-value", why, file=file, line=line.line)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _prove(before: Sequence[EnvLine], after: Sequence[EnvLine], changes: Mapping[str, str], file: str) -> None:
    """Read again: every variable is as it was, and each changed one as wanted."""
    wanted = [(line.key, changes.get(line.key, line.value)) for line in before]
    if wanted != [(line.key, line.value) for line in after]:
        refuse("env-unproved", "the edit would change something else too", file=file, line=1)
