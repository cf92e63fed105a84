"""Dify's published releases, and which of them was asked for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from difyaction import errors
from difyaction.releases.request import Request
from difyaction.releases.version import Version

USUAL_AGE_DAYS = 7  # what `latest` and ranges wait for: most bad releases are mended within a week
_NAMED_AT_MOST = 5


@dataclass(frozen=True)
class Published:
    """One release or bare tag of langgenius/dify. ``notes`` is foreign Markdown; ``when`` is UTC.

    A bare tag has no release behind it: its ``when`` is None. ``prerelease`` is upstream's own mark,
    which also stands on some plain versions.
    """

    version: Version
    tag: str
    when: datetime | None
    notes: str = ""
    url: str = ""
    prerelease: bool = False


@dataclass(frozen=True)
class ImageSet:
    """The images that upstream's compose file of one release runs.

    ``tags`` maps each image of the set without its registry (``langgenius/dify-api``) to its tag;
    ``services`` maps the same names to the compose services that run them. ``others`` maps every
    other image of that file (``semitechnologies/weaviate``) to its tag.
    """

    tags: Mapping[str, str]
    services: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EnvKeys:
    """How the keys of upstream's env examples differ between two releases.

    ``unread`` names the examples that took no part in the comparison; where it is not empty, keys
    may have come, gone or changed that nothing here says.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[tuple[str, str, str], ...] = ()  # key, old default, new default
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Release:
    """The release that was asked for, with all that upstream says about the way to it.

    ``between`` holds every published release after the installed one up to this one, newest first;
    ``compare_url`` is upstream's own comparison page, empty when nothing is installed.
    """

    published: Published
    images: ImageSet
    between: tuple[Published, ...] = ()
    env_keys: EnvKeys = EnvKeys()
    compare_url: str = ""

    @property
    def version(self) -> Version:
        """The version of this release."""
        return self.published.version


@dataclass(frozen=True)
class Policy:
    """What may be taken. ``minimum_age_days`` None: 7 for latest and ranges, 0 for an exact version."""

    now: datetime
    allow_prerelease: bool = False
    minimum_age_days: int | None = None


def choose(
    request: Request, published: Sequence[Published], policy: Policy, installed: Version | None = None
) -> Published:
    """Return the newest published release that was asked for and that the policy lets through.

    What is installed already is not held back again: otherwise `latest` would ask for a downgrade
    from the release that was taken by name yesterday. ``errors.Failed`` when nothing is left; it
    names what was skipped, and why.
    """
    skipped: list[str] = []
    for release in newest_first(release for release in published if request.accepts(release.version)):
        in_use = release.version == installed and not release.version.is_abandoned
        why_not = "" if in_use and not request.is_exact else _why_not(release, request, policy)
        if not why_not:
            return release
        skipped.append(f"{release.version} ({why_not})")
    if skipped:
        raise _held_back(request, skipped)
    raise _unknown(request, published)


def between(published: Sequence[Published], installed: Version | None, wanted: Version) -> tuple[Published, ...]:
    """Return what was published after the installed version up to the wanted one, newest first.

    Empty on the way back. Nothing is installed: the wanted one alone. The abandoned 2.0.0 line is on nobody's way.
    """
    if installed is not None and wanted <= installed:
        return ()

    def is_on_the_way(version: Version) -> bool:
        return installed is not None and installed < version < wanted and not version.is_abandoned

    return tuple(
        release for release in newest_first(published) if release.version == wanted or is_on_the_way(release.version)
    )


def newest_first(published: Iterable[Published]) -> list[Published]:
    """Sort by Dify's own order, not by date: back-ports are younger than what is newer."""
    return sorted(published, key=lambda release: release.version, reverse=True)


def _why_not(release: Published, request: Request, policy: Policy) -> str:
    """Say why the policy holds this release back; empty when it does not."""
    if not request.is_exact and release.version.is_abandoned:
        return "abandoned by upstream"
    if not (request.is_exact or policy.allow_prerelease) and (release.prerelease or release.version.is_prerelease):
        return "a pre-release"
    days = policy.minimum_age_days
    if days is None:
        days = 0 if request.is_exact else USUAL_AGE_DAYS
    if days == 0:
        return ""
    if release.when is None:
        return f"a tag without a release: nobody can say that it is {days} days old"
    age = (policy.now - release.when).days
    return f"published {max(age, 0)} days ago, {days} are asked for" if age < days else ""


def _held_back(request: Request, skipped: list[str]) -> errors.Failed:
    return errors.Failed(
        "release-held-back",
        "No release that fits dify-version {request} may be taken: {skipped}.",
        next_step="Name the exact version, or set minimum-release-age or allow-prerelease to let one of them through.",
        request=request,
        skipped=_list(skipped),
    )


def _unknown(request: Request, published: Sequence[Published]) -> errors.Failed:
    if not request.is_exact:
        newest = [str(release.version) for release in newest_first(published) if not release.version.is_prerelease]
        return errors.Failed(
            "release-unmatched",
            "Dify has published no release that fits dify-version {request}; the newest are {newest}.",
            next_step="Correct the range; versions look like 1.14.1.",
            request=request,
            newest=", ".join(newest[:3]) or "none at all",
        )
    known = [str(release.version) for release in newest_first(published)]
    near = difflib.get_close_matches(str(request), known, n=3, cutoff=0.5)
    return errors.Failed(
        "release-unknown",
        "Dify has published no version {request}; near it are {near}.",
        next_step="Correct dify-version; the list is on upstream's page of releases.",
        request=request,
        near=", ".join(near) or "none",
    )


def _list(texts: list[str]) -> str:
    more = len(texts) - _NAMED_AT_MOST
    named = "; ".join(texts[:_NAMED_AT_MOST])
    return f"{named}; and {more} more" if more > 0 else named
