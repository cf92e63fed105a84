"""The image as a user's runner gets it: bytes of its own layers, and seconds at start, as ratios within the image."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from tests.image.station import Station
from tests.rig.stack import lacking
from tests.stage.world import REPOSITORY, World, world

PYTHON = "/usr/local/bin/python3"
VALUES = 'image:\n  api: {repository: langgenius/dify-api, tag: "1.13.3"}\n'
FOUND = " files read, "  # the first thing that a run tells: what it found
EDIT = {"target": "gitops", "delivery": "files", "image-check": "off", "set": "values.yaml#image.api.tag=1.14.1"}
GOALS = {
    "an edit of a checkout (delivery: files)": ("import github", 0.75),
    "a plan for a repository on GitHub": ("import github", 1.5),
    "the post step": ("import ssl, http.client", 2.5),
}
LARGEST = 25_000_000


def run(out: TextIO) -> None:
    """Build the image and measure it; say why not where no engine can stand."""
    out.write("\nThe image\n\n")
    if reason := lacking(os.environ):
        out.write(f"not measured: {reason}\n")
        return
    station = Station.up()
    try:
        _sizes(station, out)
        with world() as stage, station.reaching(stage.github.url, stage.registry.url):
            _seconds(_measured(station, _cases(stage)), out)
    finally:
        station.down()


def _sizes(station: Station, out: TextIO) -> None:
    own = sum(station.image.own_layers)
    out.write(f"own layers: {own / 1e6:.1f} MB compressed over the base (goal: at most {LARGEST / 1e6:.0f} MB)\n\n")


def _seconds(shortest: Mapping[str, tuple[float, float]], out: TextIO) -> None:
    out.write("process start to           first result      end   x import  goal\n")
    for name, (imported, goal) in GOALS.items():
        first, end = shortest[name]
        ratio = first / shortest[imported][1]
        out.write(f"{name:40} {first:5.2f} s  {end:5.2f} s  {ratio:5.2f}x  at most {goal}x '{imported}'\n")


def _cases(stage: World) -> dict[str, dict[str, Any]]:
    cases = {name: _case([PYTHON, "-EsSB", "-c", name], folder="/app") for name, _ in GOALS.values()}
    entry = [PYTHON, "-EsSBu", "/app/entrypoint.py"]
    checkout, github, post = GOALS
    cases[checkout] = _case(entry, EDIT, until=FOUND, files={"/tmp/values.yaml": VALUES})  # noqa: S108 - in a container of our own
    cases[github] = _case(entry, stage.inputs(mode="plan", image_check="off"), until=FOUND)
    cases[post] = _case(["/app/post.py"])
    return cases


def _case(
    argv: list[str],
    inputs: Mapping[str, str] | None = None,
    *,
    until: str = "",
    folder: str = "/tmp",  # noqa: S108 - the same
    files: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    environ = {f"INPUT_{name.upper()}": value for name, value in (inputs or {}).items()}
    environ |= {"GITHUB_WORKSPACE": folder, "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_ACTIONS": "true"} if inputs else {}
    return {"argv": argv, "environ": environ, "files": files or {}, "folder": folder, "until": until}


def _measured(station: Station, cases: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    script = Path(__file__).with_name("in_image.py").read_text("utf-8")
    ran = station.engine.run(
        *("run", "--rm", "--network", "host", "--entrypoint", PYTHON, "--env", f"CASES={json.dumps(cases)}"),
        *(station.image.name, "-EsSB", "-c", script),
    )
    shortest: dict[str, tuple[float, float]] = json.loads(ran.stdout)
    return shortest
