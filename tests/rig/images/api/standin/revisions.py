"""The revisions that this image knows, oldest first, and what its code reads of the schema that they make."""

from __future__ import annotations

import re
from dataclasses import dataclass

from standin.settings import ROOT


@dataclass(frozen=True)
class Revision:
    name: str
    revises: str
    title: str
    sql: str


def known() -> list[Revision]:
    return [_read(path.stem.partition("_")[2], path.read_text(encoding="utf-8")) for path in _files()]


def code_reads() -> list[str]:
    """Return the queries that fail when the schema is not the one that the code was written for."""
    queries: dict[str, str] = {}
    for path in _files():
        queries.update(re.findall(r"^-- Code reads (\w+): (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE))
    return list(queries.values())


def _files() -> list:
    return sorted((ROOT / "migrations").glob("*.sql"))


def _read(name: str, text: str) -> Revision:
    header = dict(re.findall(r"^-- (Revises|Title): ?(.*)$", text, re.MULTILINE))
    return Revision(name, header["Revises"], header["Title"], text)
