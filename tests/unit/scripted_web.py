"""A session whose network is a script, and a clock that only pauses move."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import requests
from requests.adapters import BaseAdapter

from difyaction.websession import Web


@dataclass
class Time:
    """A clock that moves only when somebody pauses."""

    now: float = 1000.0
    pauses: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@dataclass
class Answer:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: tuple[bytes, ...] = (b"",)
    before_chunk: Callable[[], None] = lambda: None


class ScriptedAdapter(BaseAdapter):
    """Stands where requests meets the network: gives its answers in order, and refuses a call too many."""

    def __init__(self, *script: Answer | Exception) -> None:
        super().__init__()
        self.script = list(script)
        self.seen: list[requests.PreparedRequest] = []
        self.proxies: list[Mapping[str, str]] = []

    def send(self, request: requests.PreparedRequest, *_: object, **options: object) -> requests.Response:
        assert options["stream"]
        assert options["timeout"]
        assert options["verify"]
        self.proxies.append(cast("Mapping[str, str]", options["proxies"]))
        self.seen.append(request)
        assert self.script, f"nobody expected {request.url}"
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        response = requests.Response()
        response.status_code = answer.status
        response.headers.update(answer.headers)
        response.url = request.url or ""
        response.request = request
        response.raw = _Raw(answer)
        return response

    def close(self) -> None:
        """Nothing is open."""

    @property
    def addresses(self) -> list[str | None]:
        return [request.url for request in self.seen]

    @property
    def credentials(self) -> list[str | None]:
        return [request.headers.get("Authorization") for request in self.seen]


class _Raw:
    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        for chunk in self._answer.chunks:
            self._answer.before_chunk()
            yield chunk

    def close(self) -> None:
        """Nothing is open."""

    def release_conn(self) -> None:
        """Nothing is pooled."""


def web(*script: Answer | Exception, time: Time | None = None) -> tuple[Web, ScriptedAdapter]:
    time = time or Time()
    adapter = ScriptedAdapter(*script)
    session = requests.Session()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return Web(session, clock=time.clock, pause=time.pause, say=time.said.append), adapter


def redirect(to: str, status: int = 302) -> Answer:
    return Answer(status, {"Location": to})
