"""Carries out one cell of the second table: the rig's Dify behind an emulated Azure, and a job that goes wrong."""

from __future__ import annotations

import contextlib
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.azure_children import Child
from tests.e2e.server_faults import Striker
from tests.reliability.azure_around import around
from tests.reliability.azure_cells import AROUND, LOST, PHASES, RECONNECTS, SLOW, STOPPED
from tests.reliability.azure_doors import Doors, denying
from tests.reliability.azure_scene import Scene
from tests.reliability.cell_run import CALM, LONGEST, LOOK_EVERY, Result
from tests.reliability.cells import Cell
from tests.reliability.controller import Told
from tests.reliability.user import User
from tests.reliability.verdict import Before, look
from tests.rig.stack import Rig
from tests.shared import upstream_source
from tests.stage.azure import azure_stage
from tests.stage.server import OLD, ServerStage

PHASE_COMES_WITHIN = 180.0  # seconds
SLOWLY = 15.0  # seconds for each change of a rule: longer than the runner waits before it kills
OF_RULE = "PUT */nic-nsg/securityRules/*"


@dataclass(frozen=True)
class Came:
    """How the last job ended, and the moments of the cells that came."""

    told: Told
    moments: frozenset[str]


def carry_out(rig: Rig, stage: ServerStage, cells: Sequence[Cell]) -> list[Result]:
    """Run the cells of one run on an install and an Azure of its own."""
    install = rig.install(version=OLD, layout=cells[0].layout, override=CALM, upstream=upstream_source())
    with install as dify, azure_stage(rig, stage) as azure, tempfile.TemporaryDirectory() as folder:
        before = Before.of(dify)
        scene = Scene(rig, azure, Path(folder))
        began = time.monotonic()
        with contextlib.closing(scene), User(dify) as user:
            came = _came(scene, cells)
            seconds = time.monotonic() - began
        found = look(rig, dify, before, user.kept)
        scene.look()
        doors = scene.doors.or_worse(Doors(rules=found.doors))
        left = (*found.left, *denying(azure.place))
    return [
        Result(
            cell=cell.id,
            status=came.told.status,
            error=came.told.error,
            serves=found.serves,
            lost=found.lost,
            doors=doors.total,
            left=left,
            outage=round(max(0.0, user.outage), 1),
            seconds=round(seconds, 1),
            struck=cell.step in came.moments,
            log="\n".join(scene.said),
            open=doors.told,
        )
        for cell in cells
    ]


def _came(scene: Scene, cells: Sequence[Cell]) -> Came:
    fault, moment = cells[0].fault, cells[0].step
    if fault in AROUND:
        return Came(around(scene, fault), frozenset({""}))
    if fault == LOST:
        return _lost_reconnecting(scene) if moment == RECONNECTS else _lost(scene, moment)
    if moment in PHASES or moment == SLOW:
        return _cancelled(scene, moment)
    return _cancelled_at_steps(scene, frozenset(cell.step for cell in cells))


def _cancelled(scene: Scene, moment: str) -> Came:
    """Cancel a job before the host is at work, and go on as GitHub's runner does."""
    if moment == SLOW:
        scene.place.azure.timing.network = SLOWLY
    child = scene.begin()
    came = _strikes(child, "opens-interface" if moment == SLOW else moment, signal.SIGINT)
    if came:
        child.cancelled()
    else:
        child.wait(LONGEST)
    return Came(scene.over(child), frozenset({moment} if came else ()))


def _cancelled_at_steps(scene: Scene, steps: frozenset[str]) -> Came:
    """Cancel job after job, each at the next of these steps that begins on the host, until one comes to its end."""
    journal, came = Striker(scene.rig, lambda _: None), set[str]()
    while True:
        child = scene.begin()
        if not _interrupted(child, journal, steps, came):
            child.wait(LONGEST)
            return Came(scene.over(child), frozenset(came))
        child.cancelled()
        told = scene.over(child)
        if told.status not in STOPPED:  # its end was there before the signal was
            return Came(told, frozenset(came))


def _interrupted(child: Child, journal: Striker, steps: frozenset[str], came: set[str]) -> bool:
    """Wait for the next of the steps. In this thread: a machine ends with the one that started it."""
    deadline, began = time.monotonic() + LONGEST, False
    while child.process.poll() is None and time.monotonic() < deadline:
        came |= (fresh := set(journal.news()) & steps)
        began = began or bool(fresh)
        if began and child.log:  # it has taken its inputs, and listens
            child.process.send_signal(signal.SIGINT)
            return True
        time.sleep(LOOK_EVERY)
    return False


def _lost(scene: Scene, moment: str) -> Came:
    """Let the runner vanish with a door open, and sweep."""
    child = scene.begin()
    # a rule that is about to be closed stays: the request never arrived
    gone: dict[str, Any] = {"reset": True} if moment == "closes-rules" else {}
    came = _strikes(child, moment, signal.SIGKILL, **gone) and scene.is_open()
    child.wait(LONGEST)
    scene.said.append(child.log)
    return Came(scene.job(mode="sweep"), frozenset({moment} if came else ()))


def _lost_reconnecting(scene: Scene) -> Came:
    """Let the runner vanish while it opens the door again and the host migrates; sweep, and let another run follow."""
    journal, child = Striker(scene.rig, lambda _: None), scene.begin()
    steps, came = frozenset({"migrate"}), False
    deadline = time.monotonic() + LONGEST
    while child.process.poll() is None and time.monotonic() < deadline:
        if not came and set(journal.news()) & steps:
            came = True
            child.when(OF_RULE, signal.SIGKILL)
            scene.place.gate.cut()
        time.sleep(LOOK_EVERY)
    came = came and scene.is_open()
    scene.said.append(child.log)
    scene.job(mode="sweep")
    return Came(scene.job(), frozenset({RECONNECTS} if came else ()))


def _strikes(child: Child, moment: str, number: signal.Signals, **fault: Any) -> bool:  # noqa: ANN401 - a fault's
    phase = PHASES[moment]
    sent = child.when(phase.match, number, after=phase.after, **fault)
    deadline = time.monotonic() + PHASE_COMES_WITHIN
    while not sent.wait(LOOK_EVERY) and child.process.poll() is None:
        if time.monotonic() > deadline:
            return False
    return sent.is_set()
