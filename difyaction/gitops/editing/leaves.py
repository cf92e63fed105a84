"""The leaves of a YAML text: every scalar with its path and the place of its own text."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from difyaction.gitops.editing.address import Path
from difyaction.gitops.editing.events import Event


@dataclass(frozen=True, slots=True)
class Scalar:
    """One scalar value of a file.

    ``value`` is what YAML reads, '' for nothing; a block scalar's ends with its line break. ``start`` to
    ``end`` is the scalar's own text with its quotes (characters of the decoded file, a BOM counted),
    ``line`` counts from 1. ``tag`` is the tag that is written there, in full.

    ``alias_of`` is the path of the value that is read here through an alias or a merge key. Of a scalar
    that is itself an alias (style ``alias``) ``start`` to ``end`` is the alias; below an aliased mapping
    the places are those of the value itself.
    """

    document: int
    path: Path
    value: str
    start: int
    end: int
    style: str  # plain, single, double, literal, folded, empty, alias
    line: int
    tag: str | None = None
    anchor: str | None = None
    alias_of: Path | None = None
    flow: bool = False

    @property
    def text(self) -> str:
        """The value without the line break that a block scalar ends with."""
        return self.value.rstrip("\n") if self.style in {"literal", "folded", "alias"} else self.value

    @property
    def origin(self) -> Path:
        """The path of the place where the value is written."""
        return self.path if self.alias_of is None else self.alias_of


@dataclass(frozen=True, slots=True)
class Part:
    """A scalar or a finished collection: its path, and where its leaves stand in the list of leaves."""

    path: Path
    first: int
    last: int
    value: str | None = None  # of a scalar


@dataclass
class Leaves:
    """What a text holds.

    ``collections`` has the kind and the line of each mapping and sequence, ``twice`` the line of the second
    of two equal keys, ``opaque`` says why the YAML inside a block scalar could not be read; all by document and path.
    """

    scalars: list[Scalar] = field(default_factory=list)
    collections: dict[tuple[int, Path], tuple[str, int]] = field(default_factory=dict)
    twice: dict[tuple[int, Path], int] = field(default_factory=dict)
    opaque: dict[tuple[int, Path], tuple[str, int]] = field(default_factory=dict)
    documents: int = 0

    def repeat(self, part: Part, path: Path, alias: Event) -> None:
        """Add the leaves of an anchored part once more, at the place of its alias."""
        for scalar in self.scalars[part.first : part.last]:
            if scalar.path == part.path:
                self.scalars.append(_as_alias(scalar, path, alias))
            else:
                self._derive(scalar, path + scalar.path[len(part.path) :])

    def merge(self, part: Part, path: Path, own: Collection[str]) -> set[str]:
        """Add what ``<<`` brings to the mapping at ``path``: the keys that it has not of its own. Return them."""
        depth = len(part.path)
        brought = set()
        for scalar in self.scalars[part.first : part.last]:
            key = scalar.path[depth] if len(scalar.path) > depth else None
            if isinstance(key, str) and key not in own:
                brought.add(key)
                self._derive(scalar, path + scalar.path[depth:])
        return brought

    def _derive(self, scalar: Scalar, path: Path) -> None:
        self.scalars.append(replace(scalar, path=path, alias_of=scalar.origin))


def _as_alias(scalar: Scalar, path: Path, alias: Event) -> Scalar:
    return replace(
        scalar,
        path=path,
        alias_of=scalar.origin,
        start=alias.start,
        end=alias.end,
        line=alias.line,
        style="alias",
        anchor=None,
        tag=None,
    )
