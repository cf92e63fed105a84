"""Mode matrix: the environments file as JSON for ``strategy.matrix``, by waves, with the version that each may run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from difyaction.errors import Failed
from difyaction.gitops.environments import After, Environment
from difyaction.releases.request import Request, version_file
from difyaction.releases.version import Version

MOST_JOBS = 256  # https://docs.github.com/en/actions/reference/limits : jobs of one matrix


@dataclass(frozen=True)
class Carried:
    """A version that an environment's files named, and since when."""

    version: Version
    since: datetime


class History(Protocol):
    """What git knows of an environment."""

    def carried(self, environment: Environment) -> tuple[Carried, ...]:
        """Return the versions that the environment's files have named, newest first; the first is there now."""
        ...


@dataclass(frozen=True)
class Decision:
    """What one environment may be moved to, or why it stays (``held``)."""

    environment: Environment
    wanted: str = ""
    held: str = ""
    now: Carried | None = None


def matrix(environments: Sequence[Environment], history: History, *, request: str, now: datetime) -> str:
    """Return the JSON. ``request`` is the input ``dify-version``: what an environment without its own one wants."""
    carried = {each.name: history.carried(each) if each.files else () for each in environments}
    return render(decide(environments, carried, request=request, now=now))


def decide(
    environments: Sequence[Environment],
    carried: Mapping[str, Sequence[Carried]],
    *,
    request: str,
    now: datetime,
) -> tuple[Decision, ...]:
    """Decide for every environment, over what git knows."""
    return tuple(_decide(each, carried, each.dify_version or request, now) for each in environments)


def _decide(
    environment: Environment, carried: Mapping[str, Sequence[Carried]], request: str, now: datetime
) -> Decision:
    own = carried.get(environment.name) or ()
    at = own[0] if own else None
    if environment.after is None:
        return Decision(environment, wanted=request, now=at)
    proved = carried.get(environment.after.environment) or ()
    wanted = _at_most(request, _long_enough(proved, environment.after, now))
    if wanted is None:
        return Decision(environment, held=_not_yet(environment.after, proved, request), now=at)
    if at is not None and wanted <= at.version:
        return Decision(environment, held=f"carries {at.version} already", now=at)
    return Decision(environment, wanted=wanted.text, now=at)


def _long_enough(carried: Sequence[Carried], after: After, now: datetime) -> tuple[Version, ...]:
    """Return the versions that stood for so many days in a row. What was taken back does not count."""
    if not carried:
        return ()
    newest = carried[0].version
    until = now
    proved: list[Version] = []
    for each in carried:
        if until - each.since >= timedelta(days=after.days) and each.version <= newest:
            proved.append(each.version)
        until = each.since
    return tuple(proved)


def _at_most(request: str, proved: Sequence[Version]) -> Version | None:
    """Return the newest version that is wanted and not newer than what is proved."""
    if not proved:
        return None
    asked = None if version_file(request) is not None else Request.parse(request)
    if asked is not None and asked.exact is not None:
        return asked.exact if asked.exact <= max(proved) else None
    return max((version for version in proved if asked is None or asked.accepts(version)), default=None)


def _not_yet(after: After, carried: Sequence[Carried], request: str) -> str:
    if not carried:
        return f"no version is known of {after.environment}"
    at = carried[0]
    return (
        f"waits for {after.environment}: it carries {at.version} since {at.since:%Y-%m-%d %H:%M} UTC, "
        f"and nothing that '{request}' allows for {after.days} days"
    )


def render(decisions: Sequence[Decision]) -> str:
    """Write ``{"all": {"include": [...]}, "wave-1": {...}, "waves": [...], "held": [...]}``.

    Every wave of the file has its key, so that workflows may name it; ``waves`` lists those with work to do.
    ``errors.Failed`` when GitHub would not take so many jobs.
    """
    moving = sorted((each for each in decisions if not each.held), key=lambda each: each.environment.wave)
    if len(moving) > MOST_JOBS:
        raise Failed(
            "matrix-too-large",
            "The environments file makes {count} jobs; GitHub starts at most {most} from one matrix.",
            next_step="Split the environments file in two.",
            count=len(moving),
            most=MOST_JOBS,
        )
    waves = sorted({each.environment.wave for each in decisions})
    by_wave = {
        f"wave-{wave}": {"include": [_row(each) for each in moving if each.environment.wave == wave]} for wave in waves
    }
    whole = {
        "all": {"include": [_row(each) for each in moving]},
        **by_wave,
        "waves": [name for name, rows in by_wave.items() if rows["include"]],
        "held": [{"environment": each.environment.name, "reason": each.held} for each in decisions if each.held],
    }
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


def _row(decision: Decision) -> dict[str, object]:
    """Write one environment as ``matrix.*`` shows it: texts, so that they fit into inputs as they are."""
    environment, at = decision.environment, decision.now
    return {
        **environment.extra,
        "environment": environment.name,
        "wave": environment.wave,
        "files": "\n".join(environment.files),
        "host": environment.host,
        "dify-version": decision.wanted,
        "current-version": at.version.text if at else "",
        "carried-since": at.since.isoformat() if at else "",
    }
