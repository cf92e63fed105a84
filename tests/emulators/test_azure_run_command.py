from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.emulators.azure.faults import AGENT_SILENT
from tests.emulators.azure.shells import FakeShell, Ran, Script
from tests.emulators.azure_setting import Setting


def invoke(at: Setting, *lines: str, values: tuple[str, ...] = ()) -> str:
    given = [{"name": f"arg{number}", "value": value} for number, value in enumerate(values)]
    body = {"commandId": "RunShellScript", "script": list(lines), "parameters": given}
    answer = at.compute.virtual_machines.begin_run_command("rg", "vm", body).result()
    return str(answer.value[0].message)


def managed(at: Setting, script: str, name: str = "cmd", **properties: object) -> Any:  # noqa: ANN401 - the SDK's poller
    body = {"location": "japaneast", "properties": {"source": {"script": script}, **properties}}
    return at.compute.virtual_machine_run_commands.begin_create_or_update("rg", "vm", name, body)


def view(at: Setting, name: str = "cmd") -> Any:  # noqa: ANN401 - the SDK's model
    commands = at.compute.virtual_machine_run_commands
    return commands.get_by_virtual_machine("rg", "vm", name, expand="instanceView").properties.instance_view


def view_when(at: Setting, state: str) -> Any:  # noqa: ANN401 - the SDK's model
    deadline = time.monotonic() + 5
    while (seen := view(at)).execution_state != state:
        assert time.monotonic() < deadline
    return seen


def test_a_script_really_runs(at: Setting, tmp_path: Path) -> None:
    message = invoke(at, f"cd {tmp_path}", 'echo "$1 $2" | tee said', "echo wrong >&2", "exit 3", values=("a b", "c"))
    assert message == "Enable succeeded: \n[stdout]\na b c\n\n[stderr]\nwrong\n"
    assert (tmp_path / "said").read_text() == "a b c\n"


def test_only_the_end_of_long_output_is_kept(at: Setting) -> None:
    at.vm.shell = FakeShell({"long": Ran(0, "a" * 5000 + "z", "e" * 5000)})
    stdout, _, stderr = invoke(at, "long").removeprefix("Enable succeeded: \n[stdout]\n").partition("\n[stderr]\n")
    assert (len(stdout), stdout[-1], len(stderr)) == (4096, "z", 4096)


def test_the_action_runs_one_at_a_time(at: Setting) -> None:
    go_on = threading.Event()

    def shell(_script: Script) -> Ran:
        go_on.wait(10)
        return Ran(0, "done\n")

    at.vm.shell = shell
    body = {"commandId": "RunShellScript", "script": ["x"]}
    first = at.compute.virtual_machines.begin_run_command("rg", "vm", body)
    with pytest.raises(HttpResponseError) as caught:
        at.compute.virtual_machines.begin_run_command("rg", "vm", body)
    assert (caught.value.status_code, caught.value.error and caught.value.error.code) == (409, "Conflict")
    go_on.set()
    assert "done" in first.result().value[0].message


def test_a_machine_that_does_not_run_runs_nothing(at: Setting) -> None:
    at.vm.power = "stopped"
    with pytest.raises(HttpResponseError, match="OperationNotAllowed"):
        invoke(at, "true")
    with pytest.raises(HttpResponseError, match="OperationNotAllowed"):
        managed(at, "true")


def test_an_agent_may_stay_silent(at: Setting) -> None:
    at.azure.operations.upset("POST */runCommand", AGENT_SILENT)
    with pytest.raises(HttpResponseError, match="VMAgentStatusCommunicationError"):
        invoke(at, "true")


def test_a_managed_command_tells_its_exit_code(at: Setting) -> None:
    given = {
        "parameters": [{"name": "", "value": "first"}, {"name": "WHO", "value": "me"}],
        "protectedParameters": [{"name": "SECRET", "value": "s3"}],
    }
    created = managed(at, 'echo "$1 $WHO $SECRET"; exit 7', **given).result()
    assert created.properties.provisioning_state == "Succeeded"
    assert created.properties.protected_parameters is None
    seen = view(at)
    assert (seen.execution_state, seen.exit_code, seen.output) == ("Failed", 7, "first me s3\n")
    commands = at.compute.virtual_machine_run_commands
    assert [one.name for one in commands.list_by_virtual_machine("rg", "vm")] == ["cmd"]
    commands.begin_delete("rg", "vm", "cmd").result()
    with pytest.raises(ResourceNotFoundError):
        view(at)


def test_a_managed_command_may_go_on_alone_and_be_ended(at: Setting, tmp_path: Path) -> None:
    managed(at, f"echo begun; sleep 30; touch {tmp_path}/late", asyncExecution=True).result()
    assert view(at).execution_state == "Running"
    at.compute.virtual_machine_run_commands.begin_delete("rg", "vm", "cmd").result()
    assert not (tmp_path / "late").exists()


def test_managed_commands_run_side_by_side_and_have_a_limit(at: Setting) -> None:
    managed(at, "sleep 30", timeoutInSeconds=1, asyncExecution=True).result()
    managed(at, "echo beside", name="other").result()
    assert view(at, "other").output == "beside\n"
    assert view_when(at, "TimedOut").exit_code == 124
