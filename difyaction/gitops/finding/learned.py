"""Tags in overlays, known from where their base names the image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from difyaction import errors
from difyaction.gitops.editing.yamltext import Scalar, Text, read
from difyaction.gitops.files import FileAt
from difyaction.gitops.finding import bases, globs, names
from difyaction.gitops.finding.found import Found
from difyaction.gitops.finding.kinds import variables
from difyaction.gitops.finding.kinds.values import is_plausible
from difyaction.gitops.finding.scopes import scopes
from difyaction.gitops.finding.spot import Spot
from difyaction.gitops.finding.tree import trees
from difyaction.gitops.records import PlanOptions


def with_learned(
    found: Sequence[Found], files: Sequence[FileAt], options: PlanOptions, wanted: Sequence[str]
) -> tuple[Found, ...]:
    """Add what overlays set at the very paths where their base sets tags of Dify. Nothing found, nothing added."""
    by_file = {each.file: each for each in found}
    teachers = {each.file: tags for each in found if (tags := [spot for spot in each.spots if spot.kind == "tag"])}
    shelf = bases.Shelf.of(teachers)
    for file in files if teachers else ():
        if not globs.admits(file.path, wanted) or variables.is_env(file.path):
            continue
        lessons = [spot for base in shelf.continued_by(file.path) for spot in teachers[base]]
        if lessons and b"tag" in file.content:
            known = by_file.get(file.path, Found(file=file.path))
            by_file[file.path] = _taught(known, file, lessons, options)
    return tuple(each for each in by_file.values())


def _taught(known: Found, file: FileAt, lessons: Sequence[Spot], options: PlanOptions) -> Found:
    text = known.text or _readable(file)
    if text is None:
        return known
    own = {spot.path for spot in known.spots}
    new = tuple(_spots(text, (lesson for lesson in lessons if lesson.path not in own), options))
    return replace(known, spots=known.spots + new, text=text) if new else known


def _spots(text: Text, lessons: Iterator[Spot], options: PlanOptions) -> Iterator[Spot]:
    for lesson in {lesson.path: lesson for lesson in lessons}.values():
        leaf = text.get(lesson.path)
        if leaf is None or not leaf.text or not names.is_upstreams(lesson.image, names.find_place(leaf.text).tag):
            continue
        if not is_plausible(leaf.text) or _is_anothers(text, leaf):
            continue
        place = names.find_place(leaf.text)
        beside = text.get((*lesson.path[:-1], "repository"), leaf.document)
        if place.hole or (beside and names.canonical(beside.text, options.image_map) is None):
            continue
        yield replace(
            lesson,
            file=text.file,
            path=leaf.path,
            document=leaf.document,
            value=leaf.text,
            span=place.span,
            before=place.tag,
            digest=place.digest,
            digest_path=None,
            line=leaf.line,
        )


def _is_anothers(text: Text, leaf: Scalar) -> bool:
    """Whether a value is for a chart that is not Dify's, whatever the file beside it is for."""
    for tree in trees(text):
        if tree.document == leaf.document and not tree.of_parameters:
            scope = next((each for each in scopes(tree) if each.chart and each.holds(leaf.path)), None)
            return scope is not None and not scope.is_dify
    return False


def _readable(file: FileAt) -> Text | None:
    try:
        return read(file.content, file=file.path)
    except errors.Invalid:  # nothing in it names Dify, so that nothing in it is our business
        return None
