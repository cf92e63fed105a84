"""ruamel.yaml's scanner and parser, quick enough for a thousand files.

Only the loops that go through the text character by character are replaced, by regular
expressions; what YAML means stays ruamel.yaml's word. Two things are read as libyaml (and with it
Helm) reads them, where ruamel.yaml refuses: tabs between tokens, and tabs inside plain scalars.
The version of YAML is the caller's, whatever a ``%YAML`` directive says.
"""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml.events import ScalarEvent
from ruamel.yaml.parser import Parser
from ruamel.yaml.reader import Reader
from ruamel.yaml.scanner import Scanner, ScannerError
from ruamel.yaml.tokens import ScalarToken

from difyaction.gitops.editing import blockscalar

_BREAK = r"(?:\r\n?|\n)"
_REST_OF_LINES = re.compile(rf"(?:[ \t]*(?:#[^\r\n\0]*)?{_BREAK})*(?:[ \t]*(?:#[^\r\n\0]*)?(?=\0))?")
_BLANK_LINES = re.compile(rf"(?:[ \t]*{_BREAK})*")
_SPACES = re.compile(r" *")
_BLANKS = re.compile(r"[ \t]*")
_COMMENT = re.compile(r"#[^\r\n\0]*")
_DOCUMENT_MARK = re.compile(r"(?:---|\.\.\.)(?=[ \t\r\n\0])")

_BLOCK_WORD = r"(?:[^ \t\r\n\0:]+|:(?![ \t\r\n\0]))+"
_FLOW_WORD = r"(?:[^ \t\r\n\0:,\[\]{}]+|:(?![ \t\r\n\0,\[\]{}]))+"
_BLOCK_PLAIN = re.compile(rf"(?!#){_BLOCK_WORD}(?:[ \t]+(?!#){_BLOCK_WORD})*")
_FLOW_PLAIN = re.compile(rf"(?!#){_FLOW_WORD}(?:[ \t]+(?!#){_FLOW_WORD})*")
_SINGLE = re.compile(r"'((?:[^'\r\n\0]|'')*)'")
_DOUBLE = re.compile(r'"([^"\\\r\n\0]*)"')


class Mark:
    """A place in the text; all count from 0."""

    __slots__ = ("column", "index", "line")

    def __init__(self, index: int, line: int, column: int) -> None:
        self.index = index
        self.line = line
        self.column = column


class Characters(Reader):
    """A text and a place in it. The whole text is the buffer: pointer and index are one."""

    def get_mark(self) -> Mark:
        """Return where we are."""
        return Mark(self.index, self.line, self.column)

    def forward(self, length: int = 1) -> None:
        """Go on by ``length`` characters, counting lines and columns."""
        start, end = self.pointer, self.pointer + length
        self.pointer = self.index = end
        passed = self.buffer[start:end]
        if "\n" not in passed and "\r" not in passed:
            self.column += length - (passed.count("\ufeff") if "\ufeff" in passed else 0)
            return
        breaks = passed.count("\n") + passed.count("\r") - passed.count("\r\n")
        if passed.endswith("\r") and self.buffer[end] == "\n":
            breaks -= 1  # the break ends with the next character
        self.line += breaks
        if breaks:
            self.column = len(passed) - 1 - max(passed.rfind("\n"), passed.rfind("\r"))

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        """Go behind what matches here; say whether that was anything."""
        match = pattern.match(self.buffer, self.pointer)
        if match is None or match.end() == self.pointer:
            return False
        self.forward(match.end() - self.pointer)
        return True


class Stream(Characters, Scanner, Parser):
    """Events of one text under one version of YAML. ``last_token`` is the token taken last."""

    comment_handling = False
    reader: Any = None
    scanner: Any = None
    resolver: Any = None
    scanner_processing_version: Any = None

    def __init__(self, text: str, version: tuple[int, int]) -> None:
        self.reader = self.scanner = self.resolver = self
        self.scanner_processing_version = self.processing_version = version
        self.last_token: Any = None
        Reader.__init__(self, text, loader=self)
        Scanner.__init__(self, loader=self)
        Parser.__init__(self, loader=self)

    def distribute_comment(self, _comment: Any, _line: Any) -> None:  # noqa: ANN401 - see the class
        """Drop it: ruamel.yaml's plain parser calls this and has it only in its round-trip one."""

    def scan_yaml_directive_value(self, start_mark: Any) -> tuple[int, int]:  # noqa: ANN401
        """Read the directive, and do not follow it."""
        self._skip(_BLANKS)
        major = self.scan_yaml_directive_number(start_mark)
        if self.peek() == ".":
            self.forward()
        return major, self.scan_yaml_directive_number(start_mark)

    # Tokens

    def need_more_tokens(self) -> bool:
        """Say whether the first token of the queue may still turn out to be a key."""
        if not self.tokens:
            return not self.done
        if self.done or not self.possible_simple_keys:
            return False
        self.stale_possible_simple_keys()
        taken = self.tokens_taken
        return any(key.token_number == taken for key in self.possible_simple_keys.values())

    def fetch_more_tokens(self) -> None:
        """Read on: a word, which most tokens are, at once."""
        self.scan_to_next_token()
        self.stale_possible_simple_keys()
        if not self.flow_context and self.indent > self.column:
            self.unwind_indent(self.column)
        first = self.buffer[self.pointer]
        if first.isalnum():
            self.fetch_plain()
        elif first == ":" and self.check_value():
            self.fetch_value()
        else:
            Scanner.fetch_more_tokens(self)

    def peek_token(self) -> Any:  # noqa: ANN401
        """Return the next token, and leave it."""
        while self.need_more_tokens():
            self.fetch_more_tokens()
        return self.tokens[0] if self.tokens else None

    def check_token(self, *choices: Any) -> bool:  # noqa: ANN401
        """Say whether the next token is one of these kinds."""
        while self.need_more_tokens():
            self.fetch_more_tokens()
        return bool(self.tokens) and (not choices or isinstance(self.tokens[0], choices))

    def get_token(self) -> Any:  # noqa: ANN401
        """Take the next token."""
        self.last_token = self.peek_token()
        self.tokens_taken += 1
        return self.tokens.pop(0)

    def parse_node(self, block: bool = False, indentless_sequence: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002
        """Read a node: at once, when it is a scalar without anchor and tag, as nearly all are."""
        token = self.peek_token()
        if not isinstance(token, ScalarToken):
            return Parser.parse_node(self, block, indentless_sequence)
        self.get_token()
        self.state = self.states.pop()
        implicit = (token.plain, not token.plain)
        return ScalarEvent(None, None, implicit, token.value, token.start_mark, token.end_mark, style=token.style)

    # Blanks and scalars

    def scan_to_next_token(self) -> None:
        """Go behind blanks, comments and line breaks."""
        if self.index == 0 and self.buffer.startswith("\ufeff"):
            self.forward()
        if self._skip(_REST_OF_LINES) and not self.flow_context:
            self.allow_simple_key = True
        # A tab must not indent a block; behind an indicator it is a blank like any other.
        self._skip(_SPACES if self.allow_simple_key and not self.flow_context else _BLANKS)
        self._skip(_COMMENT)

    def scan_flow_scalar(self, style: str) -> Any:  # noqa: ANN401
        """Read a quoted scalar: at once, when it is one line without escapes."""
        match = (_SINGLE if style == "'" else _DOUBLE).match(self.buffer, self.pointer)
        if match is None:
            return Scanner.scan_flow_scalar(self, style)
        start = self.get_mark()
        self.forward(match.end() - match.start())
        value = match[1].replace("''", "'") if style == "'" else match[1]
        return ScalarToken(value, False, start, self.get_mark(), style)  # noqa: FBT003 - ruamel.yaml's signature

    def scan_plain(self) -> Any:  # noqa: ANN401
        """Read a plain scalar, a line at a time."""
        pattern = _FLOW_PLAIN if self.flow_context else _BLOCK_PLAIN
        start = end = self.get_mark()
        chunks: list[str] = []
        blanks = ""
        while match := pattern.match(self.buffer, self.pointer):
            self.allow_simple_key = False
            chunks += (blanks, match[0])
            self.forward(match.end() - match.start())
            end = self.get_mark()
            blanks = self._fold()
            if not blanks or (not self.flow_context and self.column <= self.indent):
                break
        if not chunks:  # such as the colon of `[:[`: nothing would be read for ever
            raise ScannerError("while scanning a plain scalar", start, "it begins with what ends one", start)
        return ScalarToken("".join(chunks), True, start, end)  # noqa: FBT003

    def _fold(self) -> str:
        """Go behind a line break inside a plain scalar; return what it reads as, '' where the scalar ends."""
        self._skip(_BLANKS)
        if self.buffer[self.pointer] not in "\r\n":
            return ""
        line = self.line
        self._skip(_BLANK_LINES)
        self.allow_simple_key = True
        if _DOCUMENT_MARK.match(self.buffer, self.pointer):
            return ""
        self._skip(_SPACES)
        if self.flow_context or self.column > self.indent:
            self._skip(_BLANKS)
        return "\n" * (self.line - line - 1) or " "

    def scan_block_scalar(self, style: str, rt: bool | None = None) -> Any:  # noqa: ANN401, ARG002, FBT001
        """Read a literal or folded scalar."""
        start = self.get_mark()
        block = blockscalar.read(self.buffer, self.pointer, self.indent)
        if block is None:
            problem = "the first line of a block scalar, or a blank line before its text, is malformed"
            raise ScannerError("while scanning a block scalar", start, problem, start)
        self.forward(block.end - self.pointer)
        return ScalarToken(block.value, False, start, self.get_mark(), style)  # noqa: FBT003
