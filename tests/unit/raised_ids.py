"""The ids that the package says, read from its syntax trees: of errors, of complaints, of remarks.

An id is the first argument of an error (``Failed("push-refused", ...)``) or ``id=`` of a complaint. Where a function
passes its own parameter on as an id, its callers are looked at in turn, until nothing new is found. What the scripts
on a host say (``fail disk-full ...``) is read from their text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ERRORS = frozenset({"ActionError", "Failed", "Refused", "RolledBack", "Stranded", "Degraded", "Running"})
_COMPLAINTS = frozenset({"Complaint"})
_REMARKS = frozenset({"Remark"})
_REASONS = frozenset({"Reason"})  # why a run on a host failed: it becomes the error's id
_BY_SCRIPTS = re.compile(
    r"""(?:\bfail | why |reason [0-9]+ "|recovering 0 "|finish failed "|echo "(?=lock-|run-)|\{WHY:-)"""
    r"([a-z]+(?:-[a-z]+)*)(?= )"
)
_PROBED = ("daemon-unhealthy", "sandbox-unhealthy")  # "${3:-part}-unhealthy", of the parts that have a probe
_DEFINES_THEM = frozenset({"errors.py"})  # the classes themselves hand ids through, and say none

Function = ast.FunctionDef | ast.AsyncFunctionDef


class UntraceableError(AssertionError):
    """An id is put together in a way that cannot be followed here."""


@dataclass(frozen=True)
class Taker:
    """A callable that takes an id: at this position, or under this name. ``prefix`` is put before it.

    ``module`` is where the callable is known by its name; empty: everywhere.
    """

    name: str
    position: int
    keyword: str
    module: str = ""
    prefix: str = ""


@dataclass(frozen=True)
class Said:
    """An id, and the place that says it."""

    id: str
    place: str


@dataclass(frozen=True)
class _Call:
    """A call with what stands around it."""

    node: ast.Call
    module: str
    function: Function | None
    owner: ast.ClassDef | None

    @property
    def place(self) -> str:
        return f"{self.module}:{self.node.lineno}"


def error_ids(package: Path) -> frozenset[Said]:
    """Return the ids of errors and complaints, which docs/troubleshooting.md explains."""
    calls = _calls(package)
    return _ids(calls, _ERRORS | _COMPLAINTS | _REASONS, _subclasses(package)) | _script_ids(package)


def _script_ids(package: Path) -> frozenset[Said]:
    """Return what steps on a host fail with."""
    found = {
        Said(name, path.relative_to(package).as_posix())
        for path in sorted(package.rglob("*.sh"))
        for name in _BY_SCRIPTS.findall(path.read_text("utf-8"))
    }
    step_failed = Said("step-failed", "compose/run_journal.py")  # a step that ended without a word
    return frozenset(found | {step_failed} | {Said(name, "compose/verify_steps.py") for name in _PROBED})


def complaint_ids(package: Path) -> frozenset[Said]:
    """Return the ids of complaints alone, which difyaction/explanations.toml explains in a sentence each."""
    return _ids(_calls(package), _COMPLAINTS)


def remark_ids(package: Path) -> frozenset[Said]:
    """Return the kinds of a plan's remarks."""
    return _ids(_calls(package), _REMARKS)


def _calls(package: Path) -> list[_Call]:
    found: list[_Call] = []
    for path in sorted(package.rglob("*.py")):
        if path.name not in _DEFINES_THEM:
            module = path.relative_to(package).as_posix()
            found += _inside(ast.parse(path.read_text("utf-8")), module, None, None)
    return found


def _inside(node: ast.AST, module: str, function: Function | None, owner: ast.ClassDef | None) -> Iterator[_Call]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield _Call(child, module, function, owner)
        if isinstance(child, Function):
            yield from _inside(child, module, child, owner)
        elif isinstance(child, ast.ClassDef):
            yield from _inside(child, module, function, child)
        else:
            yield from _inside(child, module, function, owner)


def _subclasses(package: Path) -> frozenset[Taker]:
    """Return the errors that other modules derive from ours, where they are known by their names.

    A class of the same name that is no error of ours stands in other modules.
    """
    trees = {
        path.relative_to(package).with_suffix("").as_posix(): ast.parse(path.read_text("utf-8"))
        for path in package.rglob("*.py")
        if path.name not in _DEFINES_THEM
    }
    found: dict[str, str] = {}
    while new := _derived(trees, {*_ERRORS, *found}) - found.items():
        found |= dict(new)
    takers = {Taker(name, 0, "id", f"{module}.py") for name, module in found.items()}
    for module, tree in trees.items():
        known = {name for name, home in found.items() if module == home or _imports(tree, name, home)}
        takers |= {Taker(name, 0, "id", f"{module}.py") for name in known | _chosen(tree, {*_ERRORS, *known})}
    return frozenset(takers)


def _derived(trees: dict[str, ast.Module], errors: set[str]) -> set[tuple[str, str]]:
    return {
        (node.name, module)
        for module, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any(_last_name(base) in errors for base in node.bases)
    }


def _imports(tree: ast.Module, name: str, home: str) -> bool:
    dotted = f"difyaction.{home.replace('/', '.').removesuffix('.__init__')}"
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == dotted)
    return any(alias.name == name for node in imports for alias in node.names)


def _chosen(tree: ast.Module, errors: set[str]) -> set[str]:
    """Return the names that are given one of two errors: ``kind = Lost if gone else Failed``."""
    return {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.IfExp)
        for target in node.targets
        if isinstance(target, ast.Name) and {_last_name(node.value.body), _last_name(node.value.orelse)} <= errors
    }


def _ids(calls: list[_Call], first: frozenset[str], more: frozenset[Taker] = frozenset()) -> frozenset[Said]:
    takers = {*more, *(_taker(name) for name in first)}
    said: set[Said] = set()
    waiting = set(takers)
    while waiting:
        new: set[Taker] = set()
        for taker in waiting:
            for call in calls:
                if _takes(taker, call) and (expression := _argument(taker, call.node)) is not None:
                    ids, further = _followed(expression, call, taker.prefix)
                    said |= {Said(each, call.place) for each in ids}
                    new |= further
        waiting = new - takers
        takers |= new
    return frozenset(said)


def _taker(name: str) -> Taker:
    if name in _REASONS:
        return Taker(name, 1, "id", "compose/outcome.py")
    return Taker(name, 0, "kind" if name in _REMARKS else "id")


def _takes(taker: Taker, call: _Call) -> bool:
    return _last_name(call.node.func) == taker.name and taker.module in {"", call.module}


def _argument(taker: Taker, call: ast.Call) -> ast.expr | None:
    """Return the expression of the id; None when it is left out, so that the default counts."""
    named = next((keyword.value for keyword in call.keywords if keyword.arg == taker.keyword), None)
    if named is not None or taker.position < 0:
        return named
    return call.args[taker.position] if taker.position < len(call.args) else None


def _followed(expression: ast.expr, call: _Call, prefix: str) -> tuple[set[str], set[Taker]]:
    """Return the ids that an expression may be, and the callables whose callers have to be looked at."""
    match expression:
        case ast.Constant(value=str(text)):
            return {prefix + text}, set()
        case ast.IfExp(body=one, orelse=other):
            (ids, takers), (more, further) = _followed(one, call, prefix), _followed(other, call, prefix)
            return ids | more, takers | further
        case ast.JoinedStr(values=[ast.Constant(value=str(start)), ast.FormattedValue(value=rest)]):
            return _followed(rest, call, prefix + start)
        case ast.Name(id=name):
            return _of_parameter(name, call, prefix)
        case ast.Attribute(value=ast.Name(id="why"), attr="id"):
            return set(), set()  # of a `Reason`, which a script on a host gave
        case ast.Attribute(value=ast.Name(id="self"), attr=name) if call.owner is not None:
            return set(), {Taker(call.owner.name, _field(call.owner, name), name, prefix=prefix)}
        case _:
            raise UntraceableError(f"{call.place}: write the id as a literal, not as {ast.unparse(expression)}")


def _of_parameter(name: str, call: _Call, prefix: str) -> tuple[set[str], set[Taker]]:
    if call.function is None or name not in _parameters(call.function):
        raise UntraceableError(f"{call.place}: the id {name!r} is no parameter; write it as a literal")
    function, names = call.function, _parameters(call.function)
    positional = [each.arg for each in function.args.posonlyargs + function.args.args]
    position = positional.index(name) if name in positional else -1
    if positional[:1] in (["self"], ["cls"]) and position > 0:
        position -= 1
    module = call.module if function.name.startswith("_") or call.owner is not None else ""
    default = names[name]
    ids = {prefix + default.value} if isinstance(default, ast.Constant) and isinstance(default.value, str) else set()
    return ids, {Taker(function.name, position, name, module, prefix)}


def _parameters(function: Function) -> dict[str, ast.expr | None]:
    """Return every parameter with its default."""
    arguments = function.args
    positional = arguments.posonlyargs + arguments.args
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    plain = {each.arg: default for each, default in zip(positional, defaults, strict=True)}
    named = {each.arg: default for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)}
    return plain | named


def _field(owner: ast.ClassDef, name: str) -> int:
    """Return the position of a dataclass's field."""
    fields = [node.target.id for node in owner.body if isinstance(node, ast.AnnAssign) and _is_name(node.target)]  # type: ignore[union-attr]
    return fields.index(name)


def _is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name)


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""
