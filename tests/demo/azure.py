"""The target `azure-vm`: the rig's Dify behind an emulated Azure, upgraded through doors that are open for seconds."""

from __future__ import annotations

import json
import os

from tests.demo.server import SECONDS
from tests.demo.show import say, show
from tests.rig.stack import Rig, lacking
from tests.stage.azure import AzureStage, azure_stage
from tests.stage.run import Run, act
from tests.stage.server import NEW, OLD, server_stage

MOST_OF_A_PLAN = 30


def show_all() -> bool:
    """Show it; whether everything ended as it should. Where no rig can stand, say why, and that is well, too."""
    if reason := lacking(os.environ):
        say("Azure: not shown here", f"It needs a machine of its own to upgrade, and {reason}.")
        return True
    say(
        "Azure: the same machine behind security groups, its SSH key in a closed vault",
        "Azure is emulated, and its rules and firewalls really refuse; the engine and sshd are real.",
    )
    rig = Rig.up()
    try:
        with (
            server_stage(rig, "mini") as server,
            azure_stage(rig, server) as stage,
            rig.install(OLD, upstream="mini") as dify,
        ):
            went = _plan(rig, stage) and _upgrade(rig, stage)
            return went and dify.ask("/v1/")[1].get("server_version") == NEW
    finally:
        rig.down()


def _plan(rig: Rig, stage: AzureStage) -> bool:
    say("Azure 1. Plan: what would be done", "It goes in and out to look; no disk is kept, nothing is touched.")
    run = _act(rig, stage, mode="plan")
    show(run.summary, MOST_OF_A_PLAN)
    show(f"Open by now: {stage.left()}.")
    return run.outputs["status"] == "planned"


def _upgrade(rig: Rig, stage: AzureStage) -> bool:
    say("Azure 2. Apply: disks first, then the same script as on any server", "The key is read, and its vault closed.")
    run = _act(rig, stage)
    for each in json.loads(run.outputs.get("exposure") or "[]"):
        show(f"open for {each['seconds']:.1f} s, and seen closed: {each['door']}")
    show(f"Open by now: {stage.left()}. Disks as they were before:")
    show(run.outputs.get("snapshot-ids", ""))
    show(f"Users were without service for {run.outputs.get('seconds-without-service')} s.")
    return run.outputs["status"] == "upgraded" and stage.place.is_shut


def _act(rig: Rig, stage: AzureStage, **more: str) -> Run:
    return act(stage.inputs(rig, **more), seconds=SECONDS, **stage.environ)
