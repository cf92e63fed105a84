"""A chart that moves is judged by the release that it ran, and the tags that are pinned for it are looked for."""

from __future__ import annotations

import pytest

from difyaction.gitops.planning.chart_index import app_versions
from tests.unit.gitops.planning import after, kinds, moved, plan, release

HERE = "https://charts.example"
APP = f"""
kind: Application
metadata: {{name: chat}}
spec:
  sources:
  - repoURL: {HERE}
    chart: dify
    targetRevision: 0.20.0
"""
VALUES = "image: {api: {tag: 1.13.3}, web: {tag: 1.13.3}}\n"
INDEX = (
    "entries: {dify: [{version: 0.20.0, appVersion: 0.15.3, deprecated: true}, {version: 0.37.0, appVersion: 1.14.1}]}"
)


def rules(app: str, *, to: str = "1.14.1") -> list[str]:
    apps = {(HERE, "0.20.0"): app} if app else {}
    made = plan({"app.yaml": APP}, release=release(to), chart_versions={HERE: "0.37.0"}, chart_apps=apps)
    assert made.from_version == app
    return [objection.rule for objection in made.objections]


def test_the_index_says_what_every_chart_runs_withdrawn_ones_too() -> None:
    assert app_versions(INDEX, "dify") == {"0.20.0": "0.15.3", "0.37.0": "1.14.1"}


def test_a_chart_is_judged_by_the_release_that_it_ran() -> None:
    assert rules("0.15.3") == ["plugin-migration", "datasource-credentials"]
    assert rules("1.14.0") == []
    assert rules("1.14.1", to="1.13.3") == ["schema-downgrade"]
    assert rules("") == ["installed-unknown"]


def test_a_chart_version_that_carries_another_release_is_judged_by_that() -> None:
    apps = {(HERE, "0.20.0"): "1.14.0", (HERE, "0.38.0"): "1.10.0"}
    made = plan({"app.yaml": APP}, chart_version="0.38.0", chart_apps=apps)
    assert [objection.consent for objection in made.stopping] == ["schema-downgrade@1.10.0"]


def test_values_that_look_like_dify_are_named_where_a_chart_is() -> None:
    files = {"apps/a.yaml": APP, "values/prod.yaml": VALUES, "values/other.yaml": "image: {tag: 1.0.0}\n"}
    made = plan(files, chart_versions={HERE: "0.37.0"})
    (remark,) = (finding for finding in made.findings if finding.kind == "values-look-alike")
    assert remark.file == "values/prod.yaml"
    assert "values-look-alike" not in kinds(plan({"values/prod.yaml": VALUES}))


def test_a_tag_of_its_own_says_more_than_the_chart() -> None:
    files = {"app.yaml": APP + "    helm: {valuesObject: {image: {api: {tag: 1.14.0}}}}\n"}
    made = plan(files, chart_versions={HERE: "0.37.0"})
    assert made.from_version == "1.14.0"
    assert "installed-unknown" not in {objection.rule for objection in made.objections}


def test_the_alias_of_a_dependency_is_followed() -> None:
    files = {
        "c/Chart.yaml": f"dependencies: [{{name: dify, alias: llm, version: 0.20.0, repository: '{HERE}'}}]\n",
        "c/values.yaml": "llm: {image: {api: {tag: 1.13.3}}}\nshop: {image: {api: {tag: 1.13.3}}}\n",
    }
    made = plan(files, chart_versions={HERE: "0.37.0"})
    assert moved(made) == {
        "c/Chart.yaml#dependencies[0].version": "0.37.0",
        "c/values.yaml#llm.image.api.tag": "1.14.1",
    }


@pytest.mark.parametrize(
    ("files", "values"),
    [
        (
            {
                "h/helmfile.yaml": f"repositories: [{{name: d, url: '{HERE}'}}]\n"
                "releases: [{name: chat, chart: d/dify, version: 0.20.0, values: [v.yaml, ../gone.yaml]}]\n"
            },
            "h/v.yaml",
        ),
        ({"apps/a.yaml": APP + "    helm: {valueFiles: [$values/v/prod.yaml, $values/v/gone.yaml]}\n"}, "v/prod.yaml"),
        (
            {
                "k/kustomization.yaml": f"helmCharts: [{{name: dify, repo: '{HERE}', version: 0.20.0, "
                "valuesFile: v.yaml, additionalValuesFiles: [gone.yaml]}]\n"
            },
            "k/v.yaml",
        ),
    ],
)
def test_values_in_other_files_are_followed_and_what_is_not_there_is_named(files: dict[str, str], values: str) -> None:
    made = plan(files | {values: VALUES}, chart_versions={HERE: "0.37.0"})
    assert after(made, values) == VALUES.replace("1.13.3", "1.14.1")
    (remark,) = (finding for finding in made.findings if finding.kind == "values-not-followed")
    assert "gone.yaml" in str(remark)


def test_values_of_flux_in_a_config_map_are_named_and_not_followed() -> None:
    text = (
        "kind: HelmRelease\nspec:\n  chart: {spec: {chart: dify, version: 0.20.0}}\n"
        "  valuesFrom: [{kind: ConfigMap, name: chat-values}]\n"
    )
    assert "values-not-followed" in kinds(plan({"r.yaml": text}, chart_version="0.37.0"))
