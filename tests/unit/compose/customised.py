"""Env files as people have them, made of upstream's example: values, keys, comments and an order of their own."""

from __future__ import annotations

import re

_PLAIN = re.compile(rb"(?P<key>[A-Z][A-Z0-9_]*)=(?P<value>[0-9]+|[A-Za-z_][A-Za-z0-9_.-]*|)")
# Keys whose value the rules of the merge look at, or that Compose has to read as a number, a duration or a port.
_LEFT_ALONE = re.compile(
    rb"DB_HOST|DB_TYPE|VECTOR_STORE|SECRET_KEY|COMPOSE_.*|.*(PORT|SIZE|INTERVAL|TIMEOUT|DISABLED|VOLUME).*"
)

OWN = b"""
# --- ours: do not lose ---
MY_CUSTOM=1
export MY_EXPORTED="two words"   # with a reason
MY_SINGLE='a $literal #value'
MY_REFERENCE=${MY_CUSTOM:-nothing}/${NOT_THERE:-${MY_CUSTOM}}
MY_LINES="first
second = third"
MY_EMPTY=
MY_BASE64=aGVsbG8+d29ybGQ/Zm9v==
    MY_INDENTED = padded
MY_TWICE=first
MY_TWICE=second
# MY_COMMENTED=out
#trailing"""


def customised(example: bytes, *, every: int = 9, crlf: bool = False, reordered: bool = True) -> bytes:
    """Change every n-th plain value, move the second half above the first, add own keys, lose the final newline."""
    lines = example.removesuffix(b"\n").split(b"\n")
    changed = [_changed(line, number) if number % every == 0 else line for number, line in enumerate(lines)]
    half = len(changed) // 2 if reordered else 0
    content = b"\n".join(changed[half:] + changed[:half]) + OWN
    return content.replace(b"\n", b"\r\n") if crlf else content


def small(*, crlf: bool = False) -> bytes:
    """Return what somebody has who only writes down what differs from the compose file's defaults."""
    content = b"DB_PASSWORD=their own\nCOMPOSE_PROFILES=${VECTOR_STORE:-weaviate}\nEXPOSE_NGINX_PORT=8080\n" + OWN
    return content.replace(b"\n", b"\r\n") if crlf else content


def _changed(line: bytes, number: int) -> bytes:
    found = _PLAIN.fullmatch(line)
    if found is None or _LEFT_ALONE.fullmatch(found["key"]):
        return line
    return found["key"] + (b"=7" if found["value"].isdigit() else b"=own-%d" % number)
