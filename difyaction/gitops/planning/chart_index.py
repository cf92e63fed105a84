"""The index of a chart repository: which chart carries a release of Dify."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from difyaction.gitops.finding import names
from difyaction.releases.version import Version

_SEMVER = re.compile(r"v?([0-9]+)\.([0-9]+)\.([0-9]+)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?")

_Rank = tuple[bool, tuple[int, ...], tuple[tuple[int, int, str], ...]]


def newest_chart(index_yaml: str, chart: str, app_version: Version) -> str | None:
    """Return the newest version of ``chart`` whose appVersion is the release, None when the index has none.

    A chart's release candidate is taken only when no finished chart carries the release. ``ValueError``
    when the text is no index.
    """
    fitting = [version for version, app in _charts(index_yaml, chart) if names.version_of(app) == app_version]
    return max(fitting, key=_rank, default=None)


def app_versions(index_yaml: str, chart: str) -> Mapping[str, str]:
    """Return the appVersion of every version of ``chart``, withdrawn ones too: they may still be installed.

    ``ValueError`` when the text is no index.
    """
    return {version: app for version, app, _ in _entries(index_yaml, chart)}


def _charts(index_yaml: str, chart: str) -> Iterator[tuple[str, str]]:
    """Yield version and appVersion of every chart of that name that has not been withdrawn."""
    for version, app, withdrawn in _entries(index_yaml, chart):
        if not withdrawn:
            yield version, app


@functools.lru_cache(maxsize=2)  # two questions are asked of one index, which may be long
def _entries(index_yaml: str, chart: str) -> tuple[tuple[str, str, bool], ...]:
    """Return version, appVersion, and whether it was withdrawn, of every chart of that name."""
    try:
        # The pure loader keeps every scalar a text, so that the version 1.10 is not read as a number.
        index = YAML(typ="base", pure=True).load(index_yaml)
    except YAMLError as why:
        raise ValueError("the index of the chart repository is not YAML") from why
    entries = index.get("entries") if isinstance(index, Mapping) else None
    if not isinstance(entries, Mapping):
        raise ValueError("the index of the chart repository has no entries")  # noqa: TRY004 - wrong content
    found: list[tuple[str, str, bool]] = []
    for entry in entries.get(chart) or ():
        if isinstance(entry, Mapping):
            version, app = entry.get("version"), entry.get("appVersion")
            if isinstance(version, str) and isinstance(app, str) and _SEMVER.fullmatch(version):
                found.append((version, app, str(entry.get("deprecated", "")).lower() == "true"))
    return tuple(found)


def _rank(version: str) -> _Rank:
    """Order charts as semantic versions, every finished one above every candidate."""
    found = _SEMVER.fullmatch(version)
    if found is None:
        return False, (), ()
    # Natural order: rc10 comes after rc2, which plain semantic versions would not say.
    runs = re.findall(r"[0-9]+|[A-Za-z-]+", found[4] or "")
    steps = tuple((0, int(run), "") if run.isdigit() else (1, 0, run) for run in runs)
    return not steps, tuple(int(number) for number in found.groups()[:3]), steps
