"""The results, one JSON line a cell, so that a run can be broken off and resumed."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from tests.reliability.cell_run import Result

_writing = threading.Lock()


def start(path: Path) -> None:
    """Begin anew."""
    path.parent.mkdir(exist_ok=True)
    path.write_text("", encoding="utf-8")


def add(path: Path, result: Result) -> None:
    """Add one; several threads may."""
    path.parent.mkdir(exist_ok=True)  # who resumes where nothing is begins here
    with _writing, path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(result.row()) + "\n")


def read(path: Path) -> dict[str, Result]:
    """Return what is there by cell; of several the last."""
    if not path.exists():
        return {}
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return {row["cell"]: Result(**row | {"left": tuple(row["left"])}) for row in rows}
