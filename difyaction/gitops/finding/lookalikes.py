"""Files that look like values for a chart of Dify, and that nothing says to be: named, and left as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from difyaction import errors
from difyaction.gitops.editing.yamltext import read
from difyaction.gitops.files import FileAt
from difyaction.gitops.finding import charts
from difyaction.gitops.finding.found import Found
from difyaction.gitops.finding.kinds.values import ENOUGH, is_plausible
from difyaction.gitops.finding.tree import trees
from difyaction.gitops.records import Remark
from difyaction.language import N_

_WORDS = tuple(re.compile(rb"\b(?:" + word + rb")\b") for word in (b"image", b"tag", b"api", b"web|frontend"))


def remarks(files: Sequence[FileAt], found: Mapping[str, Found]) -> Iterator[Remark]:
    """Yield a remark on every such file. Only where a version of Dify's chart is written: else they are nobody's."""
    if not any(spot.kind == "chart-version" for each in found.values() for spot in each.spots):
        return
    for file in files:
        known = found.get(file.path)
        has_words = all(word.search(file.content) for word in _WORDS)
        if has_words and (known is None or not known.matters) and _has_shape(file):
            text = N_(
                "{file} looks like values for the chart dify, and nothing says that it is: tags in it are left as they "
                "are. If it is, name it in `files`, or beside the chart."
            )
            yield Remark("values-look-alike", text, {"file": file.path}, file=file.path)


def _has_shape(file: FileAt) -> bool:
    try:
        text = read(file.content, file=file.path)
    except errors.Invalid:
        return False
    return any(
        layout.fits(tree, ())
        and layout.weight(tree, ()) >= ENOUGH
        and is_plausible(tree.value(tag))
        and tree.value(tag)
        for tree in trees(text)
        for layout in charts.layouts()
        for tag in layout.tags
    )
