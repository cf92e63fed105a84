"""Versions of charts, which are not versions of Dify."""

from __future__ import annotations

import pytest

from difyaction.gitops.planning.chart_index import newest_chart
from difyaction.gitops.planning.plan import read_files
from difyaction.releases.version import Version
from tests.unit.gitops import samples
from tests.unit.gitops.planning import after, facts, kinds, moved, plan

INDEX = """
apiVersion: v1
entries:
  dify:
    - {version: 0.38.0-rc2, appVersion: 1.16.1}
    - {version: 0.38.0-rc10, appVersion: 1.16.1}
    - {version: 0.37.0, appVersion: 1.14.1}
    - {version: 0.37.1-rc1, appVersion: "1.14.1"}
    - {version: 0.9.0, appVersion: 1.14.1}
    - {version: 0.39.0, appVersion: 1.14.1, deprecated: true}
    - {version: 0.36.0, appVersion: 1.10}
  other:
    - {version: 9.0.0, appVersion: 1.14.1}
"""
REPOSITORY = "https://borispolonsky.github.io/dify-helm"
OWN_CHART = 'apiVersion: v2\nname: dify\nversion: 0.9.1\nappVersion: "1.13.0"\n'


@pytest.mark.parametrize(
    ("app_version", "chart"),
    [("1.14.1", "0.37.0"), ("1.16.1", "0.38.0-rc10"), ("1.15.0", None)],
)
def test_the_newest_finished_chart_of_a_release_is_taken(app_version: str, chart: str | None) -> None:
    assert newest_chart(INDEX, "dify", Version.parse(app_version)) == chart


@pytest.mark.parametrize("text", ["{", "entries: []", "- a"])
def test_what_is_no_index_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="index of the chart repository"):
        newest_chart(text, "dify", Version.parse("1.14.1"))


@pytest.mark.parametrize("content", [samples.ARGO, samples.FLUX])
def test_a_charts_version_stays_and_is_reported_until_somebody_says_which(content: str) -> None:
    left = plan({"dify.yaml": content})
    assert "0.36.0" in after(left, "dify.yaml")
    assert "chart-left" in kinds(left)
    for given in ({"chart_version": "0.37.0"}, {"chart_versions": {REPOSITORY: "0.37.0"}}):
        made = plan({"dify.yaml": content}, **given)
        assert "0.37.0" in moved(made).values()
        assert "chart-left" not in kinds(made)


def test_the_charts_of_a_repository_are_named_for_its_index_to_be_read() -> None:
    reading = read_files(facts({"flux.yaml": samples.FLUX, "Chart.yaml": samples.UMBRELLA_CHART}))
    (chart,) = reading.charts
    assert (chart.key, chart.version, chart.index_url) == (REPOSITORY, "0.36.0", f"{REPOSITORY}/index.yaml")


def test_a_dependency_moves_its_lock_is_mentioned_and_the_umbrella_keeps_its_own_versions() -> None:
    files = {"Chart.yaml": samples.UMBRELLA_CHART, "values.yaml": samples.UMBRELLA_VALUES}
    made = plan(files, chart_version="0.37.0")
    assert moved(made) == {
        "Chart.yaml#dependencies[0].version": "0.37.0",
        "values.yaml#chat.image.api.tag": "1.14.1",
        "values.yaml#chat.image.web.tag": "1.14.1",
    }
    assert "chart-lock" in kinds(made)


def test_a_range_of_chart_versions_is_left_alone_and_said() -> None:
    made = plan({"Chart.yaml": samples.UMBRELLA_CHART.replace("0.36.0", "~0.36.0")}, chart_version="0.37.0")
    assert made.changes == ()
    assert kinds(made) == ["chart-range"]


def test_a_git_tag_of_the_chart_keeps_its_prefix() -> None:
    text = "spec: {source: {repoURL: https://github.com/x/dify-helm, path: charts/dify, targetRevision: dify-0.36.0}}\n"
    made = plan({"app.yaml": text}, chart_version="0.37.0")
    assert after(made, "app.yaml") == text.replace("0.36.0", "0.37.0")


def test_app_version_moves_only_where_the_charts_source_is() -> None:
    made = plan({"charts/dify/Chart.yaml": OWN_CHART, "charts/dify/values.yaml": samples.DOUBAN})
    assert after(made, "charts/dify/Chart.yaml") == OWN_CHART.replace("1.13.0", "1.14.1")
    assert "own-chart" in kinds(made)
    assert made.from_version == "1.13.3"
    assert plan({"charts/dify/Chart.yaml": OWN_CHART}).changes == ()


def test_where_all_tags_are_empty_the_app_version_decides() -> None:
    empty = samples.DOUBAN.replace("1.13.3", "")
    made = plan({"c/Chart.yaml": OWN_CHART, "c/values.yaml": empty})
    assert made.from_version == "1.13.0"
    assert set(moved(made)) == {
        "c/Chart.yaml#appVersion",
        "c/values.yaml#sandbox.image.tag",
        "c/values.yaml#pluginDaemon.image.tag",
    }


def test_empty_tags_of_a_chart_elsewhere_hold_the_unit_back_until_the_chart_moves() -> None:
    files = {
        "values.yaml": samples.BORIS.replace('"1.13.3"', '""'),
        "Chart.yaml": samples.UMBRELLA_CHART,
    }
    left = plan(files)
    assert left.changes == ()
    assert "tag-from-chart" in kinds(left)
    assert set(moved(plan(files, chart_version="0.37.0"))) == {
        "Chart.yaml#dependencies[0].version",
        "values.yaml#image.sandbox.tag",
        "values.yaml#image.pluginDaemon.tag",
    }
