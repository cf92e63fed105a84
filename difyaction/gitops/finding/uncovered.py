"""Texts that name an image of Dify where no place was found: they must not be passed over in silence."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from difyaction.gitops.editing.address import INLINE, Path
from difyaction.gitops.editing.yamltext import Scalar, Text
from difyaction.gitops.finding.scopes import Scope
from difyaction.gitops.records import PlanOptions
from difyaction.releases.images import KNOWN

_SHORTEST = 4  # characters; no reference to an image with a tag is shorter
_LIST = "image-updater"  # Argo CD's image updater keeps constraints in annotations, not tags
_TAG = re.compile(r"\b(?:tag|newTag|imageTag)\b[\"']?[ \t]*[:=]")
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)


@dataclass(frozen=True)
class Loose:
    """A text with a tag of Dify that no place covers. ``why`` is said of text that should be YAML and cannot be read.

    ``where`` is its path, as a reader sees it.
    """

    path: Path
    document: int
    line: int
    text: str
    why: str = ""


def uncovered(
    text: Text, known: Collection[tuple[int | None, Path]], lines: Collection[int], options: PlanOptions
) -> Iterator[Loose]:
    """Yield what names a tag of Dify but is none of the places in ``known``, nor in one of the ``lines``."""
    pattern = _names(tuple(options.image_map.values()))
    if not pattern.search(text.content):
        return
    for scalar in text.scalars:
        if len(scalar.value) < _SHORTEST or not pattern.search(scalar.value) or scalar.alias_of is not None:
            continue
        if (scalar.document, scalar.path) in known or scalar.line in lines:
            continue
        if not _is_list(scalar.path) and not _is_entered(text, scalar):
            yield from _loose(text, scalar, pattern)


def closed(text: Text, around: Sequence[tuple[int, Scope]]) -> Iterator[Loose]:
    """Yield texts that are values of Dify's chart with a tag in them, and are written so that nobody looks inside."""
    for scalar in text.scalars:
        if scalar.path[-1:] != ("values",) or scalar.alias_of is not None or _is_entered(text, scalar):
            continue
        scope = next(
            (each for number, each in around if number == scalar.document and each.chart and each.holds(scalar.path)),
            None,
        )
        if scope and scope.is_dify and _TAG.search(_COMMENT.sub("", scalar.value)):
            yield _made(text, scalar)


def _loose(text: Text, scalar: Scalar, pattern: re.Pattern[str]) -> Iterator[Loose]:
    value = _COMMENT.sub("", scalar.value) if "\n" in scalar.value else scalar.value
    found = [match for match in pattern.finditer(value) if _has_tag(value, match)]
    if found or (pattern.search(value) and _TAG.search(value)):
        yield _made(text, scalar, value[found[0].start() :].split()[0] if found else "")


def _has_tag(value: str, match: re.Match[str]) -> bool:
    return re.match(r":[\w${<]|@[a-z0-9]+:", value[match.end() : match.end() + 12]) is not None


def _made(text: Text, scalar: Scalar, shown: str = "") -> Loose:
    why, line = text.opaque.get((scalar.document, scalar.path), ("", scalar.line))
    return Loose(scalar.path, scalar.document, line, shown or scalar.value.strip().partition("\n")[0][:80], why)


def _is_list(path: Path) -> bool:
    return bool(path) and _LIST in str(path[-1])


def _is_entered(text: Text, scalar: Scalar) -> bool:
    """Whether the leaves inside of this text were read, and are looked at by themselves."""
    return (scalar.document, (*scalar.path, INLINE)) in text.collections


@functools.cache
def _names(mirrors: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("(?:" + "|".join(re.escape(name) for name in (*sorted(KNOWN), *mirrors)) + r")(?![\w./-])")
