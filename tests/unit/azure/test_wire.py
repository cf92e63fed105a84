"""How requests of the small client leave: what is read once for all of them."""

from __future__ import annotations

import http.client
import ssl
from dataclasses import dataclass

import pytest

from difyaction.azure.wire import NO_ANSWER, Https


@dataclass
class Unplugged:
    """A connection that never comes to be."""

    host: str
    port: int | None
    timeout: float
    context: ssl.SSLContext

    def request(self, *_: object) -> None:
        raise ConnectionRefusedError

    def close(self) -> None:
        pass


def test_whom_we_trust_is_read_once_for_all_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str | None] = []
    used: list[ssl.SSLContext] = []

    def context(*, cafile: str | None) -> ssl.SSLContext:
        read.append(cafile)
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def connection(host: str, port: int | None, *, timeout: float, context: ssl.SSLContext) -> Unplugged:
        used.append(context)
        return Unplugged(host, port, timeout, context)

    monkeypatch.setattr(ssl, "create_default_context", context)
    monkeypatch.setattr(http.client, "HTTPSConnection", connection)
    wire = Https({"REQUESTS_CA_BUNDLE": "ours.pem"})
    answers = [wire.send("GET", f"https://{host}.example", {}, timeout=1) for host in ("login", "arm", "arm")]
    assert [answer.status for answer in answers] == [NO_ANSWER] * 3
    assert read == ["ours.pem"]
    assert used == [used[0]] * 3
