"""Virtual machines, their network and their disks, read over REST."""

from __future__ import annotations

from tests.emulators.azure import machines
from tests.emulators.azure.machines import Machine
from tests.emulators.azure.problems import Json
from tests.emulators.azure.resources import Resource
from tests.emulators.azure.routing import COMPUTE, NETWORK, Call, Reply, route

VM = COMPUTE + "/virtualMachines/{vm}"
VM_RIGHT = machines.TYPE


def machine_of(call: Call) -> Machine:
    return call.resource(Machine, machines.TYPE, call.arguments["vm"])


@route("GET", VM, VM_RIGHT + "/read")
def get_machine(call: Call) -> Reply:
    machine = machine_of(call)
    with_view = call.query.get("$expand", "").lower() == "instanceview"
    return Reply(200, machine.show(with_view=with_view), {} if with_view else {"ETag": machine.etag})


@route("GET", VM + "/instanceView", VM_RIGHT + "/instanceView/read")
def get_view(call: Call) -> Reply:
    return Reply(200, machine_of(call).view())


@route("GET", COMPUTE + "/disks/{name}", machines.DISK_TYPE + "/read")
def get_disk(call: Call) -> Reply:
    return Reply(200, call.resource(Resource, machines.DISK_TYPE, call.arguments["name"]).show())


@route("GET", COMPUTE + "/disks", machines.DISK_TYPE + "/read")
def list_disks(call: Call) -> Reply:
    found = call.cloud.store.of_type(machines.DISK_TYPE, call.scope + "/")
    return Reply(200, {"value": [disk.show() for disk in found]})


@route("GET", NETWORK + "/networkInterfaces/{name}", "Microsoft.Network/networkInterfaces/read")
def get_interface(call: Call) -> Reply:
    return _tagged(call, "Microsoft.Network/networkInterfaces")


@route("GET", NETWORK + "/publicIPAddresses/{name}", "Microsoft.Network/publicIPAddresses/read")
def get_address(call: Call) -> Reply:
    return _tagged(call, "Microsoft.Network/publicIPAddresses")


@route("GET", NETWORK + "/virtualNetworks/{net}/subnets/{name}", "Microsoft.Network/virtualNetworks/subnets/read")
def get_subnet(call: Call) -> Reply:
    arguments = call.arguments
    path = f"{call.scope}/providers/Microsoft.Network/virtualNetworks/{arguments['net']}/subnets/{arguments['name']}"
    subnet = call.child(Resource, path)
    shown: Json = {key: value for key, value in subnet.show().items() if key not in ("location", "tags")}
    return Reply(200, shown, {"ETag": subnet.etag})


def _tagged(call: Call, kind: str) -> Reply:
    found = call.resource(Resource, kind, call.arguments["name"])
    return Reply(200, found.show(), {"ETag": found.etag})
