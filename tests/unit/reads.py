"""What every fake of `difyaction.web.Reads` shares: one request is one record, which the fake answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from difyaction.web import DEFAULT_LIMIT, Credential, Reply


@dataclass(frozen=True)
class Asked:
    """One request. ``limit`` is in bytes."""

    url: str
    headers: Mapping[str, str]
    credential: Credential | None
    limit: int


class Answers(ABC):
    """Hands each request to `answer`."""

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        credential: Credential | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> Reply:
        return self.answer(Asked(url, headers or {}, credential, limit))

    @abstractmethod
    def answer(self, asked: Asked) -> Reply: ...
