"""What a reader may want to see of a machine's plan, whole: facts, estimates, diffs, the script. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from difyaction.compose.draft import Draft
from difyaction.compose.env_file import read_env
from difyaction.compose.env_records import shown
from difyaction.compose.estimates import Estimates
from difyaction.compose.facts import Machine
from difyaction.compose.shift import Shift
from difyaction.secret import Secret
from difyaction.target import Document

_CONTEXT = 2


def documents(
    machine: Machine, shift: Shift, drafted: Draft | None, *, estimates: Estimates, script: str
) -> Iterator[Document]:
    """Yield what a reader may want to see whole."""
    yield Document("Facts", facts_text(machine, shift))
    yield Document("Estimates", estimates.lines())
    diffs = [_diff(path, shift, drafted) for path in drafted.written] if drafted else []
    if diffs:
        yield Document("Files", "\n".join(diffs), "diff")
    if script:
        yield Document("Runbook", script, "sh")


def facts_text(machine: Machine, shift: Shift) -> str:
    """Return the facts that a reader looks for first."""
    database, engine, install = shift.database, machine.engine, shift.install
    lines = [
        f"folder: {install.folder} ({install.kind}), project {install.project}",
        f"engine: Docker {engine.version}{', rootless' if engine.rootless else ''}{', by sudo' if engine.sudo else ''}",
        f"compose: {' '.join(engine.compose)} {engine.compose_version}",
        f"override files: {', '.join(install.overrides) or 'none'}",
        f"database: {database.kind} {database.server or 'silent'} at {database.service or database.host}",
        f"schema: {shift.head_before or 'unknown'}, then {shift.head_after or 'as its image says'}",
        *(f"database {name}: {size} bytes" for name, size in sorted(database.sizes.items()) if name in database.names),
        *(
            f"{c.service}: {c.image}, {c.state}, restarted {c.restarts} times"
            for c in machine.containers
            if not c.one_off
        ),
        f"untouched: {', '.join(shift.untouched) or 'nothing'}",
        f"users meet it at {shift.url}",
        f"earlier backups: {', '.join(backup.id for backup in machine.backups) or 'none'}",
    ]
    return "\n".join(lines)


def _diff(path: str, shift: Shift, drafted: Draft) -> str:
    held = shift.install.files.get(path)
    before, after = (_shown(path, content) for content in (held.content if held else b"", drafted.files[path]))
    if held is None:
        return f"+++ {path} (new, {len(after)} lines)"
    return "\n".join(difflib.unified_diff(before, after, f"{path} (now)", f"{path} (merged)", lineterm="", n=_CONTEXT))


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
