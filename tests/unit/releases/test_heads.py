from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from difyaction.releases.heads import head_of, is_known, newest_known
from difyaction.releases.version import Version
from tests.shared import shared_root

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "scripts" / "heads.py"
TABLE = ROOT / "difyaction" / "releases" / "heads.toml"


def run_script(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)


def git(where: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    subprocess.run(["git", "-C", where, *identity, *arguments], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("tag", "head"),
    [
        ("1.13.1", "6b5f9f8b1a2c"),
        ("1.13.3", "6b5f9f8b1a2c"),
        ("1.14.1", "a4f2d8c9b731"),
        ("v1.10.1-fix1", "09cfdda155d1"),
        ("99.0.0", None),
        ("0.1.0", None),
    ],
)
def test_a_release_has_the_head_of_its_migrations(tag: str, head: str | None) -> None:
    assert head_of(Version.parse(tag)) == head


def test_the_abandoned_line_is_not_the_newest_that_is_known() -> None:
    assert not newest_known().is_abandoned
    assert newest_known() >= Version.parse("1.16.1")


def test_known_is_what_has_a_head_or_is_older_than_the_newest() -> None:
    assert is_known(Version.parse("1.14.1"))
    assert is_known(Version.parse("0.1.0"))
    assert is_known(Version.parse("2.0.0-beta.1"))
    assert not is_known(Version.parse("99.0.0"))


def test_the_table_is_what_the_script_makes_of_upstream_s_migrations() -> None:
    done = run_script("--json", shared_root() / "dify" / "alembic-heads.json")

    assert done.stdout == TABLE.read_text(encoding="utf-8")


def test_the_script_reads_the_tags_of_a_clone(tmp_path: Path) -> None:
    migrations = tmp_path / "api" / "migrations" / "versions"
    migrations.mkdir(parents=True)
    git(tmp_path, "init", "--quiet")
    (tmp_path / "README.md").write_text("no migrations yet")
    commit_and_tag(tmp_path, "0.1.0")
    (migrations / "a.py").write_text("revision = 'aaa'\ndown_revision = None\n")
    commit_and_tag(tmp_path, "0.2.0")
    (migrations / "b.py").write_text('revision: str = "bbb"\ndown_revision: str | None = "aaa"\n')
    commit_and_tag(tmp_path, "0.10.0-rc1")
    (migrations / "c.py").write_text("revision = 'ccc'\ndown_revision = 'aaa'\n")
    commit_and_tag(tmp_path, "browser-profile")
    (migrations / "d.py").write_text("revision = 'ddd'\ndown_revision = ('bbb', 'ccc')\n")
    commit_and_tag(tmp_path, "v0.9.0-fix1")

    done = run_script("--checkout", tmp_path)

    assert done.returncode == 0
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith("#")]
    assert lines == ['"0.2.0" = "aaa"', '"v0.9.0-fix1" = "ddd"', '"0.10.0-rc1" = "bbb"']


def commit_and_tag(where: Path, tag: str) -> None:
    git(where, "add", "--all")
    git(where, "commit", "--quiet", "--message", tag)
    git(where, "tag", tag)


def test_the_script_says_when_there_is_nothing_to_read(tmp_path: Path) -> None:
    empty = tmp_path / "heads.json"
    empty.write_text(json.dumps({"main": {"head": "aaa"}}))

    assert run_script("--json", empty).returncode == 1
    assert "git tag failed" in run_script("--checkout", tmp_path / "nowhere").stderr
