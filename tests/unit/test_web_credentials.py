from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from difyaction import errors
from difyaction.secret import Secret
from difyaction.web import Credential, host_of
from difyaction.websession import Web
from tests.unit.scripted_web import Answer, Time, redirect, web

TOKEN = Credential("api.example", Secret("Bearer sesame"))


def test_a_credential_goes_to_its_own_host() -> None:
    reader, adapter = web(Answer())

    reader.get("https://API.example:443/a", credential=TOKEN)

    assert adapter.credentials == ["Bearer sesame"]


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.evil.test/",
        "https://evil.test/api.example",
        "https://api.example:8443/",
        "https://api.example@evil.test/",
        "https://xapi.example/",
    ],
)
def test_a_credential_never_goes_to_another_host(url: str) -> None:
    reader, adapter = web(Answer())

    reader.get(url, credential=TOKEN)

    assert adapter.credentials == [None]


def test_a_credential_follows_a_redirect_on_its_own_host_only() -> None:
    reader, adapter = web(
        redirect("/renamed", 301), redirect("https://files.example/a"), redirect("https://api.example/back"), Answer()
    )

    reply = reader.get("https://api.example/a", credential=TOKEN)

    assert adapter.addresses == [
        "https://api.example/a",
        "https://api.example/renamed",
        "https://files.example/a",
        "https://api.example/back",
    ]
    assert adapter.credentials == ["Bearer sesame", "Bearer sesame", None, None]
    assert reply.sent == 4


def test_a_credential_is_not_sent_unencrypted() -> None:
    reader, adapter = web()

    with pytest.raises(errors.Failed) as raised:
        reader.get("http://api.example/a", credential=TOKEN)

    assert raised.value.id == "web-not-private"
    assert adapter.seen == []


def test_this_machine_itself_may_see_its_credential_unencrypted() -> None:
    reader, adapter = web(Answer())

    reader.get("http://127.0.0.1:8080/a", credential=Credential("127.0.0.1:8080", Secret("Bearer sesame")))

    assert adapter.credentials == ["Bearer sesame"]


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("http://api.example/a", "redirects to http"),
        ("file:///etc/passwd", "redirects to file"),
        ("https://api.example:x/", "no address"),
    ],
)
def test_a_redirect_out_of_the_encrypted_web_is_refused(location: str, why: str) -> None:
    reader, _ = web(redirect(location))

    with pytest.raises(errors.Failed, match=why) as raised:
        reader.get("https://api.example/a", credential=TOKEN)

    assert raised.value.id == "web-redirect-refused"


def test_netrc_and_addresses_give_no_credentials_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.example login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    reader, adapter = web(Answer(), Answer())

    reader.get("https://api.example/a", credential=TOKEN)
    reader.get("https://me:secret@api.example/a")

    assert adapter.credentials == ["Bearer sesame", None]


def test_a_credential_cannot_be_smuggled_in_as_a_header() -> None:
    reader, _ = web()

    with pytest.raises(ValueError, match="Credential"):
        reader.get("https://api.example/a", headers={"authorization": "Bearer sesame"})


@pytest.fixture
def server() -> Iterator[tuple[str, list[str | None]]]:
    """A real server on the loopback: redirects /away to its other name, and remembers the credentials it saw."""
    seen: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization"))
            port = self.headers["Host"].rpartition(":")[2]
            self.send_response(302 if self.path == "/away" else 200)
            self.send_header("Location", f"http://localhost:{port}/there")
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", seen
        running.shutdown()
        thread.join()


def test_over_a_real_connection_the_credential_stays_with_its_host(server: tuple[str, list[str | None]]) -> None:
    url, seen = server
    time = Time()
    with requests.Session() as session:
        reply = Web(session, clock=time.clock, pause=time.pause).get(
            f"{url}/away", credential=Credential(host_of(url), Secret("Bearer sesame"))
        )

    assert (reply.text, reply.sent) == ("hello", 2)
    assert seen == ["Bearer sesame", None]
