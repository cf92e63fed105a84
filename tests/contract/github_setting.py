"""A sample repository on the emulated GitHub, and one of our clients for it."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from difyaction.gitops.files import ChangedFile
from difyaction.gitops.github.calls import Calls
from difyaction.gitops.github.client import connect
from difyaction.gitops.github.delivery import Order
from difyaction.gitops.github.look import Look
from difyaction.gitops.github.pace import Pace
from difyaction.gitops.github.proposal import Proposal, Strategy, Wish
from difyaction.gitops.github.repository import Repository
from difyaction.secret import Secret
from tests.emulators.github.emulator import GitHubEmulator
from tests.emulators.github.repository import Repository as Hosted

NAME = "acme/gitops"
OLD, NEW = b"1.13.3", b"1.14.1"
VALUES = "environments/staging/values.yaml"
OTHER = "environments/production/values.yaml"


@dataclass
class FastTime:
    """A clock that pauses move and nothing else; what was paused is kept."""

    now: float = field(default_factory=time.time)
    pauses: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def pace(self) -> Pace:
        return Pace(lambda: self.now, self.pause, random.Random(7).random)  # noqa: S311 - chance, not secrecy


def content(tag: bytes = OLD) -> bytes:
    return b"# who to ask: platform team\nimage:\n  api:\n    tag: " + tag + b"\n"


def sample(github: GitHubEmulator, files: Mapping[str, bytes] | None = None, **settings: object) -> Hosted:
    return github.repository(NAME, files or {VALUES: content(), OTHER: content()}, **settings)


@dataclass
class Bench:
    """Our client for the sample repository, as one run of the Action has it."""

    github: GitHubEmulator
    repository: Repository
    time: FastTime

    def look(self, prefix: str = "dify-upgrade/") -> Look:
        return self.repository.look(prefix=prefix)


def bench(github: GitHubEmulator, token: str = "", *, chance: int = 7) -> Bench:
    moments = FastTime()
    random_numbers = random.Random(chance)  # noqa: S311 - chance, not secrecy
    pace = Pace(lambda: moments.now, moments.pause, random_numbers.random, moments.said.append)
    return Bench(github, connected(github, pace, token), moments)


def connected(github: GitHubEmulator, pace: Pace, token: str = "") -> Repository:
    return Repository(connect(github.url, Secret(token or github.token("app")), pace=pace, calls=Calls()), NAME)


def bump(fresh: Mapping[str, bytes], modes: Mapping[str, str] | None = None) -> tuple[ChangedFile, ...]:
    """Do over again what the plan did: the old tag becomes the new one, wherever it stands."""
    return tuple(
        ChangedFile(path, (modes or {}).get(path, "100644"), before, before.replace(OLD, NEW))
        for path, before in fresh.items()
    )


def proposal(**differently: object) -> Proposal:
    usual: dict[str, object] = {
        "title": "Upgrade Dify to 1.14.1 (staging)",
        "body": "| image | old | new |\n|---|---|---|\n",
        "section": "",
        "branch": "dify-upgrade/staging",
        "base": "",
        "labels": (),
        "reviewers": (),
        "team_reviewers": (),
        "assignees": (),
        "draft": False,
        "unit": "staging",
        "commit_message": "Upgrade Dify to 1.14.1 (staging)",
    }
    return Proposal(**(usual | differently))  # type: ignore[arg-type]


def order(
    bench: Bench, look: Look, paths: tuple[str, ...] = (VALUES,), *, asked: Proposal | None = None, **how: object
) -> Order:
    """Plan the bump over what the look shows, as the plan module would."""
    entries = [entry for entry in bench.repository.entries(look.base_tree) if entry.path in paths]
    files = bench.repository.read(entries)
    changed = bump({file.path: file.content for file in files}, {file.path: file.mode for file in files})
    return Order(asked or proposal(), changed, bump, **how)  # type: ignore[arg-type]


def squash(*, merge_without_checks: bool = False, refuse: str = "") -> Wish:
    return Wish(method="squash", refuse=refuse, merge_without_checks=merge_without_checks)


def shared(unit: str, **differently: object) -> Proposal:
    return proposal(
        branch="dify-upgrade/all",
        unit=unit,
        title="Upgrade Dify to 1.14.1",
        section=f"### {unit}\nmoves to 1.14.1",
        **differently,
    )


SHARED = Strategy.SHARED
