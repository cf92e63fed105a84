"""What upstream's compose file says by itself, before anything is replaced in it. Its shape is generated, so lines do.

Whether a file that people edited is well formed is not asked here: that question goes to Compose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_SHARED = "x-shared-env:"
_ENTRY = re.compile(r"""  (?P<key>[A-Za-z_][A-Za-z0-9_]*):[ ]*(?P<quote>["']?)(?P<text>.*?)(?P=quote)\s*""")
_SERVICE = re.compile(r"  (?P<name>[A-Za-z0-9._-]+):\s*(?:#.*)?")
_ENV_FILE = re.compile(r"""\s*-\s*(?:path:\s*)?["']?(?:\./)?(?P<path>[^\s"']*\.env)["']?\s*""")


def shared_environment(compose: str) -> Mapping[str, str]:
    """Return what every Dify container is given, variables not yet replaced: ``DB_HOST`` is ``${DB_HOST:-db}``.

    Upstream's files have this block up to 1.14.0; it is empty for later ones.
    """
    entries = (_ENTRY.fullmatch(line) for line in _block(compose, _SHARED))
    return {entry["key"]: entry["text"] for entry in entries if entry}


def service_names(compose: str) -> frozenset[str]:
    """Return the names of all services, those under a profile included."""
    services = (_SERVICE.fullmatch(line) for line in _block(compose, "services:"))
    return frozenset(service["name"] for service in services if service)


def env_files(compose: str) -> tuple[str, ...]:
    """Return the env files that services read, each once, relative to the compose file, in the order of reading."""
    found = (_ENV_FILE.fullmatch(line) for line in compose.splitlines())
    return tuple(dict.fromkeys(file["path"] for file in found if file))


def _block(compose: str, header: str) -> Iterator[str]:
    """Yield the lines below a key of the file's top level."""
    inside = False
    for line in compose.splitlines():
        if line[:1].strip() and not line.startswith("#"):
            inside = line.startswith(header)
        elif inside:
            yield line
