"""What upstream publishes, as a machine's plan needs it: a release, its ``docker`` folder, its schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import requests

from difyaction.inputs import Inputs
from difyaction.releases.catalogue import Policy, Release
from difyaction.releases.version import Version
from difyaction.upstream import Upstream
from difyaction.upstream_folder import Archive, release_archive
from difyaction.version_file import asked_version
from difyaction.websession import Web


class Releases(Protocol):
    """What upstream publishes: a release, and its docker folder."""

    def release(self, text: str, installed: Version | None) -> Release:
        """Return the release that was asked for."""
        ...

    def folder(self, tag: str) -> Mapping[str, bytes]:
        """Return the files below ``docker`` at a tag."""
        ...

    def head(self, tag: str) -> str:
        """Return the schema that a tag's migrations lead to, empty when they do not say it."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


@dataclass(frozen=True)
class FromUpstream:
    """Upstream's repository on GitHub."""

    inputs: Inputs
    session: requests.Session
    web: Web
    policy: Policy
    environ: Mapping[str, str] = field(default_factory=dict)
    archives: dict[str, Archive] = field(default_factory=dict)

    def release(self, text: str, installed: Version | None) -> Release:
        """Ask for the release; ``text`` may name a file that says which."""
        inputs = self.inputs
        upstream = Upstream(self.web, inputs.dify_api_url, inputs.dify_repository, inputs.dify_token or None)
        asked = asked_version(inputs, self.environ, self.web) if text == inputs.dify_version else text
        return upstream.release(asked, installed=installed, policy=self.policy)

    def folder(self, tag: str) -> Mapping[str, bytes]:
        """Take it out of the tag's archive."""
        return self._archive(tag).files

    def head(self, tag: str) -> str:
        """Read it in the tag's archive."""
        return self._archive(tag).head

    def _archive(self, tag: str) -> Archive:
        inputs = self.inputs
        if tag not in self.archives:
            token = inputs.dify_token or None
            self.archives[tag] = release_archive(self.web, inputs.dify_api_url, inputs.dify_repository, tag, token)
        return self.archives[tag]

    def close(self) -> None:
        """Let go of the session."""
        self.session.close()
