"""The emulated Azure's answers beside recorded ones of the real Azure: machines, copies, commands."""

from __future__ import annotations

from tests.emulators.azure.shells import FakeShell, Ran
from tests.emulators.azure_recordings import Exchange, Replay, exchanges, group_of, machine_of


def test_machines(replay: Replay) -> None:
    for exchange in exchanges("vm-get-instanceview"):
        machine_of(replay, exchange)
        replay.compare(exchange, but=["*.linuxConfiguration.ssh is missing", "*disablePasswordAuthentication*"])


def test_disks(replay: Replay) -> None:
    for exchange in exchanges("disk-get")[:2]:
        machine = group_of(replay, exchange).machine("vm", data_disks=1)
        disk = machine.disks[0 if "osType" in exchange.body["properties"] else 1]
        replay.azure.cloud.store.remove(disk)
        disk.id = f"{disk.id.rsplit('/', 1)[0]}/{exchange.name_after('disks')}"
        replay.azure.cloud.store.add(disk)
        unread = ("supportedCapabilities", "imageReference")
        replay.compare(exchange, but=[f"*.{name} is missing" for name in unread])


def test_snapshots(replay: Replay) -> None:
    for exchange in exchanges("snapshot-put-incremental"):
        if exchange.method == "PUT":
            source = exchange.sent["properties"]["creationData"]["sourceResourceId"].rsplit("/", 1)[1]
            machine = group_of(replay, exchange, exchange.sent["location"]).machine("vm", data_disks=1)
            disk = machine.disks[1]
            disk.id = f"{disk.id.rsplit('/', 1)[0]}/{source}"
            replay.azure.cloud.store.add(disk)
        if exchange.name_after("disks") or (exchange.status == 404 and group_of(replay, exchange) is None):
            continue
        group_of(replay, exchange, "westus" if not exchange.body else str(exchange.body.get("location", "westus")))
        replay.compare(exchange)
    missing = exchanges("snapshot-get-404")[0]
    group_of(replay, missing)
    replay.compare(missing)


def test_snapshots_are_deleted(replay: Replay) -> None:
    recorded = [one for one in exchanges("snapshot-delete") if one.method == "DELETE" or "DiskOp" in one.path]
    first = recorded[0]
    machine = group_of(replay, first).machine("vm")
    creation = {"createOption": "Copy", "sourceResourceId": machine.disks[0].id}
    body = {"location": "westus", "properties": {"creationData": creation}}
    url = f"/subscriptions/{replay.azure.subscription_id}/resourceGroups/{first.group}/providers/Microsoft.Compute"
    path = f"{url}/snapshots/{first.name_after('snapshots')}?api-version=2023-10-02"
    replay.send(Exchange("PUT", path, "", body, 202, {}, None, ""))
    replay.azure.pass_time(1000)
    for exchange in recorded:
        replay.compare(exchange)


def test_restore_points(replay: Replay) -> None:
    recorded = exchanges("restore-point")
    machine = recorded[0].sent["properties"]["source"]["id"].rsplit("/", 1)[1]
    group_of(replay, recorded[0], "eastus2euap").machine(machine)
    unread = ["*.enableVMAgentPlatformUpdates is missing", "*hyperVGeneration is*", "*disablePasswordAuthentication*"]
    for exchange in recorded:
        replay.compare(exchange, but=unread)


def test_restore_point_collections(replay: Replay) -> None:
    recorded = exchanges("restore-point-collection")
    machine = recorded[0].sent["properties"]["source"]["id"].rsplit("/", 1)[1]
    group_of(replay, recorded[0]).machine(machine)
    for exchange in recorded:
        replay.compare(exchange)


def test_the_run_command_action(replay: Replay) -> None:
    for exchange in exchanges("run-command-v1"):
        if exchange.method == "POST":
            replay.azure.timing.run_command = 600
            machine = machine_of(replay, exchange)
            machine.shell = FakeShell({"": Ran(0, "out\n", "")})
        answer = replay.compare(exchange)
        if exchange.is_final and exchange.method == "GET":
            assert (
                "[stdout]\nout\n\n[stderr]\n"
                in answer.json().get("properties", {}).get("output", answer.json())["value"][0]["message"]
            )


def test_managed_run_commands(replay: Replay) -> None:
    recorded = exchanges("run-command-v2")
    machine = machine_of(replay, recorded[0])
    machine.shell = FakeShell({"Write-Host": Ran(127, "", "script.sh: line 1: Write-Host: command not found\n")})
    replay.azure.timing.run_command = 600
    for exchange in recorded:
        replay.compare(exchange)


def test_a_failed_operation(replay: Replay) -> None:
    recorded = exchanges("async-operation-failed")[0]
    azure = replay.azure
    machine = azure.group("rg", "westus").machine("vm")
    machine.shell = FakeShell({})
    azure.operations.upset("POST */runCommand", recorded.body["error"])
    path = f"{machine.id}/runCommand?api-version=2022-11-01"
    replay.send(Exchange("POST", path, "", {"commandId": "RunShellScript", "script": []}, 202, {}, None, ""))
    replay.compare(recorded)
