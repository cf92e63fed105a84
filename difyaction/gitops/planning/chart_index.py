"""The index of a chart repository: which chart carries a release of Dify."""

from __future__ import annotations

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


def _charts(index_yaml: str, chart: str) -> Iterator[tuple[str, str]]:
    """Yield version and appVersion of every chart of that name that has not been withdrawn."""
    try:
        # The pure loader keeps every scalar a text, so that the version 1.10 is not read as a number.
        index = YAML(typ="base", pure=True).load(index_yaml)
    except YAMLError as why:
        raise ValueError("the index of the chart repository is not YAML") from why
    entries = index.get("entries") if isinstance(index, Mapping) else None
    if not isinstance(entries, Mapping):
        raise ValueError("the index of the chart repository has no entries")  # noqa: TRY004 - wrong content
    for entry in entries.get(chart) or ():
        if isinstance(entry, Mapping) and str(entry.get("deprecated", "")).lower() != "true":
            version, app = entry.get("version"), entry.get("appVersion")
            if isinstance(version, str) and isinstance(app, str) and _SEMVER.fullmatch(version):
                yield version, app


def _rank(version: str) -> _Rank:
    """Order charts as semantic versions, every finished one above every candidate."""
    found = _SEMVER.fullmatch(version)
    if found is None:
        return False, (), ()
    # Natural order: rc10 comes after rc2, which plain semantic versions would not say.
    runs = re.findall(r"[0-9]+|[A-Za-z-]+", found[4] or "")
    steps = tuple((0, int(run), "") if run.isdigit() else (1, 0, run) for run in runs)
    return not steps, tuple(int(number) for number in found.groups()[:3]), steps
