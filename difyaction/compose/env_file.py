"""A ``.env`` file as Compose reads it: every assignment with its place, every byte kept.

It is never sourced: a shell would stumble over ``LOG_DATEFORMAT=%Y-%m-%d %H:%M:%S``. The grammar is that
of compose-go: ``export``, ``KEY: value``, quotes that span lines, comments after a value, ``${KEY:-word}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from difyaction.compose.env_value import quote_of, read_value
from difyaction.errors import Complaint, Invalid

_BYTE_ORDER_MARK = "\ufeff"
_BLANK = "\t\v\f\r \x85\xa0"  # a blank that is no end of line, as the key and what follows it may have
_SPACES = _BLANK + "\n\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_SPACE = re.compile(f"[{_SPACES}]*")
_EXPORT = re.compile(rf"export[\t\n\f\r ][{_BLANK}]*")
_KEY = re.compile(rf"[\w.\-\[\]{_BLANK}]*")
_BLANKS = re.compile(f"[{_BLANK}]*")
_QUOTED = {quote: re.compile(rf"{quote}(?:[^{quote}\\]|\\.)*{quote}", re.DOTALL) for quote in ("'", '"')}


@dataclass(frozen=True)
class Entry:
    """One assignment. ``start`` and ``end`` enclose the value's own text, quotes included (characters).

    ``inherited`` is a key without a value, which Compose takes from its own environment. ``line`` counts from 1.
    """

    key: str
    line: int
    start: int
    end: int
    inherited: bool = False


@dataclass(frozen=True)
class EnvFile:
    """An env file that was read. ``text`` is the file, undecodable bytes as surrogates."""

    text: str
    entries: tuple[Entry, ...]
    file: str

    @property
    def content(self) -> bytes:
        """The bytes that were read."""
        return self.text.encode("utf-8", "surrogateescape")

    @property
    def newline(self) -> str:
        """The end of line that a line added below should have."""
        return "\r\n" if self.text.count("\r\n") * 2 > self.text.count("\n") else "\n"

    @cached_property
    def last(self) -> Mapping[str, Entry]:
        """The assignment of each key that counts: the last one."""
        return {entry.key: entry for entry in self.entries}

    def raw(self, entry: Entry) -> str:
        """Return the value's own text, quotes included."""
        return self.text[entry.start : entry.end]

    @cached_property
    def values(self) -> Mapping[str, str]:
        """What Compose replaces variables with. Names in a value resolve to the lines above it."""
        return self._read({})

    @cached_property
    def given(self) -> Mapping[str, str]:
        """What a container gets that has ``.env`` as its ``env_file`` too: it is read again, over ``values``."""
        return self._read(self.values)

    def _read(self, environment: Mapping[str, str]) -> Mapping[str, str]:
        known: dict[str, str] = {}

        def lookup(name: str) -> str | None:
            return environment.get(name, known.get(name))

        for entry in self.entries:
            if entry.inherited:
                known |= {entry.key: environment[entry.key]} if entry.key in environment else {}
                continue
            try:
                known[entry.key] = read_value(self.raw(entry), lookup)
            except ValueError as why:
                raise _invalid("env-variable", f"{entry.key}: {why}", self.file, entry.line) from why
        return known

    def replaced(self, raws: Mapping[str, str]) -> str:
        """Return the text with the values' own texts of some keys replaced, where each key counts. ``KeyError``."""
        pieces, place = [], 0
        for entry in sorted((self.last[key] for key in raws), key=lambda entry: entry.start):
            pieces += [self.text[place : entry.start], "=" if entry.inherited else "", raws[entry.key]]
            place = entry.end
        return "".join(pieces) + self.text[place:]

    def assignment(self, key: str) -> str:
        """Return a key's whole assignment as it is written. ``KeyError``."""
        entry = self.last[key]
        return f"{key}={self.raw(entry)}"

    def comment(self, key: str) -> tuple[str, ...]:
        """Return the comment lines right above a key, without the box of a heading. ``KeyError``."""
        above = self._lines[: self.last[key].line - 1]
        lines: list[str] = []
        while above and above[-1].startswith("#") and above[-1].strip("#-= \t"):
            lines.append(above.pop())
        return tuple(reversed(lines))

    @property
    def _lines(self) -> list[str]:
        return [line.removesuffix("\r") for line in self.text.split("\n")]


def read_env(content: bytes, *, file: str) -> EnvFile:
    """Read an env file. ``Invalid`` names the line that Compose could not read either."""
    return parse_env(content.decode("utf-8", "surrogateescape"), file=file)


def parse_env(text: str, *, file: str) -> EnvFile:
    """Read an env file that was decoded already, undecodable bytes as surrogates."""
    return EnvFile(text, tuple(_entries(text, file)), file)


def _entries(text: str, file: str) -> Iterator[Entry]:
    place = len(_BYTE_ORDER_MARK) if text.startswith(_BYTE_ORDER_MARK) else 0
    line, counted = 1, place
    while (place := _statement(text, place)) < len(text):
        line, counted = line + text.count("\n", counted, place), place
        entry, place = _entry(text, place, line, file)
        yield entry


def _statement(text: str, place: int) -> int:
    """Return where the next assignment begins, past blank lines and comments."""
    while True:
        space = _SPACE.match(text, place)
        place = space.end() if space else place
        if not text.startswith("#", place):
            return place
        end = text.find("\n", place)
        place = len(text) if end < 0 else end


def _entry(text: str, place: int, line: int, file: str) -> tuple[Entry, int]:
    """Read the assignment at ``place``; return it and where reading goes on."""
    if export := _EXPORT.match(text, place):
        place = export.end()
    name = _KEY.match(text, place)
    end = name.end() if name else place
    key = text[place:end].rstrip(_SPACES)
    if end < len(text) and text[end] not in "=:\n":
        raise _invalid("env-key", f"'{text[end]}' cannot stand in the name of a variable", file, line)
    if not key or " " in key:
        raise _invalid("env-key", f"'{key}' is no name of a variable", file, line)
    if text[end : end + 1] in {"", "\n"}:
        return Entry(key, line, end, end, inherited=True), end
    blanks = _BLANKS.match(text, end + 1)
    separator, start = end, blanks.end() if blanks else end + 1
    end = _value_end(text, start, line, file)
    if quote_of(text[start:end]):
        return Entry(key, line, start, end), end
    if end == start:
        start = end = separator + 1  # a value that is written here later stands before the blanks
    stop = text.find("\n", start)
    return Entry(key, line, start, end), len(text) if stop < 0 else stop


def _value_end(text: str, start: int, line: int, file: str) -> int:
    if quote := quote_of(text[start : start + 1]):
        found = _QUOTED[quote].match(text, start)
        if found is None:
            raise _invalid("env-quote", f"the quote {quote} is never closed", file, line)
        return found.end()
    stop = text.find("\n", start)
    value = text[start : len(text) if stop < 0 else stop].split(" #", 1)[0]
    return start + len(value.rstrip(_SPACES))


def _invalid(name: str, text: str, file: str, line: int) -> Invalid:
    return Invalid([Complaint(id=name, text=f"{file}, line {line}: {text}", file=file, line=line)])
