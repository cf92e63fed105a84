"""Run Command over REST, both kinds."""

from __future__ import annotations

from collections.abc import Callable

from tests.emulators.azure import machines
from tests.emulators.azure.machines import Machine
from tests.emulators.azure.operations import Operation
from tests.emulators.azure.problems import Problem, child_not_found
from tests.emulators.azure.rest_machines import VM, machine_of
from tests.emulators.azure.rest_operations import compute_headers
from tests.emulators.azure.routing import Call, Reply, route
from tests.emulators.azure.run_commands import (
    BUSY,
    RunCommand,
    in_background,
    invoke_output,
    invoked_script,
    managed_script,
    require_running,
)
from tests.emulators.azure.shells import Ran

RIGHT = machines.TYPE + "/runCommands"
COMMANDS = VM + "/runCommands"
ONE = COMMANDS + "/{command}"
MOST = 25


@route("POST", VM + "/runCommand", machines.TYPE + "/runCommand/action")
def invoke(call: Call) -> Reply:
    machine = machine_of(call)
    require_running(machine)
    operation = Operation(call.label, "RunCommand", f"{machine.id}/invoke", call.cloud.clock(), None)
    if call.cloud.operations.running_on(operation.target):
        raise Problem(409, "Conflict", BUSY)
    script = invoked_script(call.given)
    call.cloud.scripts.append(script)

    def work() -> Callable[[], None]:
        output = invoke_output(machine.shell(script))

        def ended() -> None:
            operation.finish = lambda _when: output

        return ended

    call.start(operation)
    in_background(call.cloud, operation, work)
    return Reply(202, None, compute_headers(call, operation, machine.location))


def _command_id(machine: Machine, call: Call) -> str:
    return f"{machine.id}/runCommands/{call.arguments['command']}"


def _command(call: Call) -> RunCommand:
    machine = machine_of(call)
    found: RunCommand | None = machine.commands.get(call.arguments["command"].lower())
    if found is None:
        raise child_not_found(_command_id(machine, call))
    return found


@route("GET", COMMANDS, RIGHT + "/read")
def list_commands(call: Call) -> Reply:
    with_view = call.query.get("$expand", "").lower() == "instanceview"
    return Reply(200, {"value": [one.show(with_view=with_view) for one in machine_of(call).commands.values()]})


@route("GET", ONE, RIGHT + "/read")
def get_command(call: Call) -> Reply:
    return Reply(200, _command(call).show(with_view=call.query.get("$expand", "").lower() == "instanceview"))


@route("PUT", ONE, RIGHT + "/write")
def put_command(call: Call) -> Reply:
    machine = machine_of(call)
    require_running(machine)
    asked = call.given.get("properties") or {}
    script = managed_script(asked)
    key = call.arguments["command"].lower()
    before = machine.commands.get(key)
    if before is None and len(machine.commands) >= MOST:
        raise Problem(409, "OperationNotAllowed", f"A VM can hold {MOST} run commands.")
    now = call.cloud.clock()
    tags = call.given.get("tags") or {}
    command = RunCommand(_command_id(machine, call), str(call.given.get("location")), tags, asked, script, started=now)
    machine.commands[key] = command
    shown = command.show(with_view=False)
    operation = Operation(call.label, "PutRunCommand", command.id, now, None)
    operation.finish = lambda _when: setattr(command, "provisioning", "Succeeded")
    operation.undo = lambda _when: setattr(command, "provisioning", "Failed")
    if asked.get("asyncExecution"):
        operation.due = now + call.cloud.timing.run_command
    call.start(operation)
    _execute(call, machine, command, operation)
    headers = compute_headers(call, operation, machine.location, located=False)
    return Reply(200 if before else 201, shown, headers)


def _execute(call: Call, machine: Machine, command: RunCommand, operation: Operation) -> None:
    command.state = "Running"
    call.cloud.scripts.append(command.script)
    clock = call.cloud.clock

    def work() -> Callable[[], None]:
        ran: Ran = machine.shell(command.script)
        return lambda: command.finish(ran, clock())

    in_background(call.cloud, operation, work)


@route("DELETE", ONE, RIGHT + "/delete")
def delete_command(call: Call) -> Reply:
    machine = machine_of(call)
    found = machine.commands.get(call.arguments["command"].lower())
    if found is None:
        return Reply(204)
    found.script.stop.set()  # a script that runs is ended
    now = call.cloud.clock()
    operation = Operation(call.label, "DeleteRunCommand", found.id, now, now + call.cloud.timing.compute)
    operation.finish = lambda _when: machine.commands.pop(found.name.lower(), None) and None
    return Reply(202, None, compute_headers(call, call.start(operation), machine.location))
