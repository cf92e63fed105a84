"""Moves as edits of files, and edits over the bytes of files."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from difyaction import errors
from difyaction.gitops.editing.address import Path
from difyaction.gitops.editing.dotenv import read_env, set_env
from difyaction.gitops.editing.splice import Edit, splice
from difyaction.gitops.editing.yamltext import read
from difyaction.gitops.files import ChangedFile, FileAt
from difyaction.gitops.finding.kinds import variables
from difyaction.gitops.finding.spot import Spot
from difyaction.gitops.planning.moves import Move
from difyaction.gitops.records import FileEdit

_TAGS = frozenset({"tag", "newTag", "imageTag", "version", "appVersion", "targetRevision", "image", "digest"})


def edits_of(moves: Sequence[Move]) -> Mapping[str, FileEdit]:
    """Gather moves by file, every leaf once, in the order of the files' names."""
    by_file: dict[str, dict[object, Edit]] = defaultdict(dict)
    for move in moves:
        edit = Edit(
            move.path,
            move.spot.document,
            move.value,
            expect=move.expect,
            shared=move.spot.kind == "set",
            keeps_kind=move.spot.kind == "set" and not _is_tag(move.spot, move.path),
        )
        by_file[move.spot.file].setdefault((move.spot.document, move.path), edit)
    return {
        file: FileEdit(file, tuple(edits.values()), is_env=variables.is_env(file))
        for file, edits in sorted(by_file.items())
    }


def _is_tag(spot: Spot, path: Path) -> bool:
    """Whether a place holds a tag or a version, which is a text even where it looks like a number: `1.10`."""
    return bool(spot.image) or (bool(path) and path[-1] in _TAGS) or spot.layout == "chart"


def apply_all(files: Mapping[str, FileAt], edits: Mapping[str, FileEdit]) -> tuple[ChangedFile, ...]:
    """Apply every file's edits. Raises `errors.Invalid` with the complaints about all files at once."""
    changed: list[ChangedFile] = []
    complaints: list[errors.Complaint] = []
    for path, edit in edits.items():
        file = files[path]
        try:
            after = apply(file.content, edit)
        except errors.Invalid as why:
            complaints.extend(why.complaints)
        else:
            changed.append(ChangedFile(path, file.mode, file.content, after))
    if complaints:
        raise errors.Invalid(complaints)
    return tuple(changed)


def apply(content: bytes, edit: FileEdit) -> bytes:
    """Apply one file's edits. Raises `errors.Invalid` when a value is gone, or is not what it was."""
    if not edit.is_env:
        return splice(content, edit.edits, file=edit.file)
    wanted = {str(each.path[0]): each for each in edit.edits}
    lines = read_env(content, file=edit.file)
    times = Counter(line.key for line in lines)
    for line in lines:
        each = wanted.get(line.key)
        if each and times[line.key] == 1 and each.expect not in {None, line.value}:  # `set_env` refuses the others
            text = f"{edit.file}, line {line.line}: {line.key} is {line.value!r}, not {each.expect!r} as expected"
            raise errors.Invalid([errors.Complaint(id="edit-stale", text=text, file=edit.file, line=line.line)])
    return set_env(content, {key: each.value for key, each in wanted.items()}, file=edit.file)


def outstanding(content: bytes, edit: FileEdit) -> FileEdit:
    """Return what is still to be done in fresh content: somebody else may have made some of the edits already."""
    if edit.is_env:
        there: Mapping[str, str] = {line.key: line.value for line in read_env(content, file=edit.file)}
        left = tuple(each for each in edit.edits if there.get(str(each.path[0])) != each.value)
    else:
        text = read(content, file=edit.file)
        left = tuple(
            each
            for each in edit.edits
            if (leaf := text.get(each.path, each.document)) is None or leaf.text != each.value
        )
    return FileEdit(edit.file, left, is_env=edit.is_env)
