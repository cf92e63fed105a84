"""Carries out one cell: an install as new, a controller, a fault, and a look at what came of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from tests.e2e.server_faults import Striker
from tests.reliability.azure_cells import endings, is_azure, must_leave
from tests.reliability.cells import CRASHES, DETAILS, Cell
from tests.reliability.controller import KILLED, Controller, Told
from tests.reliability.strikes import STARTS_ALL_ANEW, STRIKES, Scene, surroundings
from tests.reliability.user import User
from tests.reliability.verdict import DEFINED, STALE, Before, Found, look
from tests.reliability.ways import KIND, endings_of, is_line, way_of
from tests.rig.stack import Rig
from tests.shared import upstream_source
from tests.stage.server import ServerStage

# upstream looks every second whether its database is well; several machines side by side would do little else
CALM = "services:\n  db_postgres:\n    healthcheck:\n      interval: 5s\n"
LONGEST = 900.0  # seconds for a run; one that takes longer has not ended by itself
LOOK_EVERY = 0.01
GONE = frozenset({KILLED, "cancelled"})


@dataclass(frozen=True)
class Result:
    """What came of a cell. ``outage`` is what users saw, ``seconds`` the whole; ``struck`` whether the step came."""

    cell: str
    status: str
    error: str
    serves: str
    lost: int
    doors: int
    left: tuple[str, ...]
    outage: float
    seconds: float
    struck: bool
    log: str = ""
    open: str = ""  # of the second table: what of `doors` is a rule, an address, a lock

    @property
    def is_well(self) -> bool:
        """Whether it ended as it may: with every row, a release that serves, nothing open, and nothing left behind.

        Every cell goes on until a run has told its end, so that none is owed which would still take something away.
        """
        ended = self.status in self._endings and self.struck
        left = set(self.left) - {STALE} - must_leave(self.cell)
        return ended and self.serves != "neither" and self.lost == 0 and self.doors == 0 and not left

    @property
    def _endings(self) -> frozenset[str]:
        if is_azure(self.cell):
            return endings(self.cell)
        return endings_of(self.cell) if is_line(self.cell) else DEFINED

    def row(self) -> dict[str, Any]:
        """Return it as JSON takes it; the log only where something is wrong."""
        return asdict(self) | {"log": "" if self.is_well else self.log[-20_000:]}


def carry_out(rig: Rig, stage: ServerStage, cells: Sequence[Cell]) -> list[Result]:
    """Run the cells of one run on an install of its own."""
    way, override = way_of(cells[0]), "" if is_line(cells[0].id) else CALM
    install = rig.install(version=way.old, layout=cells[0].layout, override=override, upstream=upstream_source())
    with install as dify:
        rows = dict.fromkeys(("old", "new"), dify.rows())
        if way.stores == "read":
            rig.fault("reads-older", version=way.new, image="weaviate")
        given = {"dify_version": way.new, "acknowledge": way.consents, **way.inputs}
        if way.back:
            given = _upgraded(rig, stage, given)
            rows["new"] = dify.rows()
        began = time.monotonic()
        with User(dify, writes=not way.back) as user:  # what users write after an upgrade, who goes back gives up
            told, struck = _run(rig, stage, cells, given)
            seconds = time.monotonic() - began
        anew = cells[0].fault in STARTS_ALL_ANEW and told.status == "failed"  # nothing was changed by the run
        found = look(rig, dify, Before(rows, way), user.kept, all_started_anew=anew)
        if found.serves == "neither":
            told = replace(told, log=f"{told.log}\n{_state_of(rig)}")
    return [_result(cell, told, found, (cell.strikes_at in struck, user.outage, seconds)) for cell in cells]


def _result(cell: Cell, told: Told, found: Found, measured: tuple[bool, float, float]) -> Result:
    struck, outage, seconds = measured
    return Result(
        cell=cell.id,
        status=told.status,
        error=told.error,
        serves=found.serves,
        lost=found.lost,
        doors=found.doors,
        left=found.left,
        outage=round(max(0.0, outage), 1),
        seconds=round(seconds, 1),
        struck=struck,
        log=told.log,
    )


def _state_of(rig: Rig) -> str:
    """Return what keeps Dify from serving, as far as the engine knows."""
    listed = rig.machine.docker("ps", "-a", "--format", "{{.Names}} {{.Status}}", check=False)
    form = "{{.Name}} {{.State.Status}} {{.State.ExitCode}} {{.State.Error}}"
    inspected = rig.machine.run(["sh", "-c", f"docker inspect --format '{form}' $(docker ps -aq)"], check=False)
    return f"{listed}\n{inspected.stdout.decode()}"


def _upgraded(rig: Rig, stage: ServerStage, given: Mapping[str, str]) -> dict[str, str]:
    """Upgrade, and return the inputs of the way back."""
    with Controller(stage.inputs(rig, **given)) as controller:
        told = controller.told(LONGEST)
    if told.status != "upgraded":
        raise RuntimeError(f"no upgrade to go back on: {told.status} {told.error}\n{told.log[-2000:]}")
    backup = told.outputs["backup-id"]
    back = {"mode": "rollback", "rollback-to": backup, "acknowledge": f"lose-writes@{backup}"}
    return back | {"dify-version": ""}  # the backup says which one it is


def _run(rig: Rig, stage: ServerStage, cells: Sequence[Cell], given: Mapping[str, str]) -> tuple[Told, set[str]]:
    """Return how the last controller ended, and the steps at which something happened."""
    cell = cells[0]
    wanted = {each.strikes_at: each.fault for each in cells}
    if cell.kind in {"step", KIND}:
        return _struck(rig, stage, wanted, given)
    if cell.kind == "undo":
        with surroundings(rig, CRASHES, {}):
            return _struck(rig, stage, wanted, given)
    with surroundings(rig, cell.fault, DETAILS.get(cell.fault.partition(":")[0], {})):
        if cell.fault == "two-runs-at-once":
            return _two(rig, stage), {""}
        with Controller(stage.inputs(rig)) as controller:
            return controller.told(LONGEST), {""}


def _two(rig: Rig, stage: ServerStage) -> Told:
    """Start two; the one that was not let in must say so. Return the other's ending."""
    with Controller(stage.inputs(rig)) as one, Controller(stage.inputs(rig)) as other:
        told = sorted((one.told(LONGEST), other.told(LONGEST)), key=lambda each: each.status != "upgraded")
    if told[1].status == "upgraded" or (told[1].status, told[1].error) == ("failed", "lock-held"):
        return told[0]
    return told[1]


def _struck(rig: Rig, stage: ServerStage, wanted: Mapping[str, str], given: Mapping[str, str]) -> tuple[Told, set[str]]:
    """Let controller follow controller until one can say how it ended; strike at the steps that are wanted."""
    journal, struck = Striker(rig, lambda _: None), set[str]()
    with contextlib.ExitStack() as until_over:
        while True:
            with Controller(stage.inputs(rig, **given)) as controller:
                scene = Scene(rig, controller, until_over, turn=len(struck))
                _strike(scene, journal, wanted, struck)
                told = controller.told()
            if told.status not in GONE:
                return told, struck


def _strike(scene: Scene, journal: Striker, wanted: Mapping[str, str], struck: set[str]) -> None:
    """Look for steps until the controller has ended. In this thread: a machine ends with the one that started it."""
    deadline = time.monotonic() + LONGEST
    while scene.controller.runs and time.monotonic() < deadline:
        for step in journal.news():
            if step in wanted and step not in struck:
                struck.add(step)
                STRIKES[wanted[step]](scene)
        time.sleep(LOOK_EVERY)
