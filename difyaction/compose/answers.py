"""The lines of a probe's answer: ``name base64``. Nothing in them is believed to be well formed."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import lzma
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

ANSWER_LIMIT = 24 * 1024 * 1024
UNPACKED_LIMIT = 48 * 1024 * 1024
_MEMORY_LIMIT = 128 * 1024 * 1024
_PACKED = frozenset({"containers", "images"})  # and `files`, whose reader has to know whether they were cut
_NAME = re.compile(rb"[a-z-]{1,40}")

Answers = Mapping[str, bytes]


def lines(answer: bytes) -> dict[str, bytes]:
    """Read the lines ``name base64``; what is none is passed over."""
    found: dict[str, bytes] = {}
    for line in answer[:ANSWER_LIMIT].split(b"\n"):
        name, _, coded = line.partition(b" ")
        if not _NAME.fullmatch(name):
            continue
        with contextlib.suppress(binascii.Error):
            data = base64.b64decode(coded.strip(), validate=True)
            found[name.decode("ascii")] = unpacked(data)[0] if name.decode("ascii") in _PACKED else data
    return found


def unpacked(data: bytes) -> tuple[bytes, bool]:
    """Return what the host packed (xz, or gzip), up to 48 MiB, and whether it is whole; other bytes as they are."""
    try:
        if data.startswith(b"\xfd7zXZ"):
            xz = lzma.LZMADecompressor(memlimit=_MEMORY_LIMIT)
            return xz.decompress(data, UNPACKED_LIMIT), xz.eof
        if data.startswith(b"\x1f\x8b"):
            gz = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            return gz.decompress(data, UNPACKED_LIMIT), gz.eof
    except (lzma.LZMAError, zlib.error):
        return b"", False
    return data, True


def text(answers: Answers, name: str) -> str:
    """Return an answer as text without its last end of line; empty when there is none."""
    return answers.get(name, b"").decode("utf-8", "replace").strip()


def number(word: str) -> int:
    """Read a whole number, 0 when it is none."""
    try:
        return int(float(word))
    except (ValueError, OverflowError):
        return 0


def records(answers: Answers, name: str) -> Iterator[Mapping[str, Any]]:
    """Yield the JSON objects of an answer that has one a line; what is none is passed over."""
    for line in text(answers, name).splitlines():
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            yield found


def string(record: Mapping[str, Any], key: str) -> str:
    """Return a text of a record, empty when it is none."""
    found = record.get(key)
    return found if isinstance(found, str) else ""


def mapping(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return an object of a record, empty when it is none."""
    found = record.get(key)
    return found if isinstance(found, dict) else {}


def sequence(record: Mapping[str, Any], key: str) -> list[Any]:
    """Return a list of a record, empty when it is none."""
    found = record.get(key)
    return found if isinstance(found, list) else []
