"""Upstream for those who must not ask it."""

from __future__ import annotations

from collections.abc import Mapping

from difyaction.releases.catalogue import Release
from difyaction.releases.version import Version


class NoReleases:
    """For runs that end before anybody asks upstream."""

    def release(self, text: str, installed: Version | None) -> Release:
        raise AssertionError(f"upstream is asked for {text} beyond {installed}")

    def folder(self, tag: str) -> Mapping[str, bytes]:
        raise AssertionError(f"upstream is asked for the files of {tag}")

    def head(self, tag: str) -> str:
        raise AssertionError(f"upstream is asked for the schema of {tag}")

    def close(self) -> None:
        """Hold nothing."""
