"""What a plan shows and what it is known by: the diff of each file, and the digest of the whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from difyaction.gitops.files import ChangedFile
from difyaction.gitops.records import GitopsFacts
from difyaction.line_diff import unified
from difyaction.target import Change, Document, Objection


def diffs(changed: Sequence[ChangedFile]) -> tuple[Document, ...]:
    """Return the unified diff of every file."""
    return tuple(Document(file.path, _diff(file), "diff") for file in changed)


def plan_id(
    facts: GitopsFacts, changes: Sequence[Change], changed: Sequence[ChangedFile], objections: Sequence[Objection]
) -> str:
    """Digest what would be done to what. Release notes, and files that do not change, take no part."""
    oids = {file.path: file.oid for file in facts.files}
    options = facts.options
    content = {
        "changes": sorted([each.where, each.what, each.before, each.after, each.unit] for each in changes),
        "files": sorted([file.path, file.mode, oids[file.path] or _digest(file.before)] for file in changed),
        "after": sorted([file.path, _digest(file.after)] for file in changed),
        "objections": sorted(
            [each.consent, each.severity, each.text, sorted((key, str(fact)) for key, fact in each.facts.items())]
            for each in objections
        ),
        "release": facts.release.published.tag if facts.release else "",
        "options": [options.delivery, options.chart_version, options.pin_digests, options.allow_downgrade],
        "bound": sorted(options.bound),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _diff(file: ChangedFile) -> str:
    before, after = (_lines(content) for content in (file.before, file.after))
    names = (f"a/{file.path}", f"b/{file.path}")
    lines = unified(before, after, names, in_place=len(before) == len(after))
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(content: bytes) -> list[str]:
    """Split at line feeds alone, as Git does."""
    parts = content.decode("utf-8", "replace").split("\n")
    return [part + "\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
