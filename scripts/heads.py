#!/usr/bin/env python3
"""Write difyaction/releases/heads.toml: the schema head of every release of Dify.

    scripts/heads.py --checkout ../dify          # a git clone of langgenius/dify with its tags
    scripts/heads.py --json alembic-heads.json   # {"1.14.1": {"head": "a4f2d8c9b731"}, ...}

Prints the table to standard output. Tags that name no version, or have no migrations, are left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from difyaction.releases.migrations import FOLDER, head_of_migrations
from difyaction.releases.version import Version

HEADER = """\
# The schema head (Alembic revision) that each release of Dify migrates its database to.
# Made by scripts/heads.py from the migration files of upstream's tags; make it again rather than editing it.

"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 1 when the clone has no tag that can be read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--checkout", type=Path, help="a git clone of upstream")
    source.add_argument("--json", type=Path, help="a table of heads that was made elsewhere")
    given = parser.parse_args(arguments)
    heads = dict(from_checkout(given.checkout) if given.checkout else from_json(given.json))
    if not heads:
        sys.stderr.write("heads.py: no release with migrations was found\n")
        return 1
    sys.stdout.write(table(heads))
    return 0


def table(heads: Mapping[Version, str]) -> str:
    """Return the file, oldest release first."""
    return HEADER + "".join(f'"{version.tag}" = "{heads[version]}"\n' for version in sorted(heads))


def from_json(file: Path) -> Iterator[tuple[Version, str]]:
    """Yield version and head of a table made elsewhere."""
    for tag, entry in json.loads(file.read_text(encoding="utf-8")).items():
        if version := _version(tag):
            yield version, entry["head"]


def from_checkout(clone: Path) -> Iterator[tuple[Version, str]]:
    """Yield version and head of every tag of a clone."""
    for tag in _git(clone, "tag", "--list").split():
        version = _version(tag)
        head = version and head_of_migrations(
            _git(clone, "grep", "-hE", "^(down_)?revision\\b", tag, "--", FOLDER).splitlines()
        )
        if version and head:
            yield version, head


def _version(tag: str) -> Version | None:
    try:
        return Version.parse(tag)
    except ValueError:
        return None


def _git(clone: Path, *arguments: str) -> str:
    """Run git in the clone. Status 1 is `grep` saying that it found nothing."""
    done = subprocess.run(["git", "-C", str(clone), *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607 - a maintainer's script, with the maintainer's git
    if done.returncode > 1:
        raise SystemExit(f"heads.py: git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    raise SystemExit(main())
