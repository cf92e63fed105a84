"""What the real Compose makes of a merged compose file."""

from __future__ import annotations

from pathlib import Path

import pytest

from difyaction.compose.env_merge import merge
from difyaction.compose.file_merge import FileMerge, merge_file
from tests.rig.compose import compose_or_skip, config
from tests.upstream_releases import folder_of, shipped

OWN_SERVICE = b"services:\n  # ours\n  watcher:\n    image: example/watcher:1\n    depends_on: [api]\n\n"


def edited(older: str, newer: str, *, line: bytes, becomes: bytes) -> FileMerge:
    base = (folder_of(older) / "docker-compose.yaml").read_bytes()
    target = (folder_of(newer) / "docker-compose.yaml").read_bytes()
    assert line in base
    return merge_file("docker-compose.yaml", base, base.replace(line, becomes, 1), target)


@pytest.mark.parametrize(("older", "newer"), [("1.10.0", "1.10.1"), ("1.14.0", "1.14.1"), ("1.15.0", "1.16.1")])
def test_a_service_of_their_own_runs_on_in_the_merged_file(tmp_path: Path, older: str, newer: str) -> None:
    compose_or_skip()
    merged = edited(older, newer, line=b"services:\n", becomes=OWN_SERVICE)
    (tmp_path / "docker-compose.yaml").write_bytes(merged.content or b"")
    (tmp_path / ".env").write_bytes(merge(shipped(older), shipped(older).example or b"", shipped(newer)).content)
    assert {"watcher", "api", "db_postgres"} <= set(config(tmp_path, "--services").split())


def test_a_default_that_they_edited_in_the_block_that_1_14_1_removed_is_named_by_its_line() -> None:
    merged = edited("1.14.0", "1.14.1", line=b"${LOG_LEVEL:-INFO}", becomes=b"${LOG_LEVEL:-DEBUG}")
    objection = merged.objection("1.14.1")
    assert objection is not None
    assert objection.facts["lines"] == "20"
