"""Which tags a release makes and moves, decided over the tags that stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scripts.release.refusal import Refused
from scripts.release.version import Version


@dataclass(frozen=True)
class Move:
    """A tag that moves: from ``before``, empty when it is new, to the release's commit."""

    tag: str
    before: str


@dataclass(frozen=True)
class TagPlan:
    """What is to be done to tags. ``standing`` says that the immutable one is there already, from an earlier try.

    ``latest`` says whether the release is the newest of all.
    """

    commit: str
    tag: str
    standing: bool
    moves: tuple[Move, ...]
    latest: bool

    def sentences(self) -> Iterator[str]:
        """Say it, a line each."""
        yield f"{self.tag} {'stands at' if self.standing else 'is made at'} {self.commit}"
        for move in self.moves:
            yield f"{move.tag} moves from {move.before or 'nothing'} to {self.commit}"
        if not self.moves:
            yield "no other tag moves"


def plan(version: Version, commit: str, standing: Mapping[str, str]) -> TagPlan:
    """Decide. ``standing`` are all tags and the commits that they name.

    ``v1`` follows the newest release of its major version, ``v1.2`` that of its minor one: a correction of an older
    line moves its own line only, a release candidate nothing.

    Raises:
        Refused: the version's tag names another commit. It never moves.

    """
    there = standing.get(version.tag)
    if there not in {None, commit}:
        raise Refused(f"{version.tag} names {there} already and never moves. Release the next version.")
    others = [each for each in map(Version.of_tag, standing) if each and not each.is_candidate and each != version]
    moves = tuple(
        Move(tag, standing.get(tag, ""))
        for tag, line in _lines(version, others)
        if not version.is_candidate and all(each < version for each in line) and standing.get(tag) != commit
    )
    latest = not version.is_candidate and all(each < version for each in others)
    return TagPlan(commit, version.tag, there is not None, moves, latest)


def _lines(version: Version, others: list[Version]) -> Iterator[tuple[str, list[Version]]]:
    """Yield each moving tag with the other releases that it could name."""
    major = [each for each in others if each.major == version.major]
    yield f"v{version.major}", major
    yield f"v{version.major}.{version.minor}", [each for each in major if each.minor == version.minor]
