"""What a plan needs from beyond the repository: the release, chart indexes, the registry's word on every image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING

from difyaction.errors import ActionError, Failed
from difyaction.gitops.planning.chart_index import app_versions, newest_chart
from difyaction.gitops.planning.moves import Wanted
from difyaction.gitops.planning.reading import Reading
from difyaction.image_registry import Finding, State, check
from difyaction.inputs import Inputs
from difyaction.releases.catalogue import Policy, Release
from difyaction.releases.version import Version
from difyaction.surroundings import Surroundings
from difyaction.upstream import Upstream
from difyaction.web import Reads

if TYPE_CHECKING:
    import requests

INDEX_LIMIT = 64 * 1024 * 1024  # bytes; indexes of old chart repositories are long


@dataclass(frozen=True)
class Charts:
    """``newest``: repository -> version of the chart for the release. ``apps``: (repository, version) -> appVersion."""

    newest: Mapping[str, str]
    apps: Mapping[tuple[str, str], str]


@dataclass
class Outside:
    """Reads only, over one session that begins with the first question."""

    inputs: Inputs
    surroundings: Surroundings

    @property
    def say(self) -> Callable[[str], None]:
        """The log."""
        return self.surroundings.say

    @property
    def warn(self) -> Callable[[str], None]:
        """The log, and the run's page."""
        return self.surroundings.runner.warning

    @cached_property
    def _session(self) -> requests.Session:
        import requests  # noqa: PLC0415 - an edit that asks nobody does not pay for the library

        return requests.Session()

    @cached_property
    def web(self) -> Reads:
        """The way to the servers."""
        from difyaction.websession import Web  # noqa: PLC0415 - the same

        world = self.surroundings
        return Web(self._session, clock=world.monotonic, pause=world.pause, say=self.say, events=world.runner.events)

    def release(self, text: str, installed: Version | None) -> Release:
        """Ask upstream for the release that is wanted, with all that lies on the way to it."""
        inputs = self.inputs
        upstream = Upstream(self.web, inputs.dify_api_url, inputs.dify_repository, inputs.dify_token or None)
        release = upstream.release(text, installed=installed, policy=self._policy)
        self.say(f"Dify {installed or '(unknown)'} is installed, {release.version} is wanted")
        self.say(f"{upstream.calls} calls to {inputs.dify_repository}")
        return release

    @property
    def _policy(self) -> Policy:
        return Policy(self.surroundings.now(), self.inputs.allow_prerelease, self.inputs.minimum_release_age)

    def charts(self, reading: Reading, release: Release) -> Charts:
        """Read the indexes of the charts that files name. One that cannot be read is left alone, and said."""
        found: dict[str, str] = {}
        apps: dict[tuple[str, str], str] = {}
        for chart in reading.charts:
            if not chart.index_url:
                continue
            try:
                reply = self.web.get(chart.index_url, limit=INDEX_LIMIT)
                if reply.status != HTTPStatus.OK:
                    raise ValueError(f"HTTP {reply.status}")  # noqa: TRY301 - handled with its like below
                newest = newest_chart(reply.text, chart.chart, release.version)
                known = app_versions(reply.text, chart.chart)
            except (ActionError, ValueError) as why:
                said = why.what.format(**why.facts) if isinstance(why, ActionError) else str(why)
                self.warn(f"The chart index {chart.index_url} cannot be read, so that chart versions stay: {said}")
                continue
            apps |= {(chart.key, version): app for version, app in known.items()}
            if newest:
                found[chart.key] = newest
        return Charts(found, apps)

    def image_findings(self, wanted: tuple[Wanted, ...]) -> tuple[Finding, ...]:
        """Ask the registries for every image and platform.

        :raises Failed: ``image-missing`` or ``image-unproved`` when ``image-check`` is ``require``.
        """
        inputs = self.inputs
        if not wanted or (inputs.image_check == "off" and not inputs.pin_digests):
            return ()
        findings = check(wanted, inputs.image_platforms, credentials=inputs.registry_credentials, web=self.web)
        for finding in findings:
            word = f"{finding.image}:{finding.tag} {finding.platform}: {finding.state} {finding.reason}".rstrip()
            self.say(word)
            if finding.state is not State.PRESENT and inputs.image_check == "warn":
                self.warn(word)
        if inputs.image_check == "require":
            _require(findings)
        return findings

    def close(self) -> None:
        """Let go of the connections."""
        if "_session" in self.__dict__:
            self._session.close()


def _require(findings: tuple[Finding, ...]) -> None:
    absent = [finding for finding in findings if finding.state is State.ABSENT]
    unknown = [finding for finding in findings if finding.state is State.UNKNOWN]
    if absent:
        raise Failed(
            "image-missing",
            "Images that the release needs are not there: {images}.",
            next_step="Mirror or publish them, or correct image-map and image-platforms; `image-check: warn` goes on.",
            images=_list(absent),
        )
    if unknown:
        raise Failed(
            "image-unproved",
            "Nobody can say whether these images are there: {images}.",
            next_step="Give registry-credentials, or look at the registry; `image-check: warn` goes on without proof.",
            images=_list(unknown),
        )


def _list(findings: list[Finding]) -> str:
    texts = (f"{each.image}:{each.tag} for {each.platform} ({each.reason})" for each in findings)
    return "; ".join(dict.fromkeys(texts))
