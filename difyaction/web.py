"""What a web server says, and what it may be shown: records that cost nothing to import; `websession` reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from difyaction.secret import Secret

DEFAULT_LIMIT = 16 * 1024 * 1024  # bytes; a page of 100 releases with their notes is about one million

USUAL_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Credential:
    """The whole value of an Authorization header, and the only host (``name`` or ``name:port``) that may see it."""

    host: str
    authorization: Secret


@dataclass(frozen=True)
class Reply:
    """What a server answered last. ``headers`` ignores case; ``sent`` counts the requests that it took."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    sent: int = 1

    @property
    def text(self) -> str:
        """The body as UTF-8; ``UnicodeDecodeError``, a ValueError, when it is not."""
        return self.body.decode("utf-8")

    def json(self) -> object:
        """Read the body as JSON; ``ValueError`` when it is not."""
        return json.loads(self.text)


class Reads(Protocol):
    """What Web does, for those who only need an answer to a GET."""

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        credential: Credential | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> Reply:
        """Read one address."""
        ...


def host_of(url: str) -> str:
    """Return the host of an address in lower case, with its port where that is not the usual one."""
    parts = urlsplit(url)
    name = (parts.hostname or "").lower()
    port = parts.port
    return name if port in {None, USUAL_PORTS.get(parts.scheme)} else f"{name}:{port}"
