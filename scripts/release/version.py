"""Versions of this Action: ``1.2.3``, and ``1.2.3-rc.1`` before it."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from scripts.release.refusal import Refused

_NUMBER = r"(0|[1-9]\d*)"
_FORM = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-rc\.([1-9]\d*))?", re.ASCII)


@functools.total_ordering
@dataclass(frozen=True)
class Version:
    """One version. ``candidate`` is the number of a release candidate, None for a release."""

    major: int
    minor: int
    patch: int
    candidate: int | None = None

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read ``1.2.3``; a leading v, a missing part or another suffix is `Refused`."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise Refused(f"{text!r} is no version of this Action; write it as 1.2.3 or 1.2.3-rc.1.")
        major, minor, patch, candidate = found.groups()
        return cls(int(major), int(minor), int(patch), int(candidate) if candidate else None)

    @classmethod
    def of_tag(cls, tag: str) -> Version | None:
        """Return the version that an immutable tag names, None for every other tag (``v1``, ``nightly``)."""
        found = _FORM.fullmatch(tag.removeprefix("v")) if tag.startswith("v") else None
        return cls.parse(found.group()) if found else None

    @property
    def tag(self) -> str:
        """The tag that never moves."""
        return f"v{self}"

    @property
    def is_candidate(self) -> bool:
        """Whether it is only tried out: no moving tag ever names it."""
        return self.candidate is not None

    def __str__(self) -> str:
        plain = f"{self.major}.{self.minor}.{self.patch}"
        return plain if self.candidate is None else f"{plain}-rc.{self.candidate}"

    def __lt__(self, other: Version) -> bool:
        return self._order < other._order

    @property
    def _order(self) -> tuple[float, ...]:
        return (self.major, self.minor, self.patch, float("inf") if self.candidate is None else self.candidate)
