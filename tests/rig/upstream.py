"""What upstream ships for a release, from its own files or from the miniature here, as paths under its repository."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.rig.catalogue import PARTS, line_of
from tests.shared import shared_root

HERE = Path(__file__).resolve().parent
MINI = HERE / "mini"
# start scripts and settings that upstream ships beside what lies in the shared folder; ours do the same work
GAPS = HERE / "upstream_gaps"
SANDBOX = b"app:\n  port: 8194\n  key: dify-sandbox\nmax_workers: 4\nworker_timeout: 5\n"

IGNORED = b"""\
.env
docker-compose.override.yaml
env-backup/
nginx/conf.d/default.conf
nginx/ssl/*
volumes/*
!volumes/sandbox
volumes/sandbox/*
!volumes/sandbox/conf
"""


def files(version: str, source: str = "shared") -> dict[str, bytes]:
    """Return path (`docker/.env.example`) to content of a release; the source is `shared` or `mini`."""
    found = _shared(version) if source == "shared" else _mini(version)
    named = found["docker/docker-compose.yaml"].decode()
    gaps = {
        f"docker/{path.relative_to(GAPS)}": path.read_bytes()
        for path in GAPS.rglob("*")
        if path.is_file() and f"{path.relative_to(GAPS)}" in named
    }
    return gaps | {"docker/volumes/sandbox/conf/config.yaml": SANDBOX, "docker/.gitignore": IGNORED} | found


def _shared(version: str) -> dict[str, bytes]:
    root = shared_root() / "dify" / "releases" / version
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def _mini(version: str) -> dict[str, bytes]:
    """Return the miniature in the shape that the release has: of before 1.10.1, of before 1.14.1, or of today."""
    line = line_of(version)
    shape = "services" if line < (1, 10, 1) else "profiles" if line < (1, 14, 1) else "env-files"
    sandbox, plugins, vectors = PARTS[version]
    words = {"@VERSION@": version, "@SANDBOX@": sandbox, "@PLUGINS@": plugins, "@VECTORS@": vectors}
    both = [*(MINI / "common").rglob("*"), *(MINI / shape).rglob("*")]
    roots = {MINI / "common", MINI / shape}
    return {
        f"docker/{path.relative_to(next(root for root in roots if root in path.parents))}": _filled(
            path.read_bytes(), words
        )
        for path in sorted(both)
        if path.is_file()
    }


def _filled(content: bytes, words: Mapping[str, str]) -> bytes:
    for word, value in words.items():
        content = content.replace(word.encode(), value.encode())
    return content
