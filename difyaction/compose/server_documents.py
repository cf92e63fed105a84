"""What a reader may want to see of a machine's plan, whole: facts, estimates, diffs, the script. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from difyaction.compose.draft import Draft
from difyaction.compose.env_file import read_env
from difyaction.compose.env_records import shown
from difyaction.compose.estimates import Estimates
from difyaction.compose.facts import Machine
from difyaction.compose.facts_text import facts_text
from difyaction.compose.shift import Shift
from difyaction.language import N_
from difyaction.line_diff import unified
from difyaction.secret import Secret
from difyaction.target import Document

_CONTEXT = 2


def documents(
    machine: Machine, shift: Shift, drafted: Draft | None, *, estimates: Estimates, script: str
) -> Iterator[Document]:
    """Yield what a reader may want to see whole."""
    yield Document(N_("Facts"), facts_text(machine, shift))
    yield Document(N_("Estimates"), estimates.lines(), shown=True)
    if drafted and drafted.written:
        yield Document(N_("Files"), "\n".join(_files(shift, drafted)), "diff")
    if script:
        yield Document(N_("Runbook"), script, "sh")


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
    after = _shown(path, drafted.files[path])
    if held is None:
        return f"+++ {path} (new, {len(after)} lines)"
    name, content = ("now", held.content) if upstream is None else (f"upstream's of {shift.wanted}", upstream)
    before = _shown(path, content)
    title = "merged" if upstream is None else "with your edits"
    lines = unified(before, after, (f"{path} ({name})", f"{path} ({title})"), end="", context=_CONTEXT)
    return "\n".join(lines) or f"# {path}: becomes upstream's of {shift.wanted}, in which your edits are already"


def _shown(path: str, content: bytes) -> list[str]:
    """Return lines that may be printed: in env files, values that look like secrets are stars."""
    text = content.decode("utf-8", "replace")
    if path.rpartition("/")[2].startswith(".env") or path.endswith(".env"):
        env = read_env(content, file=path)
        for entry in reversed(env.entries):
            raw = env.raw(entry)
            if isinstance(shown(entry.key, raw, raw), Secret):
                text = f"{text[: entry.start]}***{text[entry.end :]}"
    return text.splitlines()
