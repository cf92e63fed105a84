import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from difyaction.errors import Failed
from difyaction.gitops.environments import After, Environment
from difyaction.matrix import Carried, decide, matrix, render
from difyaction.releases.version import Version

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
STAGING = Environment(name="staging", files=("staging/*",))
PRODUCTION = Environment(name="production", wave=2, files=("production/*",), after=After("staging", 3))


def stood(*stints: tuple[str, float]) -> tuple[Carried, ...]:
    """Versions with the days since when they stood, newest first."""
    return tuple(Carried(Version.parse(version), NOW - timedelta(days=days)) for version, days in stints)


def production(staging: tuple[Carried, ...], own: tuple[Carried, ...] = (), request: str = "latest") -> tuple[str, str]:
    _, decided = decide([STAGING, PRODUCTION], {"staging": staging, "production": own}, request=request, now=NOW)
    return decided.wanted, decided.held


@pytest.mark.parametrize(
    ("staging", "request_", "wanted"),
    [
        (stood(("1.14.1", 3), ("1.13.3", 40)), "latest", "1.14.1"),
        (stood(("1.14.1", 2.9), ("1.13.3", 40)), "latest", "1.13.3"),
        (stood(("1.14.1", 1), ("1.14.0", 3), ("1.13.3", 40)), "latest", "1.13.3"),
        (stood(("1.14.0", 0.5), ("1.14.1", 9), ("1.14.0", 30)), "latest", "1.14.0"),
        (stood(("1.10.1-fix.1", 4), ("1.10.1", 9)), "latest", "1.10.1-fix.1"),
        (stood(("1.14.1", 9)), "1.13.3", "1.13.3"),
        (stood(("1.14.1", 9), ("1.13.3", 20)), "1.13.x", "1.13.3"),
        (stood(("1.14.1", 9)), "file:.dify-version", "1.14.1"),
    ],
)
def test_production_gets_at_most_what_staging_has_proved(
    staging: tuple[Carried, ...], request_: str, wanted: str
) -> None:
    assert production(staging, request=request_) == (wanted, "")


@pytest.mark.parametrize(
    ("staging", "request_", "reason"),
    [
        ((), "latest", "no version is known of staging"),
        (stood(("1.14.1", 1)), "latest", "it carries 1.14.1 since 2026-06-29 12:00 UTC"),
        (stood(("1.14.1", 9)), "1.15.0", "nothing that '1.15.0' allows for 3 days"),
        (stood(("1.14.1", 9)), "1.12.x", "nothing that '1.12.x' allows"),
    ],
)
def test_what_is_not_proved_yet_is_held_with_the_reason(
    staging: tuple[Carried, ...], request_: str, reason: str
) -> None:
    wanted, held = production(staging, request=request_)

    assert wanted == ""
    assert reason in held


def test_an_environment_that_is_there_already_is_held() -> None:
    assert production(stood(("1.14.1", 9)), stood(("1.14.1", 1))) == ("", "carries 1.14.1 already")
    assert production(stood(("1.13.3", 9)), stood(("1.14.1", 1))) == ("", "carries 1.14.1 already")
    assert production(stood(("1.14.1", 9)), stood(("1.13.3", 1))) == ("1.14.1", "")


def test_an_environments_own_version_beats_the_input() -> None:
    pinned = Environment(name="lab", files=("lab/*",), dify_version="1.12.x")

    (decided,) = decide([pinned], {}, request="latest", now=NOW)

    assert decided.wanted == "1.12.x"


@dataclass(frozen=True)
class Told:
    """A history that knows two environments, and fails on any other question."""

    def carried(self, environment: Environment) -> tuple[Carried, ...]:
        return {"staging": stood(("1.14.1", 1)), "production": stood(("1.13.3", 40))}[environment.name]


def test_the_json_has_every_wave_and_texts_that_fit_into_inputs() -> None:
    machine = Environment(name="vm-a", wave=3, host="10.0.0.4", extra={"runner": ["self-hosted"]})
    several = Environment(name="staging", files=("a", "b"))

    told = json.loads(matrix([PRODUCTION, machine, several], Told(), request="1.14.x", now=NOW))

    assert list(told) == ["all", "wave-1", "wave-2", "wave-3", "waves", "held"]
    assert told["waves"] == ["wave-1", "wave-3"]
    assert told["wave-2"] == {"include": []}
    assert told["held"][0]["environment"] == "production"
    assert [row["environment"] for row in told["all"]["include"]] == ["staging", "vm-a"]
    assert told["wave-1"]["include"] == [
        {
            "environment": "staging",
            "wave": 1,
            "files": "a\nb",
            "host": "",
            "dify-version": "1.14.x",
            "current-version": "1.14.1",
            "carried-since": "2026-06-29T12:00:00+00:00",
        }
    ]
    assert told["wave-3"]["include"][0]["runner"] == ["self-hosted"]


def test_more_jobs_than_github_starts_are_refused() -> None:
    many = [Environment(name=f"e{number}", files=("x",)) for number in range(257)]

    with pytest.raises(Failed, match="257 jobs"):
        render(decide(many, {}, request="latest", now=NOW))
