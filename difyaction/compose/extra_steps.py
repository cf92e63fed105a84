"""Steps of single releases: commands that upstream asks for by hand, run before the proxy opens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from difyaction.compose.shift import Shift
from difyaction.compose.steps import Step
from difyaction.compose.words import call
from difyaction.releases.version import Version


@dataclass(frozen=True)
class Extra:
    """What whoever crosses ``since`` has to run in the api container of the new release, in this order."""

    id: str
    since: Version
    title: str
    commands: tuple[str, ...]


# extract-plugins asks for the file that it writes: an empty line takes its own proposal.
EXTRAS = (
    Extra(
        "plugins",
        Version.parse("1.0.0"),
        "Turn tools and model providers into plugins",
        (
            "echo | flask extract-plugins --workers=20",
            "flask install-plugins --workers=2",
            "flask migrate-data-for-plugin",
        ),
    ),
    Extra(
        "datasource-credentials",
        Version.parse("1.9.0"),
        "Move the credentials of data sources",
        ("flask transform-datasource-credentials", "flask install-rag-pipeline-plugins --workers=2"),
    ),
)


def extra_steps(shift: Shift) -> Iterator[Step]:
    """Yield a step for each that lies on the way. What they write is undone with the database."""
    for extra in EXTRAS:
        if shift.installed.numbers < extra.since.numbers <= shift.wanted.numbers:
            yield Step(f"extra-{extra.id}", _do(shift, extra), timeout=7200, title=extra.title)


def _do(shift: Shift, extra: Extra) -> str:
    wait = f'{call("until_deadline", shift.wishes.start_timeout, 2, "api_healthy")} || fail "$(reason)"'
    return "\n".join([wait, *(call("run_extra", command) for command in extra.commands)])
