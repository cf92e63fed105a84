"""What the input ``dify-version`` asks for: one version, a range of them, or the latest."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from difyaction.releases.version import Version

_FILE = "file:"
_SERIES = re.compile(r"v?(?P<numbers>(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))?)\.[xX*]")
_BOUND = re.compile(r"(?P<operator>>=|<=|>|<)\s*v?(?P<numbers>[0-9][0-9A-Za-z.-]*)")
_PARTIAL = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))?")
_FORMS = "write 1.14.1, 1.14.x, '>=1.12 <1.15', latest or file:PATH"

_COMPARE: Mapping[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
}


@dataclass(frozen=True)
class _Series:
    """A bound without all its numbers: ``<1.15`` and ``1.14.x`` speak of whole series, pre-releases included."""

    operator: str
    numbers: tuple[int, ...]

    def accepts(self, version: Version) -> bool:
        return _COMPARE[self.operator](version.numbers[: len(self.numbers)], self.numbers)


@dataclass(frozen=True)
class _Bound:
    """A bound with all its numbers. Below ``1.15.0`` means below its pre-releases too: nobody means 1.15.0-rc1."""

    operator: str
    version: Version

    def accepts(self, version: Version) -> bool:
        if self.operator == "<" and not self.version.is_prerelease:
            return version < self.version and not (version.is_prerelease and version.numbers == self.version.numbers)
        return {
            ">=": version >= self.version,
            "<=": version <= self.version,
            ">": version > self.version,
            "<": version < self.version,
        }[self.operator]


@dataclass(frozen=True)
class Request:
    """The versions that would do. ``exact`` is the one version that was named, None for a range."""

    text: str
    exact: Version | None = None
    bounds: tuple[_Series | _Bound, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Request:
        """Read the input. ``file:PATH`` is resolved before. ``ValueError`` says what was not understood."""
        words = text.strip()
        if not words:
            raise ValueError(f"no version is given; {_FORMS}")
        if words == "latest":
            return cls(text=words)
        if series := _SERIES.fullmatch(words):
            return cls(text=words, bounds=(_Series("==", _numbers(series["numbers"])),))
        if words[0] in "<>":
            return cls(text=words, bounds=_bounds(words))
        return cls(text=words, exact=_exact(words))

    @property
    def is_exact(self) -> bool:
        """Whether one version was named."""
        return self.exact is not None

    def accepts(self, version: Version) -> bool:
        """Whether this version would do."""
        if self.exact is not None:
            return version == self.exact
        return all(bound.accepts(version) for bound in self.bounds)

    def __str__(self) -> str:
        return self.text


def version_file(text: str) -> str | None:
    """Return PATH of ``file:PATH``, None when the input names no file."""
    words = text.strip()
    return words.removeprefix(_FILE).strip() if words.startswith(_FILE) else None


def first_version_line(content: str) -> str:
    """Return the first line of a version file that says something. ``ValueError`` when there is none."""
    for line in content.removeprefix("\ufeff").splitlines():
        said = line.partition("#")[0].strip()
        if said:
            return said
    raise ValueError("the file names no version; its first line should be one, such as 1.14.1")


def _exact(words: str) -> Version:
    if _PARTIAL.fullmatch(words.removeprefix("v")):
        raise ValueError(f"'{words}' is not a whole version; write {words}.x for the newest of that series")
    try:
        return Version.parse(words)
    except ValueError:
        raise ValueError(f"'{words}' is not understood; {_FORMS}") from None


def _bounds(words: str) -> tuple[_Series | _Bound, ...]:
    found = []
    rest = words
    while rest:
        bound = _BOUND.match(rest)
        if bound is None:
            raise ValueError(f"'{rest}' in '{words}' is not understood; bounds look like '>=1.12 <1.15'")
        found.append(_bound(bound["operator"], bound["numbers"]))
        rest = rest[bound.end() :].lstrip(" \t,")
    return tuple(found)


def _bound(sign: str, numbers: str) -> _Series | _Bound:
    if _PARTIAL.fullmatch(numbers):
        return _Series(sign, _numbers(numbers))
    return _Bound(sign, Version.parse(numbers))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split("."))
