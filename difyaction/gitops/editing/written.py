"""How a text is written as a YAML scalar, so that every reader takes it for that text."""

from __future__ import annotations

import re
from typing import Literal

from ruamel.yaml.resolver import implicit_resolvers

from difyaction.gitops.editing.events import Version

_TAG = "tag:yaml.org,2002:"
STR = f"{_TAG}str"

Kind = Literal["text", "number", "boolean"]
"""What a value is, under every version of YAML."""

_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "=", "<<", ".inf", ".nan"})
# Wider than either version of YAML: what go-yaml, PyYAML or a JavaScript reader takes for a number or a date.
_NUMBER = re.compile(
    r"""[-+]? (?: \.?[0-9][0-9_]* (?: \.[0-9_]*)? (?: [eE][-+]?[0-9_]+ )?  # 1, 0755, 1.10, 12e4567, 1_000
        | [0-9][0-9_]* (?: :[0-5]?[0-9] )+ (?: \.[0-9_]* )?                # 1:30, base 60
        | 0[xXoObB][0-9a-fA-F_]+ | \. (?: inf | nan ) )""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?")  # read alike by everybody, and no digit of it is lost
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?", re.ASCII)
_NOT_FIRST = frozenset("-?:,[]{}#&*!|>'\"%@` ")
_NOT_INSIDE = re.compile(r": | #|:\Z|\s\Z|\A(?:---|\.\.\.)")
_NOT_IN_FLOW = re.compile(r"[,\[\]{}?]|:(?=[,\[\]{}])")


def reads_as_text(value: str) -> bool:
    """Say whether a plain scalar of this value is a string under YAML 1.1 and 1.2, and to careless readers."""
    if not value or value.lower() in _WORDS or _NUMBER.fullmatch(value) or _DATE.fullmatch(value):
        return False
    return all(plain_tag(value, version) == STR for version in ((1, 1), (1, 2)))


def plain_tag(value: str, version: Version) -> str:
    """Return the tag that a version of YAML gives to a plain scalar."""
    for versions, tag, pattern, first in implicit_resolvers:
        if version in versions and (value[:1] in first) and pattern.match(value):
            return str(tag)
    return STR


def kind_kept(old: str, new: str) -> Kind:
    """Return what a plain scalar ``old`` and the text ``new`` both are, under both versions: else ``new`` is a text."""
    before, after = ({plain_tag(text, version) for version in ((1, 1), (1, 2))} for text in (old, new))
    if before == after == {_TAG + "bool"}:
        return "boolean"
    numbers = {_TAG + "int", _TAG + "float"}
    if before <= numbers and after <= numbers and _DECIMAL.fullmatch(new):
        return "number"
    return "text"


def is_of_kind(tag: str, kind: Kind) -> bool:
    """Say whether a scalar with this tag is a text, a number or a boolean."""
    wanted = {"text": {STR}, "number": {_TAG + "int", _TAG + "float"}, "boolean": {_TAG + "bool"}}
    return tag in wanted[kind]


def fits_plain(value: str, *, flow: bool) -> bool:
    """Say whether the characters of a value can stand without quotes."""
    if not value or _NOT_INSIDE.search(value) or (flow and _NOT_IN_FLOW.search(value)):
        return False
    return value[0] not in _NOT_FIRST or (value[0] == "-" and not flow and value[1:2] not in {"", " "})


def quoted(value: str, quote: str) -> str:
    """Write a value in single or double quotes."""
    if quote == "'":
        return "'" + value.replace("'", "''") + "'"
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
