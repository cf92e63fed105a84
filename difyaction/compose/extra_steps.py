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
    seconds: int  # a guess: nobody knows how many plugins there are, and how fast they come


_SAID = 'echo "$(($(wc -l <"$RUN/extra.said"))) lines said"'  # theirs may hold anything
_LIST, _INSTALLED = "/tmp/plugins.jsonl", "/tmp/installed_plugins.jsonl"  # noqa: S108 - in a container that nobody else is in

# Whoever runs these by hand is asked for what is not said (click's `prompt`): files are named, and an empty line takes
# what is proposed. 1.9.0's `install-rag-pipeline-plugins` reads a list that nobody has made by then, and installs every
# plugin of it for everybody: it is left.
EXTRAS = (
    Extra(
        "plugins",
        Version.parse("1.0.0"),
        "Turn tools and model providers into plugins",
        (
            f"flask extract-plugins --output_file={_LIST} --workers=20",
            f"flask install-plugins --input_file={_LIST} --output_file={_INSTALLED} --workers=2",
            "flask migrate-data-for-plugin",
        ),
        # each plugin is fetched, and gets a Python environment with all that it needs: half a minute, two at a time
        seconds=300,
    ),
    Extra(
        "datasource-credentials",
        Version.parse("1.9.0"),
        "Move the credentials of data sources",
        ("yes '' | flask transform-datasource-credentials",),
        seconds=30,  # the whole application is loaded; then there are few of them, or none
    ),
)


def extra_steps(shift: Shift) -> Iterator[Step]:
    """Yield a step for each that lies on the way. What they write is undone with the database."""
    for extra in extras_of(shift):
        yield Step(f"extra-{extra.id}", _do(shift, extra), timeout=7200, title=extra.title, live=_SAID)


def extras_of(shift: Shift) -> tuple[Extra, ...]:
    """Return those that lie on the way; none lies on the way back."""
    crossed = (e for e in EXTRAS if shift.installed.numbers < e.since.numbers <= shift.wanted.numbers)
    return () if shift.back_to else tuple(crossed)


def _do(shift: Shift, extra: Extra) -> str:
    wait = f'{call("until_deadline", shift.wishes.start_timeout, 2, "api_healthy")} || fail "$(reason)"'
    return "\n".join([wait, *(call("run_extra", command) for command in extra.commands)])
