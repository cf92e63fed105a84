"""Short words for the tests of the editor."""

from __future__ import annotations

import pytest

from difyaction import errors
from difyaction.gitops.editing.address import parse_path
from difyaction.gitops.editing.splice import Edit, splice
from difyaction.gitops.editing.yamltext import Scalar, read

FILE = "values.yaml"


def edited(text: str | bytes, path: str, value: str, *, shared: bool = False) -> str | bytes:
    """Return the text, or bytes, with one value changed."""
    document, elements = parse_path(path)
    content = text.encode() if isinstance(text, str) else text
    after = splice(content, [Edit(elements, document, value, shared=shared)], file=FILE)
    return after.decode() if isinstance(text, str) else after


def refusal(text: str | bytes, *paths: str, value: str = "1.14.1") -> tuple[str, int]:
    """Return the id and the line of the refusal to edit, which also names the file."""
    content = text.encode() if isinstance(text, str) else text
    edits = [Edit(elements, document, value) for document, elements in map(parse_path, paths)]
    with pytest.raises(errors.Invalid) as refused:
        splice(content, edits, file=FILE)
    complaint = refused.value.complaints[0]
    assert complaint.file == FILE
    assert complaint.text.startswith(f"{FILE}, line {complaint.line}: ")
    return complaint.id, complaint.line


def scalar(text: str | bytes, path: str) -> Scalar:
    """Return the scalar at a path."""
    document, elements = parse_path(path)
    found = read(text.encode() if isinstance(text, str) else text, file=FILE).get(elements, document)
    assert found is not None
    return found
