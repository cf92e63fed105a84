"""Real runs on machines, for their summaries: the rig's Dify, upgraded over SSH, then behind an emulated Azure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.screenshots.page import page, rendered
from scripts.screenshots.recorded import recording, written
from scripts.screenshots.scenes import SUMMARY_BAR, Scene
from tests.rig.stack import Rig
from tests.stage.azure import azure_stage
from tests.stage.run import act
from tests.stage.server import OLD, server_stage

SECONDS = 600  # for one run, also on a machine that is busy with other things
_LOOPBACK = re.compile(r"127\.0\.0\.1:[0-9]+")
NAMES = ("server-en", "azure-vm-en")


def recordings() -> Iterator[tuple[str, dict[str, Any]]]:
    """Upgrade both, and yield what is kept of each run by its picture's name. It takes minutes."""
    rig = Rig.up()
    try:
        with server_stage(rig, "mini") as server:
            with rig.install(OLD, upstream="mini"):
                yield NAMES[0], recording(act(server.inputs(rig), seconds=SECONDS))
            with azure_stage(rig, server) as azure, rig.install(OLD, upstream="mini"):
                yield NAMES[1], recording(act(azure.inputs(rig), workspace=None, seconds=SECONDS, **azure.environ))
    finally:
        rig.down()


def machine_scenes(folder: Path) -> Iterator[Scene]:
    """Yield a scene for each run that is kept in the folder, written as it would be today.

    The rig's loopback address becomes the name of a host.
    """
    for name in NAMES:
        markdown = _LOOPBACK.sub("dify.example.com", written(json.loads((folder / f"{name}.json").read_text("utf-8"))))
        yield Scene(name, markdown, page(rendered(markdown), head=SUMMARY_BAR.format(job="upgrade")))
