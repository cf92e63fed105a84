"""Snapshots over REST."""

from __future__ import annotations

from tests.emulators.azure.machines import DISK_TYPE
from tests.emulators.azure.operations import Operation
from tests.emulators.azure.problems import Problem, invalid_parameter
from tests.emulators.azure.resources import Resource
from tests.emulators.azure.rest_operations import compute_headers
from tests.emulators.azure.routing import COMPUTE, Call, Reply, route
from tests.emulators.azure.snapshots import SNAPSHOT, Copy, Snapshot, checked_name

PATH = COMPUTE + "/snapshots/{name}"
SECONDS = 2
LIST = "/subscriptions/{subscription}/providers/Microsoft.Compute/snapshots"


@route("GET", PATH, SNAPSHOT + "/read")
def get_snapshot(call: Call) -> Reply:
    return Reply(200, call.resource(Snapshot, SNAPSHOT, call.arguments["name"]).show())


@route("GET", COMPUTE + "/snapshots", SNAPSHOT + "/read")
def list_snapshots(call: Call) -> Reply:
    found = call.cloud.store.of_type(SNAPSHOT, call.scope + "/")
    return Reply(200, {"value": [one.show() for one in found]})


@route("GET", LIST, SNAPSHOT + "/read")
def list_all_snapshots(call: Call) -> Reply:
    return Reply(200, {"value": [one.show() for one in call.cloud.store.of_type(SNAPSHOT)]})


@route("PUT", PATH, SNAPSHOT + "/write")
def put_snapshot(call: Call) -> Reply:
    name = checked_name(call.arguments["name"])
    resource_id = f"{call.scope}/providers/{SNAPSHOT}/{name}"
    disk = _source(call)
    now = call.cloud.clock()
    before = call.cloud.store.find(resource_id, Snapshot)
    if before is not None and before.copy.disk is not disk:
        text = "Changing property 'creationData.sourceResourceId' is not allowed."
        raise Problem(409, "PropertyChangeNotAllowed", text)
    if before is not None:
        before.tags = dict(call.given.get("tags") or {})
    snapshot = before or call.cloud.store.add(Snapshot(resource_id, Copy(call.cloud, disk, now), call.given))
    shown = snapshot.show()
    operation = Operation(
        call.label,
        "CreateSnapshot",
        resource_id,
        now,
        now + call.cloud.timing.compute,
        (lambda _when: snapshot.show()) if before else snapshot.finish,
        (lambda _when: None) if before else (lambda _when: call.cloud.store.remove(snapshot)),
    )
    return Reply(202, shown, _headers(call, call.start(operation), snapshot.location))


@route("DELETE", PATH, SNAPSHOT + "/delete")
def delete_snapshot(call: Call) -> Reply:
    found = call.cloud.store.find(f"{call.scope}/providers/{SNAPSHOT}/{call.arguments['name']}", Snapshot)
    if found is None:
        return Reply(204)
    now = call.cloud.clock()

    def remove(_when: float) -> None:
        call.cloud.store.remove(found)

    operation = Operation(call.label, "DeleteSnapshot", found.id, now, now + call.cloud.timing.compute, remove)
    return Reply(202, None, _headers(call, call.start(operation), found.location))


def _source(call: Call) -> Resource:
    """Return the disk that is copied, when this application may."""
    creation = (call.given.get("properties") or {}).get("creationData") or {}
    if creation.get("createOption") != "Copy" or not call.given.get("location"):
        raise invalid_parameter("Required parameter 'creationData.createOption' or 'location' is missing (null).")
    source = str(creation.get("sourceResourceId", ""))
    linked = (f"{DISK_TYPE}/beginGetAccess/action", source)
    call.cloud.rights.require_linked(call.application, f"{SNAPSHOT}/write", linked)
    disk = call.cloud.store.find(source, Resource)
    if disk is None or disk.type != DISK_TYPE:
        raise Problem(404, "NotFound", f"Disk {source.rsplit('/', 1)[-1]} is not found.")
    if str(call.given["location"]).lower().replace(" ", "") != disk.location:
        raise invalid_parameter(f"The source disk {disk.name} is in location {disk.location}.")
    return disk


def _headers(call: Call, operation: Operation, place: str) -> dict[str, str]:
    headers = compute_headers(call, operation, place, kind="DiskOperations")
    return {**headers, **call.cloud.timing.retry(SECONDS)}
