"""The one line that a release changes: ``image:`` of action.yml, from the Dockerfile to the tested digest."""

from __future__ import annotations

import re

from scripts.release.refusal import Refused
from scripts.release.version import Version

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# A host with a dot, a port or the name localhost, then the path: without a host an engine would ask its default one.
_IMAGE = re.compile(
    r"(?:[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?|[a-z0-9.-]+:\d+|localhost)(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+"
)
_RUNS = re.compile(rb"^runs:[ \t]*\r?$", re.MULTILINE)
_LINE = re.compile(rb"^(  image: )([^\r\n]*)", re.MULTILINE)


def registry_of(image: str) -> str:
    """Return the host that serves the image; `Refused` when this is no whole name, or one with a tag."""
    if not _IMAGE.fullmatch(image):
        raise Refused(f"{image!r} is no image: write registry/path in lower case, without tag and digest.")
    return image.partition("/")[0]


def reference(image: str, digest: str) -> str:
    """Join the image's name and its digest; `Refused` when either could not be one."""
    registry_of(image)
    if not _DIGEST.fullmatch(digest):
        raise Refused(f"{digest!r} is no digest: sha256: and 64 hexadecimal digits in lower case.")
    return f"{image}@{digest}"


def pinned(action: bytes, *, image: str, digest: str, version: Version) -> bytes:
    """Return action.yml naming the image by its digest. Every other byte stays.

    Raises:
        Refused: `runs:` or its `image:` is not there exactly once.

    """
    wanted = f"docker://{reference(image, digest)} # {version.tag}".encode()
    head, runs = _parts(action)
    return head + _LINE.sub(lambda found: found[1] + wanted, runs)


def image_of(action: bytes) -> str:
    """Return what ``image:`` says, without the comment behind it."""
    found = _LINE.search(_parts(action)[1])
    assert found is not None  # noqa: S101 - _parts has counted it
    return found[2].decode().partition(" #")[0].strip()


def _parts(action: bytes) -> tuple[bytes, bytes]:
    """Split before ``runs:``, so that an input named image is never met."""
    starts = [found.start() for found in _RUNS.finditer(action)]
    if len(starts) != 1:
        raise Refused(f"action.yml has {len(starts)} lines `runs:`, not one.")
    head, runs = action[: starts[0]], action[starts[0] :]
    if (count := len(_LINE.findall(runs))) != 1:
        raise Refused(f"action.yml has {count} lines `image:` below `runs:`, not one.")
    return head, runs
