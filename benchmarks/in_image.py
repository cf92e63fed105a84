"""Runs inside the image: times each case of ``CASES`` in turn, several rounds, and prints the shortest as JSON.

A case is ``{"argv": [...], "environ": {...}, "folder": path, "files": {path: text}, "until": text}``. Seconds are
measured from the start of the process to the first line that has ``until``, and to its end.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

ROUNDS = 9


def _timed(case: dict[str, Any]) -> tuple[float, float]:
    for path, text in case["files"].items():
        Path(path).write_text(text, encoding="utf-8")
    environ = {**os.environ, **case["environ"]}
    began = time.perf_counter()
    told, log = 0.0, ""
    with subprocess.Popen(  # noqa: S603 - the benchmark's own commands
        case["argv"], env=environ, cwd=case["folder"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout or ():
            log += line
            if not told and case["until"] in line:
                told = time.perf_counter() - began
        code = process.wait()
    ended = time.perf_counter() - began
    if code != 0 or (case["until"] and not told):
        raise SystemExit(f"{case['argv']} ended with {code}: {log}")
    return told or ended, ended


cases: dict[str, dict[str, Any]] = json.loads(os.environ.pop("CASES"))
seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
for _ in range(ROUNDS):
    for name, case in cases.items():  # in turn, so that what else the machine does meets all of them; it only ever adds
        seconds[name].append(_timed(case))
print(json.dumps({name: [min(each) for each in zip(*took, strict=True)] for name, took in seconds.items()}))
