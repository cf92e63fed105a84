"""The way back: the values that the same places held before, found in the history of the files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, runtime_checkable

from difyaction.errors import Failed, Invalid
from difyaction.gitops.editing.address import Address
from difyaction.gitops.editing.dotenv import read_env
from difyaction.gitops.editing.yamltext import read
from difyaction.gitops.finding import names
from difyaction.gitops.finding.kinds import variables
from difyaction.gitops.finding.spot import Spot
from difyaction.gitops.finding.units import installed
from difyaction.gitops.planning import papers
from difyaction.gitops.planning.reading import Reading
from difyaction.gitops.records import GitopsFacts, GitopsPlan, Unit
from difyaction.language import N_
from difyaction.releases import heads
from difyaction.releases.version import Version
from difyaction.target import Objection, Severity

RULE = "schema-rollback"


class Moment(Protocol):
    """A commit that touched a file."""

    @property
    def sha(self) -> str:
        """The commit's name, in full."""
        ...

    @property
    def when(self) -> datetime:
        """When it was committed, in UTC."""
        ...


@runtime_checkable
class Past(Protocol):
    """The history of the repository, as seen from the base branch."""

    def touched(self, path: str) -> tuple[Moment, ...]:
        """Return the commits that touched a file, newest first."""
        ...

    def file_at(self, sha: str, path: str) -> bytes | None:
        """Return a file at a commit; None when it was not there."""
        ...

    def files_at(self, sha: str, paths: Collection[str]) -> Mapping[str, bytes]:
        """Return those of several files that were there at a commit, in few questions."""
        ...


@dataclass(frozen=True)
class Back:
    """Where to go back to: lines for the plan, the versions on both sides by unit, and what is taken back."""

    lines: tuple[tuple[Address, str], ...]
    versions: Mapping[str, tuple[Version | None, Version | None]]
    reverts: str


def find(past: Past, reading: Reading, goal: str) -> Back:
    """Look for the state to go back to: a commit, a version, or (``goal`` empty) the last one that differs.

    :raises Failed: ``rollback-nothing`` when the history that we look at holds no such state.
    """
    lines: list[tuple[Address, str]] = []
    versions: dict[str, tuple[Version | None, Version | None]] = {}
    reverts: dict[str, None] = {}
    history = _History(past, frozenset(spot.file for unit in reading.units for spot in unit.spots))
    for unit in reading.units:
        then = _moment(history, unit, goal)
        lines += _lines(reading, unit, then)
        versions[unit.name] = (installed(unit), _version(unit, then))
        reverts[then.sha[:12]] = None
    if not lines:
        raise _nothing(goal)
    return Back(tuple(dict.fromkeys(lines)), versions, ", ".join(reverts))


@dataclass
class _Then:
    """The files as they were at one commit, each read once."""

    past: Past
    sha: str

    def __post_init__(self) -> None:
        self._files: dict[str, bytes | None] = {}

    def value(self, spot: Spot) -> str | None:
        """Return the text of the spot's leaf at that time, None when the place was not there."""
        content = self.content(spot.file)
        if content is None:
            return None
        try:
            if variables.is_env(spot.file):
                return {line.key: line.value for line in read_env(content, file=spot.file)}.get(str(spot.path[0]))
            scalar = read(content, file=spot.file).get(spot.path, spot.document)
        except Invalid:
            return None
        return scalar.text if scalar else None

    def load(self, paths: Collection[str]) -> None:
        """Read many files at once; those that are known already are not asked for again."""
        missing = [path for path in paths if path not in self._files]
        if missing:
            found = self.past.files_at(self.sha, missing)
            self._files.update({path: found.get(path) for path in missing})

    def content(self, file: str) -> bytes | None:
        if file not in self._files:
            self._files[file] = self.past.file_at(self.sha, file)
        return self._files[file]


class _History:
    """The states of all files, each commit read once: units that were bumped together go back together."""

    def __init__(self, past: Past, paths: frozenset[str]) -> None:
        self._past = past
        self._paths = paths
        self._states: dict[str, _Then] = {}

    def of(self, file: str) -> Iterator[_Then]:
        """Yield the states at the commits that touched a file, newest first."""
        for moment in self._past.touched(file):
            if moment.sha not in self._states:
                self._states[moment.sha] = _Then(self._past, moment.sha)
                self._states[moment.sha].load(self._paths)
            yield self._states[moment.sha]


def _moment(history: _History, unit: Unit, goal: str) -> _Then:
    """Return the state that is the goal."""
    guide = next((spot for spot in unit.spots if spot.image == names.API), unit.spots[0] if unit.spots else None)
    if guide is None:
        raise _nothing(goal)
    for then in history.of(guide.file):
        value = then.value(guide)
        if value is None:
            continue
        version = names.version_of(_tag(guide, value))
        if goal and (then.sha.startswith(goal) or _tag(guide, value) == goal):
            _check_direction(unit, version)
            return then
        # What was newer than today was itself taken back: going there would be an upgrade.
        if not goal and value != guide.value and not _is_forward(unit, version):
            return then
    raise _nothing(goal)


def _is_forward(unit: Unit, then: Version | None) -> bool:
    now = installed(unit)
    return now is not None and then is not None and then > now


def _check_direction(unit: Unit, then: Version | None) -> None:
    if _is_forward(unit, then):
        raise Failed(
            "rollback-forward",
            "{unit} runs {installed}, and {wanted} is newer: that is an upgrade, no way back.",
            next_step="Use mode apply with dify-version {wanted}, or name an older state in rollback-to.",
            unit=unit.name,
            installed=installed(unit),
            wanted=then,
        )


def _tag(spot: Spot, value: str) -> str:
    """Return the tag in a leaf's text of another time: what stands around it is the same."""
    before, after = spot.value[: spot.span[0]], spot.value[spot.span[1] :]
    inner = value.removeprefix(before)
    inner = inner.removesuffix(after) if after else inner
    return inner.partition("@")[0]


def _version(unit: Unit, then: _Then) -> Version | None:
    guide = next((spot for spot in unit.spots if spot.image == names.API), None)
    return _version_at(guide, then) if guide else None


def _version_at(guide: Spot, then: _Then) -> Version | None:
    value = then.value(guide)
    return names.version_of(_tag(guide, value)) if value is not None else None


def version_then(past: Past, sha: str, guide: Spot) -> Version | None:
    """Return the version that a spot named at a commit; None when it was not there, or named none."""
    return _version_at(guide, _Then(past, sha))


def _lines(reading: Reading, unit: Unit, then: _Then) -> Iterator[tuple[Address, str]]:
    for spot in unit.spots:
        if reading.is_outside(spot.file):
            continue  # a base file that this run does not name belongs to others, too
        value = then.value(spot)
        if value is not None and value != spot.value:
            yield Address(spot.file, spot.path, spot.document), value
        if spot.digest_path is not None:
            apart = replace(spot, path=spot.digest_path)
            digest = then.value(apart)
            if digest is not None and digest != spot.digest:
                yield Address(spot.file, spot.digest_path, spot.document), digest


def judged(plan: GitopsPlan, facts: GitopsFacts, back: Back) -> GitopsPlan:
    """Give a plan of the way back its versions, and the objection that a database cannot go back by itself."""
    acknowledged = facts.options.acknowledge
    objections = tuple(_objections(back, acknowledged))
    known = [pair for pair in back.versions.values() if pair[0] and pair[1]]
    return replace(
        plan,
        from_version=str(min((now for now, _ in known if now), default="")),
        to_version=str(min((then for _, then in known if then), default="")),
        objections=objections,
        # Also a draft would be a trap: once merged, the old release cannot read the database.
        stopping=tuple(objection for objection in objections if objection.in_the_way),
        plan_id=papers.plan_id(facts, plan.changes, plan.files, objections),
    )


def _objections(back: Back, acknowledged: tuple[str, ...]) -> Iterator[Objection]:
    text = N_(
        "{unit} goes back from {installed} (schema {installed_head}) to {wanted} (schema {wanted_head}): the older "
        "release cannot read a database that the newer one has migrated. Restore the database from before the upgrade "
        "first; then acknowledge."
    )
    for unit, (now, then) in back.versions.items():
        if now and then and heads.head_of(now) == heads.head_of(then) and heads.head_of(now):
            continue
        if now == then and now is not None:
            continue
        facts = {
            "unit": unit,
            "installed": now or "?",
            "wanted": then or "?",
            "installed_head": (heads.head_of(now) if now else None) or "?",
            "wanted_head": (heads.head_of(then) if then else None) or "?",
        }
        consent = f"{RULE}@{then or 'unknown'}"
        yield Objection(
            RULE, str(then or "unknown"), Severity.ACKNOWLEDGE, text, facts, acknowledged=consent in acknowledged
        )


def _nothing(goal: str) -> Failed:
    return Failed(
        "rollback-nothing",
        "The history of the files holds no state to go back to{goal}.",
        next_step="Name a version or a commit of the base branch in rollback-to, or edit with `set`.",
        goal=f": {goal}" if goal else "",
    )
