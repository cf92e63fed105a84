"""Dify's own repository on GitHub: which release was asked for, and all that lies on the way to it.

Anonymous reading is allowed 60 requests an hour for everybody behind one address, so that a run
makes six at most, unless something has to be asked twice: one or two pages of releases, the
compose file, and the env examples of both sides.
"""

from __future__ import annotations

from difyaction import errors
from difyaction.releases import catalogue
from difyaction.releases.catalogue import EnvKeys, ImageSet, Policy, Published, Release
from difyaction.releases.images import image_set
from difyaction.releases.request import Request
from difyaction.releases.version import Stage, Version
from difyaction.secret import Secret
from difyaction.upstream_examples import Side, compare_examples
from difyaction.upstream_source import Known, Source
from difyaction.web import Reads

MOST_CALLS = 6

COMPOSE = "docker/docker-compose.yaml"

_CHECK_REPOSITORY = "Check dify-repository: it must hold Dify's own files at the tags of its releases."


class Upstream:
    """Reads one repository that publishes Dify: ``langgenius/dify``, or a mirror of it.

    ``api_url`` is the API of its GitHub. ``token`` is sent to that host alone.
    """

    def __init__(self, web: Reads, api_url: str, repository: str, token: Secret | None = None) -> None:
        self._source = Source(web, api_url, repository, token)

    @property
    def calls(self) -> int:
        """The requests that were made so far."""
        return self._source.calls

    def published(self) -> tuple[Published, ...]:
        """Return every release, and every version that has a tag and no release, newest version first."""
        self._source.releases(_never)
        return tuple(catalogue.newest_first(self._source.tags(_never).values()))

    def file(self, tag: str, path: str) -> str:
        """Return a file's text at a tag. ``errors.Failed`` when it is not there."""
        text = self._source.file(tag, path)
        if text is None:
            raise errors.Failed(
                "upstream-file-missing",
                "{repository} has no {path} at {tag}.",
                next_step=_CHECK_REPOSITORY,
                repository=self._source.repository,
                path=path,
                tag=tag,
            )
        return text

    def release(self, request_text: str, *, installed: Version | None, policy: Policy) -> Release:
        """Return the release that was asked for, with all that lies on the way from the installed one.

        ``request_text`` is the input ``dify-version`` with ``file:`` resolved. ``errors.Invalid``
        when it is not understood, ``errors.Failed`` when no release fits or upstream cannot be read.
        """
        request = _understood(request_text)
        known = self._known(request, policy, installed)
        wanted = catalogue.choose(request, known, policy, installed)
        before = next((release.tag for release in known if release.version == installed), str(installed or ""))
        return Release(
            published=wanted,
            images=self._images(wanted),
            between=catalogue.between(known, installed, wanted.version),
            env_keys=self._env_keys(installed, before, wanted),
            compare_url=self._compare_url(before, wanted.tag),
        )

    def _known(self, request: Request, policy: Policy, installed: Version | None) -> tuple[Published, ...]:
        """Return what this request needs of the catalogue; bare tags only where releases do not do."""

        def found(known: Known) -> Version | None:
            try:
                return catalogue.choose(request, tuple(known.values()), policy, installed).version
            except errors.Failed:
                return request.exact

        def is_enough(known: Known) -> bool:
            wanted = found(known)
            return wanted is not None and _is_complete_from(min(wanted, installed or wanted), known)

        def is_there(known: Known) -> bool:
            return found(known) in known

        releases = self._source.releases(is_enough)
        return tuple((releases if is_there(releases) else self._source.tags(is_there)).values())

    def _images(self, wanted: Published) -> ImageSet:
        try:
            return image_set(self.file(wanted.tag, COMPOSE))
        except ValueError as error:
            raise errors.Failed(
                "upstream-compose-unreadable",
                "{path} of {repository} at {tag} cannot be read: {why}.",
                next_step=_CHECK_REPOSITORY,
                repository=self._source.repository,
                path=COMPOSE,
                tag=wanted.tag,
                why=str(error),
            ) from error

    def _env_keys(self, installed: Version | None, before: str, wanted: Published) -> EnvKeys:
        if installed is None or installed == wanted.version:
            return EnvKeys()
        old, new = Side(before, installed), Side(wanted.tag, wanted.version)
        return compare_examples(self._source, old, new, most_calls=MOST_CALLS)

    def _compare_url(self, before: str, after: str) -> str:
        same = before in {"", after}
        return "" if same else f"{self._source.site}/{self._source.repository}/compare/{before}...{after}"


def _understood(request_text: str) -> Request:
    try:
        return Request.parse(request_text)
    except ValueError as error:
        complaint = errors.Complaint(id="input-invalid", text=f"dify-version: {error}.", input="dify-version")
        raise errors.Invalid([complaint]) from error


def _is_complete_from(version: Version, known: Known) -> bool:
    """Whether nothing newer than this version can stand on a later page.

    Releases are listed by date, and back-ports are younger than what is newer than they are. But
    whatever is newer than 1.13.2 was published after 1.13.0, or after 1.12.0 all the more.
    """
    return any(
        release.when is not None
        and release.version.stage is Stage.PLAIN
        and release.version.numbers[2] == 0
        and release.version.numbers[:2] <= version.numbers[:2]
        for release in known.values()
    )


def _never(_: Known) -> bool:
    return False
