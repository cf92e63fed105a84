"""The leaves of one document, as the layouts look at them. Helm parameters make a tree of their own."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from difyaction.gitops.editing.address import Path
from difyaction.gitops.editing.yamltext import Scalar, Text

_PARAMETER = re.compile(r"(?P<key>(?:[^.\\\[\]]|\\.)+)|\[(?P<item>[0-9]+)\]")
_DOTTED = re.compile(r"[A-Za-z0-9_\\-]+(?:\[[0-9]+\])*(?:\.[A-Za-z0-9_\\-]+(?:\[[0-9]+\])*)+")


@dataclass(frozen=True)
class Tree:
    """Leaves by path. In a tree of parameters the paths are those that they name, and ``around`` is the document."""

    file: str
    document: int
    leaves: Mapping[Path, Scalar]
    around: Tree | None = None

    @property
    def of_parameters(self) -> bool:
        """Whether this is a list of Helm parameters, and no document."""
        return self.around is not None

    @functools.cached_property
    def _by_last(self) -> Mapping[str | int, list[Path]]:
        found: dict[str | int, list[Path]] = defaultdict(list)
        for path in self.leaves:
            found[path[-1] if path else ""].append(path)
        return found

    @functools.cached_property
    def _starts(self) -> frozenset[Path]:
        return frozenset(path[:end] for path in self.leaves for end in range(len(path) + 1))

    def ending(self, ending: Path) -> Iterator[tuple[Path, Scalar]]:
        """Yield what stands at any path that ends so, with what comes before the ending."""
        for path in self._by_last.get(ending[-1], ()):
            if path[-len(ending) :] == ending:
                yield path[: -len(ending)], self.leaves[path]

    def value(self, path: Path) -> str:
        """Return the text of a leaf, '' when there is none."""
        found = self.leaves.get(path)
        return found.text if found else ""

    def has(self, path: Path) -> bool:
        """Whether a leaf, or anything below, stands at the path."""
        return path in self._starts


def trees(text: Text) -> Iterator[Tree]:
    """Take a file apart into its documents and their lists of Helm parameters."""
    documents: dict[int, dict[Path, Scalar]] = defaultdict(dict)
    for scalar in text.scalars:
        documents[scalar.document][scalar.path] = scalar
    for document, leaves in documents.items():
        whole = Tree(text.file, document, leaves)
        yield whole
        if parameters := dict(_parameters(leaves)):
            yield Tree(text.file, document, parameters, around=whole)


def _parameters(leaves: Mapping[Path, Scalar]) -> Iterator[tuple[Path, Scalar]]:
    """Read `- name: image.api.tag` with `value: 1.13.3` as the leaf that Helm makes of it."""
    for path, scalar in leaves.items():
        if len(path) < 2 or path[-1] != "name" or not isinstance(path[-2], int):  # noqa: PLR2004 - a list item's name
            continue
        value = leaves.get((*path[:-1], "value"))
        if value is not None and _DOTTED.fullmatch(scalar.text):
            yield (*path[:-2], *_parameter_path(scalar.text)), value


def _parameter_path(name: str) -> Path:
    return tuple(
        int(part["item"]) if part["item"] else part["key"].replace("\\", "") for part in _PARAMETER.finditer(name)
    )
