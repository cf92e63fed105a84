"""One request over HTTP, by the standard library alone: the post step starts with it in a tenth of a second.

The proxies of the environment are honoured, and ``REQUESTS_CA_BUNDLE``. Redirects are never followed: each request
carries a credential that is for one host.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from difyaction.errors import Failed
from difyaction.events import QUIET, Events

LARGEST: Final = 32 * 1024 * 1024  # bytes of one answer
LONGEST_TEXT: Final = 400  # characters of a foreign text that an error of ours repeats
NO_ANSWER: Final = 0
# Nobody has said what came of the request. A 500 or 503 may come from one that had begun; a 429 never does.
SILENCE: Final = frozenset({NO_ANSWER, 408, 500, 502, 503, 504})
PASSING_STATUS: Final = frozenset({NO_ANSWER, 408, 429, 500, 502, 503, 504})
AGENT: Final = "dify-upgrade-action"


def bounded(text: object) -> str:
    """Return a foreign text as one line of at most 400 characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1] + "…"


@dataclass(frozen=True)
class Answer:
    """What a server answered. Status 0: no answer came. Header names are lower case; ``data`` is the JSON, or None."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    data: Any = None

    @property
    def ok(self) -> bool:
        """Whether it is a success."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_silence(self) -> bool:
        """Whether the request may be carried out yet: nobody answered, or what answered had failed at it."""
        return self.status in SILENCE

    @property
    def is_refusal(self) -> bool:
        """Whether the request was refused, so that nothing comes of it."""
        return HTTPStatus.BAD_REQUEST <= self.status < HTTPStatus.INTERNAL_SERVER_ERROR and not self.is_silence

    @property
    def error(self) -> Mapping[str, Any]:
        """The error's record, whether it stands in an envelope or bare."""
        data = self.data if isinstance(self.data, Mapping) else {}
        found = data.get("error", data)
        return found if isinstance(found, Mapping) else {"code": str(found), "message": data.get("error_description")}

    @property
    def code(self) -> str:
        """The outer error code, empty for none."""
        return str(self.error.get("code") or "")

    @property
    def codes(self) -> frozenset[str]:
        """The outer code and those of its details and inner error: the telling one is often not the outer one."""
        details = self.error.get("details")
        nested = [each for each in details if isinstance(each, Mapping)] if isinstance(details, list) else []
        inner = self.error.get("innererror")
        nested += [inner] if isinstance(inner, Mapping) else []
        return frozenset({self.code, *(str(each.get("code") or "") for each in nested)} - {""})

    @property
    def message(self) -> str:
        """The server's sentence, bounded."""
        return bounded(self.error.get("message") or self.code or self.status)

    @property
    def retry_after(self) -> float | None:
        """The seconds that the server asks to wait."""
        named = self.headers.get("retry-after", "").strip()
        return float(named) if named.isdigit() else None


class Wire(Protocol):
    """Sends one request and returns the answer, whatever its status."""

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, timeout: float
    ) -> Answer:
        """Send it. A connection that fails or breaks is an answer with status 0."""
        ...


@dataclass(frozen=True)
class Https:
    """The real wire. ``environ`` names proxies and trusted authorities; ``events`` is told of every request."""

    environ: Mapping[str, str]
    events: Events = QUIET

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, timeout: float
    ) -> Answer:
        """Send one request on a connection of its own; ``timeout`` in seconds for each step of it."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection, prefix = self._connection(parts.scheme, host, parts.port, timeout)
            try:
                with self.events.request(method, url) as asked:
                    connection.request(method, prefix + target, body, {"User-Agent": AGENT, **headers})
                    answer = connection.getresponse()
                    asked.status = answer.status
                    names = {name.lower(): value for name, value in answer.getheaders()}
                    return Answer(answer.status, names, _json(answer.read(LARGEST)))
            finally:
                connection.close()
        except ssl.SSLCertVerificationError as error:
            raise untrusted(host, error) from error
        except (OSError, http.client.HTTPException) as error:
            return Answer(NO_ANSWER, {}, {"code": type(error).__name__, "message": f"{type(error).__name__}: {error}"})

    def _connection(
        self, scheme: str, host: str, port: int | None, timeout: float
    ) -> tuple[http.client.HTTPConnection, str]:
        proxy = self._proxy(scheme, host)
        if scheme == "http":
            if not proxy:
                return http.client.HTTPConnection(host, port, timeout=timeout), ""
            return http.client.HTTPConnection(*proxy, timeout=timeout), f"http://{host}:{port or 80}"
        if not proxy:
            return http.client.HTTPSConnection(host, port, timeout=timeout, context=self._trust), ""
        connection = http.client.HTTPSConnection(*proxy, timeout=timeout, context=self._trust)
        connection.set_tunnel(host, port or 443)
        return connection, ""

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """Whom we trust, read once: a system's list of authorities takes some 40 ms of a processor each time."""
        return ssl.create_default_context(cafile=self.environ.get("REQUESTS_CA_BUNDLE") or None)

    def _proxy(self, scheme: str, host: str) -> tuple[str, int] | None:
        environ = self.environ
        named = environ.get(f"{scheme}_proxy") or environ.get(f"{scheme.upper()}_PROXY") or ""
        spared = (environ.get("no_proxy") or environ.get("NO_PROXY") or "").split(",")
        if not named or any(_covers(entry.strip().lstrip("."), host) for entry in spared):
            return None
        url = urlsplit(named if "//" in named else f"//{named}")
        return (url.hostname, url.port or 8080) if url.hostname else None


def _covers(entry: str, host: str) -> bool:
    return bool(entry) and (entry in {"*", host} or host.endswith(f".{entry}"))


def _json(content: bytes) -> Any:  # noqa: ANN401 - JSON has no other type
    if not content:
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError):  # no JSON, or deeper than anything that Azure says
        return {"message": bounded(content[:2000].decode("utf-8", "replace"))}


def untrusted(host: str, error: ssl.SSLCertVerificationError) -> Failed:
    """Return the error for a server whose certificate nobody we know has signed."""
    return Failed(
        "azure-untrusted",
        "The certificate of {host} is not trusted ({says}).",
        next_step="Put your authority's certificate where REQUESTS_CA_BUNDLE points.",
        host=host,
        says=bounded(error.verify_message or error.reason),
    )
