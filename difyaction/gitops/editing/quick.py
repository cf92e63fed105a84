"""A quick reader of everyday YAML, which gives up on everything else.

It reads block mappings and sequences, scalars on one line, block scalars, plain flow collections, anchors
and aliases: what nearly every chart is made of, and what YAML 1.1 and 1.2 read alike. At the first thing
beyond that it gives up, and ruamel.yaml reads the text from its beginning. Tests hold the two to the same events.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from ruamel.yaml.reader import Reader

from difyaction.gitops.editing import blockscalar
from difyaction.gitops.editing.flowline import read_flow, unescaped
from difyaction.gitops.editing.yamlevent import Event, Kind

_BREAK = r"(?:\r?\n)"
_GAP = re.compile(rf"(?:[ \t]*(?:#[^\r\n\0]*)?{_BREAK})*")
_INDENT = re.compile(r" *")
_REST = re.compile(rf"(?:[ \t]+#[^\r\n\0]*|[ \t]*)(?:{_BREAK}|(?=\0))")
_END = re.compile(rf"(?:#[^\r\n\0]*)?(?:{_BREAK}|(?=\0))")
_BLANKS = re.compile(r"[ \t]*")
_MARK = re.compile(rf"(---|\.\.\.)(?:[ \t]+#[^\r\n\0]*|[ \t]*)(?:{_BREAK}|(?=\0))")
_ITEM = re.compile(r"-(?:( +)(?=[^ \t\r\n\0#])|(?=[ \t\r\n\0]))")
_FIRST = r"[^\s\-?:,\[\]{}#&*!|>'\"%@`\0]"
_KEY = re.compile(
    rf"({_FIRST}[^\s:#\0]{{0,200}}(?: [^\s:#\0]{{1,100}}){{0,3}}"
    r"|\"[^\"\\\r\n\0]{0,200}\"|'[^'\r\n\0]{0,200}') *:(?=[ \t\r\n\0])"
)
_ANCHOR = re.compile(r"&([\w.-]+)(?=[ \t\r\n\0])[ \t]*")
_ALIAS = re.compile(r"\*([\w.-]+)(?=[ \t\r\n\0])")
_WORD = r"(?:[^ \t\r\n\0:]+|:(?![ \t\r\n\0]))+"
_PLAIN = re.compile(rf"(?={_FIRST}|-[^ \t\r\n\0]){_WORD}(?:[ \t]+(?!#){_WORD})*")
_SINGLE = re.compile(r"'((?:[^'\r\n\0]|'')*)'")
_DOUBLE = re.compile(r'"((?:[^"\\\r\n\0]|\\["\\/nrt])*)"')
_UNUSUAL = re.compile("[\x00\x85\u2028\u2029\ufeff]|\r(?!\n)")


class _GiveUpError(Exception):
    """Something that is not everyday YAML."""


class _Wanting(NamedTuple):
    """A value that is still to come: where it would stand if it were empty, its line, and its anchor."""

    at: int
    line: int
    anchor: str | None = None


@dataclass(slots=True)
class _Level:
    """An open collection, and the value that it waits for."""

    kind: str
    indent: int
    wanting: _Wanting | None = None


def read(text: str) -> list[Event] | None:
    """Return all events of a text; None when it holds anything unusual, errors included."""
    start = 1 if text.startswith("\ufeff") else 0
    if _UNUSUAL.search(text, start) or Reader.NON_PRINTABLE.search(text):
        return None
    reader = _Reader(text + "\0", start)
    try:
        reader.run()
    except _GiveUpError:
        return None
    return reader.events


class _Values:
    """A place in a text, and the values that are read from there."""

    def __init__(self, text: str, at: int) -> None:
        self.events: list[Event] = []
        self._text = text
        self._at = at
        self._line = 1

    def _go(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise _GiveUpError
        self._line += self._text.count("\n", self._at, match.end())
        self._at = match.end()

    def _value(self, level: _Level) -> None:
        """Read the value that begins here and ends with the line, and go to the next line."""
        if anchor := _ANCHOR.match(self._text, self._at):
            if level.wanting is None or level.wanting.anchor:
                raise _GiveUpError
            level.wanting = _Wanting(anchor.end(1), self._line, anchor[1])
            self._at = anchor.end()
            if rest := _END.match(self._text, self._at):
                self._line += rest[0].endswith("\n")
                self._at = rest.end()
                return  # what is anchored begins on a line of its own
        wanting, level.wanting = level.wanting, None
        own = wanting.anchor if wanting else None
        first = self._text[self._at]
        if first in "|>":
            self._block(first, own, level.indent)
        elif first in "[{":
            self._flow(wanting if own else None)
        elif own is None and (alias := _ALIAS.match(self._text, self._at)):
            self.events.append(Event("alias", self._at, alias.end(), self._line, alias[1]))
            self._at = alias.end()
            self._go(_REST)
        else:
            self._scalar(first, own)

    def _scalar(self, first: str, anchor: str | None) -> None:
        style = {"'": "single", '"': "double"}.get(first, "plain")
        pattern = {"single": _SINGLE, "double": _DOUBLE}.get(style, _PLAIN)
        match = pattern.match(self._text, self._at)
        if match is None:
            raise _GiveUpError
        value = match[0] if style == "plain" else match[1]
        if style == "single":
            value = value.replace("''", "'")
        elif style == "double":
            value = unescaped(value)
        self.events.append(Event("scalar", self._at, match.end(), self._line, value, style, anchor))
        self._at = match.end()
        self._go(_REST)

    def _block(self, first: str, anchor: str | None, indent: int) -> None:
        block = blockscalar.read(self._text, self._at, indent)
        if block is None:
            raise _GiveUpError
        style = "literal" if first == "|" else "folded"
        self.events.append(Event("scalar", self._at, block.end, self._line, block.value, style, anchor))
        self._line += self._text.count("\n", self._at, block.end)
        self._at = block.end

    def _flow(self, wanting: _Wanting | None) -> None:
        run = read_flow(self._text, self._at, self._line)
        if run is None:
            raise _GiveUpError
        if wanting:
            run[0] = run[0]._replace(line=wanting.line, anchor=wanting.anchor)
        self.events += run
        self._at, self._line = run[-1].end, run[-1].line
        self._go(_REST)


class _Reader(_Values):
    """Reads documents, and the block collections in them."""

    def __init__(self, text: str, at: int) -> None:
        super().__init__(text, at)
        self._levels: list[_Level] = []
        self._document = False  # whether one is open

    def run(self) -> None:
        text = self._text
        while True:
            self._go(_GAP)
            if text[self._at] == "\0":
                self._end_document()
                return
            if text[self._at] in "-.%" and self._mark():
                continue
            indent = _INDENT.match(text, self._at).end() - self._at  # type: ignore[union-attr] # it matches nothing too
            self._at += indent
            if not self._document:
                self._document = True
                self.events.append(Event("document", self._at, self._at, self._line))
            self._content(indent)

    # Documents

    def _mark(self) -> bool:
        match = _MARK.match(self._text, self._at)
        if match is None:
            if self._text[self._at] == "%" or self._text.startswith(("---", "..."), self._at):
                raise _GiveUpError
            return False
        if match[1] == "..." and not self._document:
            raise _GiveUpError
        self._end_document()
        if match[1] == "---":
            self._document = True
            self.events.append(Event("document", self._at, self._at, self._line))
        else:
            following = _GAP.match(self._text, match.end())
            if following is None or not self._text.startswith(("---", "\0"), following.end()):
                raise _GiveUpError
        self._go(_MARK)
        return True

    def _end_document(self) -> None:
        if not self._document:
            return
        if self.events[-1].kind == "document":
            raise _GiveUpError  # an empty document
        self._close(-1)
        self.events.append(Event("document-end", self._at, self._at, self._line))
        self._document = False

    # Block collections

    def _close(self, indent: int) -> None:
        """Close every collection that is indented deeper."""
        while self._levels and self._levels[-1].indent > indent:
            self._close_one()

    def _close_one(self) -> None:
        level = self._levels.pop()
        self._nothing(level)
        self.events.append(Event("end", self._at, self._at, self._line))

    def _nothing(self, level: _Level) -> None:
        """Write down the value that a key or an item has not."""
        if level.wanting is not None:
            at, line, anchor = level.wanting
            self.events.append(Event("scalar", at, at, line, "", "empty", anchor))
            level.wanting = None

    def _content(self, indent: int) -> None:
        """Read one line from its first character on."""
        self._close(indent)
        text, column = self._text, indent
        while True:
            if item := _ITEM.match(text, self._at):
                self._enter("sequence", column)
                self._levels[-1].wanting = _Wanting(self._at + 1, self._line)
                self._at = item.end()
                if item[1] is None:
                    self._go(_REST)
                    return
                column += item.end() - item.start()
            elif key := _KEY.match(text, self._at):
                self._key(key, column)
                return
            else:
                if not self._levels or self._levels[-1].wanting is None or self._levels[-1].indent >= column:
                    raise _GiveUpError
                self._value(self._levels[-1])
                return

    def _enter(self, kind: Kind, column: int) -> None:
        """Make the collection of this kind at this column the innermost one."""
        level = self._levels[-1] if self._levels else None
        wanting = None
        if level and level.kind == "sequence" and kind == "mapping" and level.indent == column:
            self._close_one()  # a list that is indented like the key above it
            level = self._levels[-1] if self._levels else None
        if level and level.kind == kind and level.indent == column:
            self._nothing(level)
            return
        if level is None:
            if self.events[-1].kind != "document":
                raise _GiveUpError
        elif level.wanting is None or level.indent > column or (level.indent == column and kind == "mapping"):
            raise _GiveUpError
        else:
            wanting, level.wanting = level.wanting, None
        line, anchor = (wanting.line, wanting.anchor) if wanting and wanting.anchor else (self._line, None)
        self.events.append(Event(kind, self._at, self._at, line, anchor=anchor))
        self._levels.append(_Level(kind, column))

    def _key(self, key: re.Match[str], column: int) -> None:
        self._enter("mapping", column)
        own, start, end = key[1], key.start(1), key.end(1)
        style = {"'": "single", '"': "double"}.get(own[0], "plain")
        value = own if style == "plain" else own[1:-1]
        self.events.append(Event("scalar", start, end, self._line, value, style))
        self._levels[-1].wanting = _Wanting(key.end(), self._line)
        self._at = key.end()
        if rest := _REST.match(self._text, self._at):
            self._line += rest[0].endswith("\n")
            self._at = rest.end()
            return
        self._at = _BLANKS.match(self._text, self._at).end()  # type: ignore[union-attr] # it matches nothing too
        self._value(self._levels[-1])
