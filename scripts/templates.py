"""Find the templates of one module by its syntax tree, each with the facts that it is filled with."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from dataclasses import dataclass

_ERRORS = frozenset(
    {
        "Failed",
        "Refused",
        "RolledBack",
        "Stranded",
        "Degraded",
        "Running",
        "Lost",
        "Unreachable",
        "DoorOpen",
        "ActionError",
    }
)
_DOINGS = {"refused": 1, "told": 0}  # where the words for what Azure was asked stand among the arguments
_CHOSEN_ERRORS = frozenset({"kind"})  # a name that is given one of two errors
_FINDINGS = {"Remark": 1, "Obstacle": 1, "Note": 0}  # where the text stands among the arguments
_ABOUT_KEYS = "difyaction/compose/env_remarks.py"  # its remarks name a key before the text
_OBJECTION_TEXT = 3
_EXPLAINS = ("what", "state", "next_step")


@dataclass(frozen=True)
class Template:
    """A text and where it stands. ``facts`` are the names given beside it, None when they cannot be known."""

    text: str
    place: str
    facts: frozenset[str] | None

    @property
    def fields(self) -> frozenset[str]:
        """The names that it asks for."""
        parsed = string.Formatter().parse(self.text)
        return frozenset(name.partition(".")[0].partition("[")[0] for _, name, _, _ in parsed if name is not None)


class NotALiteralError(Exception):
    """A template is put together at run time, so that nobody can translate it."""


def in_module(source: str, path: str) -> list[Template]:
    """Return the templates of a module.

    :raises NotALiteralError: naming file and line of a template that is no literal.
    """
    tree = ast.parse(source)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            place = f"{path}:{node.lineno}"
            found += [Template(part, place, None) for part in _findings(node, tree, place)]
            found += [
                Template(text, place, facts)
                for argument, facts in _arguments(node)
                for text in _texts(argument, tree, place)
            ]
    return found


def _findings(call: ast.Call, tree: ast.AST, place: str) -> Iterator[str]:
    """Yield what a plan finds, by its parts: such texts are put together of several."""
    position = _FINDINGS.get(_name(call.func))
    if position is not None and place.startswith(_ABOUT_KEYS):
        position += 1
    if position is not None and len(call.args) > position:
        for text in _texts(call.args[position], tree, place):
            yield text.strip()


def _words(text: str) -> str:
    """Return what is left of a template without its fields: nothing, when there is nothing to translate."""
    return "".join(literal for literal, *_ in string.Formatter().parse(text)).strip()


def _arguments(call: ast.Call) -> Iterator[tuple[ast.expr, frozenset[str] | None]]:
    name = _name(call.func)
    given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    facts = None if any(keyword.arg is None for keyword in call.keywords) else frozenset(given)
    if name == "N_":
        yield call.args[0], None
    elif name == "language.say" and call.args:
        yield call.args[0], facts
    elif len(call.args) > _DOINGS.get(name, len(call.args)):
        yield call.args[_DOINGS[name]], None
    elif name.rpartition(".")[2] == "Objection":
        if "text" in given:
            yield given["text"], None
        elif len(call.args) > _OBJECTION_TEXT:
            yield call.args[_OBJECTION_TEXT], None
    elif name.removeprefix("errors.") in _ERRORS | _CHOSEN_ERRORS and len(call.args) > 1:
        yield call.args[1], facts
        for explains in _EXPLAINS:
            if explains in given:
                yield given[explains], facts


def _name(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name):
            return name
        case (
            ast.Attribute(value=ast.Name(id=owner), attr=name)
            | ast.Attribute(value=ast.Attribute(attr=owner), attr=name)
        ):
            return f"{owner}.{name}"
        case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr="__init__"):
            return "ActionError"  # an error that explains itself
        case _:
            return ""


def _texts(node: ast.expr, tree: ast.AST, place: str) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            if _words(text):
                yield text
        case ast.IfExp(body=one, orelse=other) | ast.BinOp(left=one, op=ast.Add(), right=other):
            yield from _texts(one, tree, place)
            yield from _texts(other, tree, place)
        case ast.Call(func=ast.Name(id="N_"), args=[marked]):
            yield from _texts(marked, tree, place)
        case ast.Name(id="NOTHING_TOUCHED") | ast.Attribute(attr="NOTHING_TOUCHED"):
            yield "Nothing was changed."
        case ast.Name(id=name):
            yield from _assigned(name, tree, place)
        case ast.JoinedStr(values=parts):
            yield from _joined(parts, tree, place)
        case ast.Subscript() | ast.Attribute() | ast.Call():
            return  # taken out of a record or a table, where `N_` has marked it
        case _:
            raise NotALiteralError(place)


def _assigned(name: str, tree: ast.AST, place: str) -> Iterator[str]:
    """Yield what a name is given anywhere in the module; nothing for a parameter, whose callers use `N_`."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=found)], value=value)
                | ast.AugAssign(target=ast.Name(id=found), value=value)
                | ast.AnnAssign(target=ast.Name(id=found), value=ast.expr() as value)
            ) if found == name:
                yield from _texts(value, tree, place)


def _joined(parts: list[ast.expr], tree: ast.AST, place: str) -> Iterator[str]:
    """Yield the marked parts of an f-string, between which nothing but blanks may stand."""
    for part in parts:
        if isinstance(part, ast.FormattedValue):
            yield from _texts(part.value, tree, place)
        elif isinstance(part, ast.Constant) and str(part.value).strip():
            raise NotALiteralError(place)
