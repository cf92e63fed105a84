"""Versions of a Helm chart of Dify: Argo CD, Flux, Chart.yaml, kustomize, helmfile. And `appVersion`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from difyaction.gitops.editing.address import Path
from difyaction.gitops.finding import names
from difyaction.gitops.finding.kinds.scan import Gap, Scan, spot_or_gap
from difyaction.gitops.finding.scopes import CHART, from_git, is_dify
from difyaction.gitops.finding.spot import Spot

FLUX = "flux:"  # a repository that another object names; `discover` looks its address up

_EXACT = re.compile(r"(?:.*[-/])??v?(?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.+-]+)?)")


def find(scan: Scan) -> Iterator[Spot | Gap]:
    """Yield every leaf that says which version of a chart named dify is wanted."""
    for at, repository in (*_argo(scan), *_flux(scan), *_lists(scan)):
        scalar = scan.tree.leaves.get(at)
        if scalar is None or not scalar.text:
            continue
        place = find_version(scalar.text)
        yield spot_or_gap(scan, scalar, place, image="", repository=repository, kind="chart-version", layout="chart")


def find_app_version(scan: Scan) -> Iterator[Spot | Gap]:
    """Yield `appVersion` of a Chart.yaml. Whether the chart is Dify's own is for `discover` to say."""
    scalar = scan.tree.leaves.get(("appVersion",))
    if scan.tree.file.rpartition("/")[2] != "Chart.yaml" or scalar is None or not scalar.text:
        return
    place = names.find_place(scalar.text)
    yield spot_or_gap(scan, scalar, place, image=names.API, repository=names.API, kind="app-version", layout="chart")


def depends_on_dify(scan: Scan) -> bool:
    """Whether this Chart.yaml takes Dify's chart from elsewhere."""
    return any(
        scalar.text == CHART for parent, scalar in scan.tree.ending(("name",)) if parent[:1] == ("dependencies",)
    )


def flux_sources(scan: Scan) -> Iterator[tuple[str, str]]:
    """Yield the name and the address of every chart repository that Flux is told of here."""
    if scan.tree.value(("kind",)) in {"HelmRepository", "OCIRepository"}:
        yield scan.tree.value(("metadata", "name")), scan.tree.value(("spec", "url"))


def find_version(text: str) -> names.Place:
    """Find an exact version in a text such as ``0.36.0`` or the Git tag ``dify-0.36.0``; a range has none."""
    exact = _EXACT.fullmatch(text)
    if exact is None:
        return names.Place("", None, (0, len(text)), text)
    return names.Place(exact["version"], None, exact.span("version"))


def _argo(scan: Scan) -> Iterator[tuple[Path, str]]:
    for parent, _ in scan.tree.ending(("targetRevision",)):
        repository = scan.tree.value((*parent, "repoURL"))
        chart = scan.tree.value((*parent, "chart"))
        if is_dify(chart) or (not chart and from_git(scan.tree, parent)):
            yield (*parent, "targetRevision"), repository


def _flux(scan: Scan) -> Iterator[tuple[Path, str]]:
    for parent, chart in scan.tree.ending(("chart", "spec", "chart")):
        if is_dify(chart.text):
            spec = (*parent, "chart", "spec")
            yield (*spec, "version"), FLUX + scan.tree.value((*spec, "sourceRef", "name"))
    url = scan.tree.value(("spec", "url"))
    if scan.tree.value(("kind",)) == "OCIRepository" and is_dify(url):
        for key in ("tag", "semver"):
            yield ("spec", "ref", key), url


def _lists(scan: Scan) -> Iterator[tuple[Path, str]]:
    """Yield from Chart.yaml's dependencies, kustomize's helmCharts and helmfile's releases."""
    places = {"dependencies": ("name", "repository"), "helmCharts": ("name", "repo"), "releases": ("chart", "")}
    for parent, _ in scan.tree.ending(("version",)):
        if len(parent) > 1 and parent[-2] in places:
            name, repository = places[str(parent[-2])]
            if is_dify(chart := scan.tree.value((*parent, name))):
                yield (*parent, "version"), scan.tree.value((*parent, repository)) or _helmfile(scan, chart)


def _helmfile(scan: Scan, chart: str) -> str:
    alias = chart.rpartition("/")[0]
    for parent, scalar in scan.tree.ending(("name",)):
        if parent[:-1] == ("repositories",) and scalar.text == alias:
            return scan.tree.value((*parent, "url"))
    return alias
