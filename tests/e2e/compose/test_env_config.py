"""What the real Compose makes of a merged env file, with upstream's own compose files."""

from __future__ import annotations

from pathlib import Path

import pytest

from difyaction.compose.env_merge import merge
from difyaction.compose.env_records import Merged
from tests.rig.compose import compose_or_skip, config, environment_of
from tests.unit.compose.customised import customised, small
from tests.upstream_releases import shipped

# Every way over a break (1.0.0, 1.9.2, 1.10.1, 1.13.1, 1.14.1, 1.16.0), its neighbours, and the longest ways.
WAYS = [
    ("0.15.8", "1.0.0"),
    ("0.15.8", "1.16.1"),
    ("1.0.0", "1.14.1"),
    ("1.9.1", "1.9.2"),
    ("1.9.2", "1.11.4"),
    ("1.10.0", "1.10.1"),
    ("1.10.1", "1.10.1-fix.1"),
    ("1.12.1", "1.13.3"),
    ("1.13.3", "1.14.0"),
    ("1.14.0", "1.14.1"),
    ("1.14.0", "1.16.1"),
    ("1.14.1", "1.15.0"),
    ("1.15.0", "1.16.1"),
]
# Keys whose default in the old file was another key, unset here: they read empty, and now read as that key does.
BUILT_OF_OTHERS = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"}
OF_WEAVIATE = "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED"  # of which Dify's containers were told otherwise, and never ask
CROSSING = [("1.9.2", "1.14.1"), ("1.14.0", "1.14.1"), ("1.14.0", "1.16.1")]


@pytest.fixture(autouse=True)
def _compose() -> None:
    compose_or_skip()


def installed(folder: Path, compose: str, env: bytes) -> Path:
    folder.mkdir()
    (folder / "docker-compose.yaml").write_text(compose, encoding="utf-8")
    (folder / ".env").write_bytes(env)
    return folder


def merged_for(older: str, theirs: bytes, newer: str) -> Merged:
    return merge(shipped(older), theirs, shipped(newer))


@pytest.mark.parametrize(("older", "newer"), WAYS)
@pytest.mark.parametrize("crlf", [False, True])
def test_compose_takes_the_merged_file_with_upstreams_own_compose_file(
    tmp_path: Path, older: str, newer: str, *, crlf: bool
) -> None:
    theirs = small(crlf=crlf) if crlf else customised(shipped(older).example or b"")
    folder = installed(tmp_path / "docker", shipped(newer).compose, merged_for(older, theirs, newer).content)
    config(folder, "--quiet")


@pytest.mark.parametrize(("older", "newer"), [("1.9.2", "1.11.4"), ("1.10.0", "1.10.1"), ("0.15.8", "1.16.1")])
def test_the_database_starts_after_its_service_was_renamed(tmp_path: Path, older: str, newer: str) -> None:
    for name, theirs in (("whole", shipped(older).example or b""), ("small", small()), ("none", b"")):
        folder = installed(tmp_path / name, shipped(newer).compose, merged_for(older, theirs, newer).content)
        assert "db_postgres" in config(folder, "--services").split()
        assert environment_of("api", folder)["DB_HOST"] == "db_postgres"


@pytest.mark.parametrize(("older", "newer"), CROSSING)
def test_containers_get_what_they_had_when_the_compose_file_stops_giving_defaults(
    tmp_path: Path, older: str, newer: str
) -> None:
    for name, theirs in (("whole", customised(shipped(older).example or b"")), ("small", small(crlf=True))):
        merged = merged_for(older, theirs, newer)
        old = installed(tmp_path / f"{name}-old", shipped(older).compose, theirs)
        new = installed(tmp_path / f"{name}-new", shipped(newer).compose, merged.content)
        before, after = environment_of("api", old), environment_of("api", new)
        accounted = {change.key for change in merged.changed} | {new.key for new in merged.added if not new.rule}
        differing = {key for key, value in before.items() if after.get(key) != value}
        assert differing <= accounted | BUILT_OF_OTHERS | {f"WEAVIATE_{OF_WEAVIATE}"}, sorted(differing - accounted)
        stores = [environment_of("weaviate", folder) for folder in (old, new)]
        assert stores[0][OF_WEAVIATE] == stores[1][OF_WEAVIATE]
        assert after["SECRET_KEY"] == before["SECRET_KEY"]
