"""Which Helm chart the values at a place are for, as far as the document around them says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from difyaction.gitops.editing.address import Path
from difyaction.gitops.finding import names
from difyaction.gitops.finding.tree import Tree

CHART = "dify"

_GIT_PATH = re.compile(r"(?:^|/)charts/dify/?$")


@dataclass(frozen=True)
class Scope:
    """A mapping that says what it is about. ``chart`` is the chart's name, '' where only other words speak of Dify."""

    path: Path
    chart: str = ""

    def holds(self, path: Path) -> bool:
        """Whether a path lies inside."""
        return path[: len(self.path)] == self.path

    @property
    def is_dify(self) -> bool:
        """Whether this is Dify's chart, by its very name."""
        return self.chart == CHART

    @property
    def is_another(self) -> bool:
        """Whether this is a chart whose name does not even speak of Dify."""
        return bool(self.chart) and not names.mentions(self.chart)


def is_dify(chart: str) -> bool:
    """Whether a chart is Dify's: by its name, behind whatever repository."""
    return chart_name(chart) == CHART


def chart_name(chart: str) -> str:
    """Return the name of a chart without its repository: `dify` of `oci://registry.example/charts/dify`."""
    return chart.rstrip("/").rpartition("/")[2]


def from_git(tree: Tree, source: Path) -> bool:
    """Whether a source of Argo CD takes Dify's chart from a Git repository."""
    repository, path = (tree.value((*source, key)) for key in ("repoURL", "path"))
    return names.mentions(repository) and _GIT_PATH.search(path) is not None


def scopes(tree: Tree) -> tuple[Scope, ...]:
    """Return every scope of a document, those whose chart is known before others, inner before outer."""
    found = (*_with_chart(tree.around or tree), *_with_words(tree.around or tree))
    return tuple(sorted(dict.fromkeys(found), key=lambda scope: (not scope.chart, -len(scope.path))))


def _with_chart(tree: Tree) -> Iterator[Scope]:
    for parent, scalar in tree.ending(("chart",)):
        if scalar.text:  # Flux says it two levels below what it is about
            yield Scope(parent[:-2] if parent[-2:] == ("chart", "spec") else parent, chart_name(scalar.text))
    for parent, scalar in tree.ending(("name",)):
        if parent[-2:-1] == ("helmCharts",) and scalar.text:
            yield Scope(parent, scalar.text)
    for parent, _ in tree.ending(("repoURL",)):
        if not tree.value((*parent, "chart")) and from_git(tree, parent):
            yield Scope(parent, CHART)


def _with_words(tree: Tree) -> Iterator[Scope]:
    for key in ("repoURL", "path", "url", "repo", "releaseName"):
        for parent, scalar in tree.ending((key,)):
            if names.mentions(scalar.text):
                yield Scope(parent)
    for parent, scalar in tree.ending(("name",)):
        if names.mentions(scalar.text):
            if parent == ("metadata",):
                yield Scope(())
            elif parent[-1:] == ("chartRef",):
                yield Scope(parent[:-1])
            elif parent[-2:-1] == ("releases",):
                yield Scope(parent)
