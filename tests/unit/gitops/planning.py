"""Files, releases and facts to plan over."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from difyaction.gitops.files import FileAt
from difyaction.gitops.planning.plan import GitopsFacts, GitopsPlan, PlanOptions, make_plan
from difyaction.releases.catalogue import ImageSet, Published, Release
from difyaction.releases.version import Version

API, WEB = "langgenius/dify-api", "langgenius/dify-web"
SANDBOX, DAEMON = "langgenius/dify-sandbox", "langgenius/dify-plugin-daemon"
OLD = {API: "1.13.3", WEB: "1.13.3", SANDBOX: "0.2.14", DAEMON: "0.5.3-local"}
SET = {API: "1.14.1", WEB: "1.14.1", SANDBOX: "0.2.15", DAEMON: "0.6.0-local"}
NEW_DIGEST = "sha256:" + "b" * 64
OLD_DIGEST = "sha256:" + "a" * 64


@dataclass(frozen=True)
class Environment:
    """An entry of an environments file."""

    name: str
    files: Sequence[str]


@dataclass(frozen=True)
class Finding:
    """What a registry said."""

    registry: str
    name: str
    tag: str
    digest: str | None


def release(version: str = "1.14.1", tags: Mapping[str, str] | None = None) -> Release:
    published = Published(Version.parse(version), version, datetime(2026, 5, 12, tzinfo=UTC))
    return Release(published, ImageSet(tags=SET if tags is None else tags))


def facts(files: Mapping[str, str | bytes], **given: Any) -> GitopsFacts:  # noqa: ANN401 - fields of two records
    """Facts over these files; what is not a field of `GitopsFacts` is an option."""
    known = {"release", "image_findings", "chart_versions", "chart_apps", "environments", "skipped"}
    whole = {key: value for key, value in given.items() if key in known}
    options = PlanOptions(**{key: value for key, value in given.items() if key not in known})
    whole.setdefault("release", release())
    return GitopsFacts(files=tuple(file_at(*item) for item in files.items()), options=options, **whole)


def file_at(path: str, content: str | bytes) -> FileAt:
    text = content if isinstance(content, bytes) else textwrap.dedent(content).lstrip("\n").encode()
    return FileAt(path, "100644", f"oid-of-{path}", text)


def plan(files: Mapping[str, str | bytes], **given: Any) -> GitopsPlan:  # noqa: ANN401 - as above
    return make_plan(facts(files, **given))


def moved(made: GitopsPlan) -> dict[str, str]:
    """Where a plan writes, and what."""
    return {change.where: change.after for change in made.changes}


def after(made: GitopsPlan, path: str) -> str:
    """The content of a file behind the plan."""
    return next(file.after for file in made.files if file.path == path).decode()


def kinds(made: GitopsPlan) -> list[str]:
    return [finding.kind for finding in made.findings]
