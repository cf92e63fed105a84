from __future__ import annotations

import io
import itertools

from difyaction.compose.journal_log import JournalLog
from difyaction.compose.run_journal import JournalRow
from difyaction.runner import Runner

ROWS = (
    (100, "run", "began", 0, "Dify 1.13.3 -> 1.14.1"),
    (100, "pull", "began", 0, "Pull and check every image"),
    (101, "pull", "say", 0, "nginx:latest is here"),
    (110, "pull", "live", 0, "pulling langgenius/dify-api:1.14.1, images take 4.1GB"),
    (130, "pull", "done", 0, ""),
    (130, "migrate", "began", 0, "Migrate the database"),
    (131, "migrate", "fact", 0, "migration-seconds 7"),
    (137, "migrate", "reason", 70, "migration-failed flask db upgrade ended with exit code 1"),
    (138, "migrate", "failed", 70, "Traceback\nOperationalError"),
    (138, "migrate", "undoing", 0, "Migrate the database"),
    (140, "migrate", "undone", 0, ""),
    (141, "end", "rolled-back", 0, ""),
)


def told(**environ: str) -> str:
    out, clock = io.StringIO(), itertools.count()
    runner = Runner(environ, out, monotonic=lambda: float(next(clock)))
    log = JournalLog(runner)
    with runner.group("Apply"):
        for number, row in enumerate(ROWS):
            log.tell(JournalRow(number, *row))
        log.close()
    return out.getvalue()


def test_a_run_reads_like_this_at_a_desk() -> None:
    assert told().splitlines() == [
        "== Apply",
        "Dify 1.13.3 -> 1.14.1",
        "-- Pull and check every image",
        "nginx:latest is here",
        "... pulling langgenius/dify-api:1.14.1, images take 4.1GB, 10 s so far",
        "Pull and check every image: done after 30 s",
        "-- Migrate the database",
        "migration-failed: flask db upgrade ended with exit code 1",
        "Migrate the database: failed after 8 s, exit code 70",
        "Traceback",
        "OperationalError",
        "-- Undo: Migrate the database",
        "Undo: Migrate the database: undone after 2 s",
        "The run on the host is over after 41 s: rolled-back",
        "Apply: 4.0 s",
    ]


def test_on_github_every_step_is_a_group_and_its_end_is_seen_without_unfolding() -> None:
    lines = [line for line in told(GITHUB_ACTIONS="true").splitlines() if "stop-commands" not in line]
    start = lines.index("::group::Migrate the database")
    end = lines.index("::endgroup::", start)
    assert any(line.startswith("migration-failed") for line in lines[start:end])
    assert "Migrate the database: failed after 8 s, exit code 70" in lines[end:]
    assert lines.index("OperationalError") > end
