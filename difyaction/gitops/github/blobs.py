"""Blobs: their names, and how many of them fit into one answer. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from difyaction.gitops.files import Entry

CHUNK_BYTES: Final = 2 * 1024 * 1024  # of content in one GraphQL answer: all of a usual bump in one call
CHUNK_FILES: Final = 200
UNKNOWN_SIZE: Final = 64 * 1024  # assumed for a file whose size nobody told


def blob_oid(content: bytes) -> str:
    """Return the name that Git gives to this content."""
    header = b"blob %d\0" % len(content)
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def chunks(entries: Iterable[Entry]) -> Iterator[list[str]]:
    """Split the distinct blobs of these entries into lists of oids, each small enough for one answer."""
    sizes = {entry.oid: UNKNOWN_SIZE if entry.size is None else entry.size for entry in entries}
    chunk: list[str] = []
    weight = 0
    for oid, size in sizes.items():
        if chunk and (len(chunk) == CHUNK_FILES or weight + size > CHUNK_BYTES):
            yield chunk
            chunk, weight = [], 0
        chunk.append(oid)
        weight += size
    if chunk:
        yield chunk


def proved(answer: Mapping[str, Any], oids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Return those of the blobs ``b0``, ``b1``, ... whose text, as bytes, has the blob's name."""
    for number, oid in enumerate(oids):
        text = (answer.get(f"b{number}") or {}).get("text")
        if isinstance(text, str) and blob_oid(content := text.encode("utf-8", "surrogatepass")) == oid:
            yield oid, content
