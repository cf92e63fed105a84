"""Which file holds the base values of which other, by the conventions of GitOps repositories."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_BASE_NAMES = ("base", "bases", "common", "shared", "default", "defaults", "global")


@dataclass(frozen=True)
class Shelf:
    """Files by their directories, so that a thousand of them need no thousand looks each."""

    by_directory: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, files: Iterable[str]) -> Shelf:
        """Sort files by directory."""
        found: dict[str, tuple[str, ...]] = defaultdict(tuple)
        for file in files:
            found[directory(file)] += (file,)
        return cls(found)

    def bases_of(self, file: str) -> Iterator[str]:
        """Yield the files in other directories that hold base values of ``file``.

        They lie in a directory named so (`base/`, `common/`) beside or above the file, or under the same
        name in a directory above.
        """
        here = directory(file)
        for above in _ancestors(here):
            if above != here:
                yield from (base for base in self.by_directory.get(above, ()) if _continues(base, file))
            for name in _BASE_NAMES:
                place = name if above == "." else f"{above}/{name}"
                if place != here and (_name(here) not in _BASE_NAMES or _is_below(here, place)):
                    yield from self.by_directory.get(place, ())

    def continued_by(self, file: str) -> Iterator[str]:
        """Yield every file whose values ``file`` overrides: `values.yaml` of `values-prod.yaml`, and its bases."""
        beside = self.by_directory.get(directory(file), ())
        yield from (base for base in beside if base != file and _continues(base, file))
        yield from self.bases_of(file)


def directory(path: str) -> str:
    """Return the directory of a path, '.' for the root."""
    return path.rpartition("/")[0] or "."


def _ancestors(here: str) -> Iterator[str]:
    """Yield a directory and all above it, down from the root."""
    yield "."
    for end, letter in enumerate(here):
        if letter == "/":
            yield here[:end]
    if here != ".":
        yield here


def _continues(base: str, file: str) -> bool:
    one, other = _stem(base), _stem(file)
    return other.startswith(one) and not other[len(one) : len(one) + 1].isalnum()


def _stem(path: str) -> str:
    return _name(path).rpartition(".")[0]


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _is_below(here: str, place: str) -> bool:
    return here.startswith(f"{place}/")
