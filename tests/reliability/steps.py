"""The steps of the runbook as the product plans them for an install on the rig."""

from __future__ import annotations

import json
import re

from tests.reliability.controller import Controller
from tests.rig.stack import Rig
from tests.shared import upstream_source
from tests.stage.server import OLD, ServerStage


def steps_of(rig: Rig, stage: ServerStage, layout: str) -> list[str]:
    """Return their names, in order: those that the planned script knows."""
    install = rig.install(version=OLD, layout=layout, upstream=upstream_source())
    with install, Controller(stage.inputs(rig, mode="plan")) as controller:
        told = controller.told(120)
    documents = json.loads(told.outputs.get("plan") or "{}").get("documents", [])
    script = next((document["text"] for document in documents if document["title"] == "Runbook"), "")
    names = re.findall(r"^    [0-9]{3}\) NAME='([a-z-]+)'", script, re.MULTILINE)
    if told.status != "planned" or not names:
        raise RuntimeError(f"no plan on the rig: {told.status} {told.error}\n{told.log[-2000:]}")
    return names
