"""What a reader may want to see of a machine's plan, whole: facts, estimates, diffs, the script. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from difyaction.compose.discreet import discreet, secretive
from difyaction.compose.draft import Draft
from difyaction.compose.env_file import read_env
from difyaction.compose.estimates import Estimates
from difyaction.compose.facts import Machine
from difyaction.compose.facts_text import facts_text
from difyaction.compose.shift import Shift
from difyaction.compose.steps import Step
from difyaction.language import N_
from difyaction.line_diff import unified
from difyaction.target import Document

_CONTEXT = 2


def documents(machine: Machine, shift: Shift, drafted: Draft | None, estimates: Estimates) -> Iterator[Document]:
    """Yield what was found, what it takes, and what becomes of their files."""
    yield Document(N_("Facts"), facts_text(machine, shift))
    yield Document(N_("Estimates"), estimates.lines(), shown=True)
    if drafted and drafted.written:
        yield Document(N_("Files"), "\n".join(_files(shift, drafted)), "diff")


def runbook_documents(steps: Sequence[Step], script: str) -> Iterator[Document]:
    """Yield what will run: first without the verbs that every runbook has, then the very script."""
    if steps:
        yield Document(N_("Steps"), "\n".join(_steps(steps)), "sh")
        yield Document(N_("Runbook"), script, "sh")


def _steps(steps: Sequence[Step]) -> Iterator[str]:
    for number, step in enumerate(steps, 1):
        most = f" (at most {step.timeout} s)" if step.timeout else ""
        yield f"# {number:03} {step.name}: {step.title or step.name}{most}"
        if step.no_return:
            yield "# from here on nothing of what came before is undone"
        yield step.do.strip("\n")
        if step.undo.strip():
            yield "# undone by"
            yield step.undo.strip("\n")
        yield ""


def _files(shift: Shift, drafted: Draft) -> Iterator[str]:
    """Yield the diffs of what they edited, then a line for each file that is upstream's before and after."""
    for path in drafted.edited:
        yield _diff(path, shift, drafted)
    for path in drafted.written:
        if path not in drafted.edited:
            how = f"upstream's of {shift.installed}" if path in shift.install.files else "not there"
            yield f"# {path}: {how}, becomes upstream's of {shift.wanted}"


def _diff(path: str, shift: Shift, drafted: Draft) -> str:
    """Return what a reader looks for: of `.env` what changes, of a file of upstream's what in it is theirs."""
    held, upstream = shift.install.files.get(path), drafted.upstream.get(path)
    if held is None:
        return f"+++ {path} (new, {len(drafted.files[path].splitlines())} lines)"
    if upstream is None:
        # lines beside a change are theirs, comments and values that nobody asked to see
        starred = _starred_lines if path in shift.install.overrides else _starred
        before, after, context = starred(path, held.content), starred(path, drafted.files[path]), 0
        names = (f"{path} (now)", f"{path} (merged)")
    else:
        before, after, context = _lines(upstream), _lines(drafted.files[path]), _CONTEXT
        names = (f"{path} (upstream's of {shift.wanted})", f"{path} (with your edits)")
    lines = list(unified(before, after, names, end="", context=context))
    if upstream is not None:
        lines = list(_discreet(lines))
    return "\n".join(lines) or f"# {path}: becomes upstream's of {shift.wanted}, in which your edits are already"


def _discreet(diff: Sequence[str]) -> Iterator[str]:
    """Star what looks like a secret in the lines that are theirs; all others are upstream's."""
    head, body = diff[:2], diff[2:]
    theirs = discreet(line[1:] for line in body if line.startswith("+"))
    yield from head
    for line in body:
        yield f"+{next(theirs)}" if line.startswith("+") else line


def _starred(path: str, content: bytes) -> list[str]:
    """Return an env file's lines: values that look like secrets are stars, and what follows a value is left out."""
    env = read_env(content, file=path)
    text = env.text
    for entry in reversed(env.entries):
        raw, stop = text[entry.start : entry.end], text.find("\n", entry.end)
        stars = "***" if secretive(entry.key, raw) else raw
        text = text[: entry.start] + stars + ("" if stop < 0 else text[stop:])
    return _lines(text.encode("utf-8", "surrogateescape"))


def _starred_lines(_: str, content: bytes) -> list[str]:
    """Return a compose file's lines: what looks like a secret is stars."""
    return list(discreet(_lines(content)))


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").splitlines()
