"""Where rigs keep what takes long to make: base layer, registry, the machine's disk. Standard library only.

`python3 -m tests.rig.place` removes it all, also where no `.venv` is any more.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

TURN = "turn"  # the lock of whoever uses the folder


def state_folder(environ: Mapping[str, str], number: int = 0) -> Path:
    """Return where a rig keeps the base layer, the registry and the machine's disk between runs; about 2 GB.

    ``number``: of the rig, where several stand side by side.
    """
    cache = environ.get("XDG_CACHE_HOME") or "/var/tmp"  # noqa: S108 -- made 0700 and kept on purpose
    usual = Path(environ.get("DIFY_ACTION_RIG") or Path(cache) / "dify-upgrade-action-rig")
    return usual.with_name(f"{usual.name}-{number}") if number else usual


def folders(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield the folders of the rig and of those beside it, where a rig or the image's tests have been."""
    usual = state_folder(environ)
    for path in sorted(usual.parent.glob("*")):
        if re.fullmatch(re.escape(usual.name) + r"(-[0-9]+)?", path.name) and _locks(path):
            yield path


def forget(folder: Path) -> bool:
    """Remove one, unless somebody uses it; whether it is gone."""
    with ExitStack() as held:
        try:
            for path in _locks(folder):
                fcntl.flock(held.enter_context(path.open("a")), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        shutil.rmtree(folder)
        return True


def _locks(folder: Path) -> list[Path]:
    """Return the locks of the rig, and of the machine that the image's tests have in the same folder."""
    return [path for path in (folder / TURN, folder / "runner" / TURN) if path.is_file()]


def main(environ: Mapping[str, str]) -> int:
    """Remove all; the exit code is 1 when one is in use."""
    gone = {folder: forget(folder) for folder in folders(environ)}
    for folder, is_gone in gone.items():
        print(f"removed {folder}" if is_gone else f"{folder} is in use, and was left")  # noqa: T201 - its whole report
    return 0 if all(gone.values()) else 1


if __name__ == "__main__":
    sys.exit(main(os.environ))
