"""A request as the log keeps it."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Request:
    """One request. ``body`` is the JSON, or None; ``roots`` are a GraphQL document's root fields.

    ``credential`` is the kind of token shown, never the token; ``status`` is 0 until it is answered.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    content: bytes
    body: Any = None
    credential: str = ""
    host: str = ""
    document: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    roots: tuple[str, ...] = ()
    status: int = 0

    @property
    def labels(self) -> list[str]:
        """Return what faults and ``calls`` match against."""
        return [f"{self.method} {self.path}", *(f"GRAPHQL {root}" for root in self.roots)]

    def is_like(self, pattern: str) -> bool:
        return pattern == "*" or any(fnmatch.fnmatchcase(label, pattern) for label in self.labels)

    def journal_line(self) -> str:
        kept = ("method", "path", "query", "body", "document", "variables", "status")
        return json.dumps({name: getattr(self, name) for name in kept})


@dataclass(frozen=True)
class Response:
    """What goes back. ``body`` is sent as JSON unless ``raw`` is given."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None

    def content(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return b"" if self.body is None else json.dumps(self.body).encode()
