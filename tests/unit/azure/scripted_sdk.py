"""The real SDKs on a wire that answers what a test wrote down."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import requests
import urllib3
from azure.core.credentials import AccessToken
from requests.adapters import BaseAdapter, HTTPAdapter

from difyaction.azure.clouds import PUBLIC
from difyaction.azure.identity import Identity
from difyaction.azure.login import Login
from difyaction.azure.management import Management
from difyaction.azure.wire import Answer, Wire
from tests.unit.azure.scripted import ENDPOINT, FakeTime, ScriptedWire

FAR = 4_000_000_000  # seconds since 1970


class WireAdapter(BaseAdapter):
    """Lets a session of requests send over a wire of ours. Status 0 is a connection that broke."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    def send(self, request: requests.PreparedRequest, *_: object, **__: object) -> requests.Response:
        body = request.body.encode() if isinstance(request.body, str) else request.body
        answer = self._wire.send(str(request.method), str(request.url), dict(request.headers), body, timeout=1.0)
        if not answer.status:
            raise requests.ConnectionError(urllib3.exceptions.ProtocolError("broken"))
        content = b"" if answer.data is None else json.dumps(answer.data).encode()
        raw = urllib3.HTTPResponse(
            io.BytesIO(content), status=answer.status, headers=dict(answer.headers), preload_content=False
        )
        return HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        return


@dataclass
class ScriptedLogin(Login):
    """Gives a token, and another one when that was refused."""

    given: int = 1

    def renew(self) -> None:
        self.given += 1

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:  # noqa: ANN401 - as it is
        assert scopes == ("scope",)
        return AccessToken(f"token-{self.given}", FAR)


def management(wire: Wire, time: FakeTime | None = None) -> Management:
    """Return the SDKs' clients, on a wire."""
    cloud = replace(PUBLIC, arm=ENDPOINT, arm_scope="scope")

    def session() -> requests.Session:
        made = requests.Session()
        made.mount("https://", WireAdapter(wire))
        return made

    login = ScriptedLogin(Identity("oidc", "t", "c", cloud), lambda: "assertion")
    return Management(cloud, login, (time or FakeTime()).pace(), session=session)


@contextmanager
def sdk(*answers: Answer, time: FakeTime | None = None) -> Iterator[tuple[Management, ScriptedWire]]:
    """Give the SDKs' clients, and the wire that answers them in turn."""
    wire = ScriptedWire(list(answers))
    azure = management(wire, time)
    yield azure, wire
    azure.close()
