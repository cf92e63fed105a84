"""A wire that answers what a test wrote down, in order, and a clock that pauses move."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from difyaction.azure.arm import Arm
from difyaction.azure.pace import Pace
from difyaction.azure.wire import Answer
from difyaction.secret import Secret

ENDPOINT = "https://management.example"


@dataclass
class FakeTime:
    now: float = 1_764_000_000.0
    pauses: list[float] = field(default_factory=list)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def pace(self) -> Pace:
        return Pace(lambda: self.now, lambda: self.now, self.pause, lambda: 0.5)


@dataclass(frozen=True)
class Sent:
    method: str
    path: str
    body: Any
    headers: Mapping[str, str]
    host: str


@dataclass
class ScriptedWire:
    """Answers each request with the next of ``answers``; one that nobody wrote down fails the test."""

    answers: list[Answer]
    sent: list[Sent] = field(default_factory=list)

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, timeout: float
    ) -> Answer:
        assert timeout > 0
        parts = urlsplit(url)
        try:
            content = json.loads(body) if body else None
        except ValueError:
            content = body
        self.sent.append(Sent(method, parts.path, content, headers, parts.netloc))
        assert self.answers, f"nobody expected {method} {url}"
        return self.answers.pop(0)

    @property
    def story(self) -> list[str]:
        return [f"{sent.method} {sent.path}" for sent in self.sent]


@dataclass
class CountedTokens:
    given: int = 0

    def token(self, scope: str, *, fresh: bool = False) -> Secret:
        assert scope == "scope"
        self.given += fresh or not self.given
        return Secret(f"token-{self.given}")


def ok(data: object = None, status: int = 200, **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, data)


def error(status: int, code: str, message: str = "", details: str = "", **headers: str) -> Answer:
    record: dict[str, object] = {"code": code, "message": message}
    if details:
        record["details"] = [{"code": details}]
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, {"error": record})


def arm(*answers: Answer, time: FakeTime | None = None) -> tuple[Arm, ScriptedWire]:
    wire = ScriptedWire(list(answers))
    return Arm(ENDPOINT, "scope", CountedTokens(), wire, (time or FakeTime()).pace()), wire
