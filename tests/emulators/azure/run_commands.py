"""Run Command inside a VM: the action (one at a time, no exit code) and the managed resource."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.azure.clock import stamp
from tests.emulators.azure.cloud import Cloud
from tests.emulators.azure.machines import Machine
from tests.emulators.azure.operations import Operation
from tests.emulators.azure.problems import Json, Problem
from tests.emulators.azure.shells import Ran, Script

KEPT = 4096
OFF = "Cannot modify extensions in the VM when the VM is not running."
BUSY = "Run command extension execution is in progress. Please wait for completion before invoking a run command."
LONGEST = 90 * 60.0


def require_running(machine: Machine) -> None:
    if machine.power != "running":
        raise Problem(409, "OperationNotAllowed", OFF)


def in_background(cloud: Cloud, operation: Operation, work: Callable[[], Callable[[], Any]]) -> None:
    """Run ``work`` in a thread; what it returns is called under the lock, and the operation may end then."""

    def run() -> None:
        ended = work()
        with cloud.lock:
            ended()
            operation.due = max(cloud.clock(), operation.started + cloud.timing.run_command)
            cloud.operations.settle()

    threading.Thread(target=run, name="run-command", daemon=True).start()


def invoke_message(ran: Ran) -> str:
    """Return what the action answers; the exit code is not in it, and the start of long output is lost."""
    return f"Enable succeeded: \n[stdout]\n{ran.output[-KEPT:]}\n[stderr]\n{ran.error[-KEPT:]}"


def invoke_output(ran: Ran) -> Json:
    status = {
        "code": "ProvisioningState/succeeded",
        "level": "Info",
        "displayStatus": "Provisioning succeeded",
        "message": invoke_message(ran),
    }
    return {"value": [status]}


def invoked_script(given: Mapping[str, Json]) -> Script:
    """Return the action's script; its parameters' values are positional arguments."""
    if given.get("commandId") != "RunShellScript":
        raise Problem(400, "BadRequest", f"Run command {given.get('commandId')} is not known.")
    text = "\n".join(given.get("script") or []) + "\n"
    values = [str(one["value"]) for one in given.get("parameters") or []]
    return Script(text, values, seconds=LONGEST)


@dataclass
class RunCommand:
    """A managed run command; ``state`` is the execution's, ``provisioning`` the resource's."""

    id: str
    location: str
    tags: Mapping[str, str]
    asked: Mapping[str, Json]
    script: Script
    state: str = "Pending"
    provisioning: str = "Creating"
    started: float = 0.0
    ended: float | None = None
    ran: Ran = field(default_factory=Ran)

    @property
    def name(self) -> str:
        return self.id.rsplit("/", 1)[1]

    def finish(self, ran: Ran, when: float) -> None:
        self.ran, self.ended = ran, when
        if self.script.stop.is_set():
            self.state = "Canceled"
        elif ran.timed_out:
            self.state = "TimedOut"
        else:
            self.state = "Failed" if ran.code else "Succeeded"

    def show(self, *, with_view: bool) -> Json:
        properties = {
            "source": self.asked.get("source", {}),
            "timeoutInSeconds": self.asked.get("timeoutInSeconds", 0),
            "provisioningState": self.provisioning,
            "asyncExecution": bool(self.asked.get("asyncExecution", False)),
            **{name: self.asked[name] for name in ("parameters", "runAsUser") if name in self.asked},
        }
        if with_view:
            properties["instanceView"] = self.view()
        kind = "Microsoft.Compute/virtualMachines/runCommands"
        tags = {"tags": dict(self.tags)} if self.tags else {}
        return {
            "name": self.name,
            "id": self.id,
            "type": kind,
            "location": self.location,
            **tags,
            "properties": properties,
        }

    def view(self) -> Json:
        failed = f"Execution failed: failed to execute command: command terminated with exit status={self.ran.code}"
        message = {"Failed": failed, "Succeeded": "Execution completed", "TimedOut": "Execution timed out"}
        times = {"startTime": stamp(self.started, digits="seconds")}
        if self.ended is not None:
            times["endTime"] = stamp(self.ended, digits="seconds")
        return {
            "exitCode": self.ran.code,
            "executionState": self.state,
            "executionMessage": message.get(self.state, ""),
            "output": self.ran.output[-KEPT:],
            "error": self.ran.error[-KEPT:],
            **times,
        }


def managed_script(asked: Mapping[str, Json]) -> Script:
    """Return the resource's script; named parameters are variables, the others positional arguments."""
    text = (asked.get("source") or {}).get("script")
    if not text:
        raise Problem(400, "InvalidParameter", "Required parameter 'source.script' is missing (null).")
    given = [*(asked.get("parameters") or []), *(asked.get("protectedParameters") or [])]
    limit = asked.get("timeoutInSeconds")
    return Script(
        str(text),
        [str(one["value"]) for one in given if not one.get("name")],
        {str(one["name"]): str(one["value"]) for one in given if one.get("name")},
        float(limit) if limit else LONGEST,
    )
