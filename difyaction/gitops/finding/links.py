"""Where else values for a chart of Dify stand: other files that the naming of the chart points to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from difyaction.gitops.editing.address import Path
from difyaction.gitops.finding.bases import directory
from difyaction.gitops.finding.scopes import CHART, is_dify
from difyaction.gitops.finding.tree import Tree

_OUTSIDE = re.compile(r"^[a-z+]+://|\{\{|\$\{")


@dataclass(frozen=True)
class Link:
    """A file with values for Dify's chart. ``prefix`` is the part of it that the chart gets; ``text`` as it is written.

    ``file`` ends with a slash where every values file of a directory is meant. ``is_sure`` says that the file has to
    be there; else it is one by convention. An empty ``file`` is one that is not in this repository, as far as anybody
    can tell.
    """

    file: str
    prefix: Path
    text: str
    line: int
    is_sure: bool = True


def links(tree: Tree) -> Iterator[Link]:
    """Yield what a document says of values elsewhere: umbrella charts, helmfile, Argo CD, kustomize, Flux."""
    yield from _umbrella(tree)
    for parent, scalar in tree.ending(("chart",)):
        if is_dify(scalar.text):
            yield from _listed(tree, (*parent, "values"))
            yield from _listed(tree, (*parent, "helm", "valueFiles"))
            if parent[-2:] == ("chart", "spec"):
                yield from _objects(tree, (*parent[:-2], "valuesFrom"))
    for parent, scalar in tree.ending(("name",)):
        if parent[-2:-1] == ("helmCharts",) and scalar.text == CHART:
            yield from _listed(tree, (*parent, "additionalValuesFiles"))
            if file := tree.leaves.get((*parent, "valuesFile")):
                yield _link(tree, file.text, file.line)


def _umbrella(tree: Tree) -> Iterator[Link]:
    if tree.file.rpartition("/")[2] != "Chart.yaml":
        return
    for parent, scalar in tree.ending(("name",)):
        if parent[:1] == ("dependencies",) and scalar.text == CHART:
            alias = tree.value((*parent, "alias")) or CHART
            here = directory(tree.file)
            yield Link(f"{here}/" if here != "." else "/", (alias,), alias, scalar.line, is_sure=False)


def _listed(tree: Tree, at: Path) -> Iterator[Link]:
    """Yield the file names of a list. What are values themselves, and no names, have deeper paths."""
    number = 0
    while item := tree.leaves.get((*at, number)):
        yield _link(tree, item.text, item.line)
        number += 1


def _objects(tree: Tree, at: Path) -> Iterator[Link]:
    number = 0
    while name := tree.leaves.get((*at, number, "name")):
        yield Link("", (), f"{tree.value((*at, number, 'kind'))} {name.text}".strip(), name.line)
        number += 1


def _link(tree: Tree, text: str, line: int) -> Link:
    reference, slash, rest = text.partition("/")
    if reference.startswith("$") and slash and not _OUTSIDE.search(rest):  # Argo CD: from the root of a repository
        return Link(posixpath.normpath(rest), (), text, line)
    if _OUTSIDE.search(text) or text.startswith("/"):
        return Link("", (), text, line)
    file = posixpath.normpath(posixpath.join(posixpath.dirname(tree.file), text))
    return Link("" if file.startswith("..") else file, (), text, line)
