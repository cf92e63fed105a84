"""The target `server`: a real Compose install on the rig is planned for, upgraded over real SSH, and looked at."""

from __future__ import annotations

import os
import re
import time

from tests.demo.show import say, show, without_masks
from tests.rig.install import Install
from tests.rig.stack import Rig, lacking
from tests.stage.run import act
from tests.stage.server import NEW, OLD, ServerStage, server_stage

MOST_OF_A_PLAN = 45
SECONDS = 600  # for a run: on a machine that is busy with other things, too


def show_all() -> bool:
    """Show it; whether everything ended as it should. Where no rig can stand, say why, and that is well, too."""
    if reason := lacking(os.environ):
        say("Server: not shown here", f"It needs a machine of its own to upgrade, and {reason}.")
        return True
    say(
        "Server: a machine to upgrade",
        "Engine, Compose, PostgreSQL, Redis and sshd are real; the first time takes minutes.",
    )
    began = time.monotonic()
    rig = Rig.up()
    try:
        with server_stage(rig, "mini") as stage, rig.install(OLD, upstream="mini") as dify:
            show(f"Dify {OLD} serves in {dify.folder}, after {time.monotonic() - began:.0f} s")
            return _plan(rig, stage) and _upgrade(rig, stage, dify)
    finally:
        rig.down()


def _plan(rig: Rig, stage: ServerStage) -> bool:
    say("Server 1. Plan: what would be done, and by which script", "One look at the machine; nothing is touched.")
    run = act(stage.inputs(rig, mode="plan"))
    show(run.summary, MOST_OF_A_PLAN)
    return run.outputs["status"] == "planned"


def _upgrade(rig: Rig, stage: ServerStage, dify: Install) -> bool:
    say(
        "Server 2. Apply: the log of the run",
        "The script runs there by itself; this is its journal.",
    )
    before = dify.rows()
    run = act(stage.inputs(rig), seconds=SECONDS)
    show(_applied(without_masks(run.log)))
    say("Server 3. What users have now", f"They were without service for {run.outputs['seconds-without-service']} s.")
    _, answer = dify.ask("/v1/")
    after = dify.rows()
    lost = sum(max(0, rows.count - after[name].count) for name, rows in before.items())
    show(f"{answer.get('welcome')}, version {answer.get('server_version')}; schema {dify.head()}; {lost} rows lost")
    show(f"The backup {run.outputs['backup-id']} is kept: `mode: rollback` leads back to it.")
    return run.outputs["status"] == "upgraded" and answer.get("server_version") == NEW and lost == 0


def _applied(log: str) -> str:
    """Return the part of a log that tells of the upgrade itself; what was planned has been shown."""
    found = re.search(r"^::group::Apply$.*", log, re.MULTILINE | re.DOTALL)
    return found.group() if found else log
