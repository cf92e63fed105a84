"""Jobs of ``azure-vm`` as GitHub starts them, main step and post step, and a look at the doors after each."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.azure_children import Child
from tests.e2e.azure_runs import Setting
from tests.emulators.azure.gate import Gate
from tests.reliability.azure_doors import Doors, doors_of
from tests.reliability.cell_run import LONGEST
from tests.reliability.controller import KILLED, Told
from tests.rig.stack import Rig
from tests.stage.azure import AzureStage

UPSTREAM = ("dify-version", "dify-api-url", "dify-token")
WORKFLOW_RUN = 123


@dataclass
class Scene:
    """One cell's workflow run. ``doors`` are the worst that were seen once a job was over, its post step included."""

    rig: Rig
    stage: AzureStage
    folder: Path
    given: dict[str, str] = field(default_factory=dict)
    gates: list[Gate] = field(default_factory=list)
    doors: Doors = field(default_factory=Doors)
    said: list[str] = field(default_factory=list)
    _children: list[Child] = field(default_factory=list)

    @property
    def place(self) -> Setting:
        return self.stage.place

    def begin(self, *, run: int = WORKFLOW_RUN, **given: str) -> Child:
        """Start a main step: the next attempt of the workflow run, or the first of another one."""
        theirs = self.stage.server.inputs(self.rig)
        upstream = {name.replace("-", "_"): theirs[name] for name in UPSTREAM}
        earlier = sum(child.run == run for child in self._children)
        child = Child(self.place, self.folder / str(len(self._children)), attempt=earlier + 1, run=run)
        self._children.append(child)
        child.start(**upstream | self.given | given)
        return child

    def job(self, **given: str) -> Told:
        """Run a job that nobody disturbs, post step included."""
        child = self.begin(**given)
        child.wait(LONGEST)
        return self.over(child)

    def over(self, child: Child, *, post: bool = True) -> Told:
        """Let the post step follow a main step that has ended, look at the doors, and return how it ended."""
        if post:
            self.said.append(child.post().stdout)
        self.look()
        self.said.insert(len(self.said) - post, child.log)
        return told_of(child)

    def look(self) -> None:
        """Count the doors once what was changed last is in force."""
        timing = self.place.azure.timing
        self.place.azure.pass_time(max(timing.propagation, timing.vault_propagation))
        self.doors = self.doors.or_worse(doors_of(self.place, self.gates))

    def is_open(self, seconds: float = 20.0) -> bool:
        """Wait until a door is open; whether one is."""
        deadline = time.monotonic() + seconds
        while not (there := doors_of(self.place, self.gates).total) and time.monotonic() < deadline:
            time.sleep(0.05)
        return there > 0

    def close(self) -> None:
        """End what still runs."""
        for child in self._children:
            if child.process.poll() is None:
                child.process.kill()
                child.wait()


def told_of(child: Child) -> Told:
    """Return how a main step ended; `killed` when it could not say."""
    outputs = child.outputs
    error = json.loads(outputs.get("report") or "{}").get("error") or {}
    code = child.process.returncode
    return Told(outputs.get("status") or KILLED, str(error.get("id", "")), code, child.log, outputs)
