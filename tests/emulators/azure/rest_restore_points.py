"""Restore point collections and points over REST."""

from __future__ import annotations

from collections.abc import Mapping

from tests.emulators.azure.machines import Machine
from tests.emulators.azure.operations import Operation
from tests.emulators.azure.problems import Json, Problem, child_not_found, invalid_parameter, parent_not_found
from tests.emulators.azure.resources import Resource
from tests.emulators.azure.rest_operations import compute_headers
from tests.emulators.azure.routing import COMPUTE, Call, Reply, route
from tests.emulators.azure.snapshots import COLLECTION, POINT, Collection, RestorePoint, checked_name

COLLECTIONS = COMPUTE + "/restorePointCollections"
ONE = COLLECTIONS + "/{collection}"
POINTS = ONE + "/restorePoints/{point}"
DISKS = POINTS + "/diskRestorePoints"


def _collection(call: Call) -> Collection:
    return call.resource(Collection, COLLECTION, call.arguments["collection"])


def _point(call: Call) -> RestorePoint:
    found = _parent(call).point(call.arguments["point"])
    if found is None:
        raise child_not_found(call.path)
    return found


def _parent(call: Call) -> Collection:
    path = f"{call.scope}/providers/{COLLECTION}/{call.arguments['collection']}"
    found = call.cloud.store.find(path, Collection)
    if found is None:
        raise parent_not_found(call.arguments["collection"])
    return found


@route("PUT", ONE, COLLECTION + "/write")
def put_collection(call: Call) -> Reply:
    name = checked_name(call.arguments["collection"])
    resource_id = f"{call.scope}/providers/{COLLECTION}/{name}"
    before = call.cloud.store.find(resource_id, Collection)
    if before is not None:
        before.tags = dict(call.given.get("tags") or {})
        return Reply(200, before.show())
    source = str(call.given.get("properties", {}).get("source", {}).get("id", ""))
    machine = call.cloud.store.find(source, Machine)
    if machine is None:
        raise Problem(404, "NotFound", f"Resource {source} is not found.")
    if call.given.get("location") != machine.location:
        raise invalid_parameter("A restore point collection has its source's location.")
    return Reply(201, call.cloud.store.add(Collection(resource_id, machine, call.given)).show())


@route("PATCH", ONE, COLLECTION + "/write")
def patch_collection(call: Call) -> Reply:
    collection = _collection(call)
    collection.tags = dict(call.given.get("tags") or {})
    return Reply(200, collection.show())


@route("GET", ONE, COLLECTION + "/read")
def get_collection(call: Call) -> Reply:
    return Reply(200, _collection(call).show(with_points=call.query.get("$expand") == "restorePoints"))


@route("GET", COLLECTIONS, COLLECTION + "/read")
def list_collections(call: Call) -> Reply:
    found = call.cloud.store.of_type(COLLECTION, call.scope + "/")
    return Reply(200, {"value": [one.show() for one in found]})


@route("DELETE", ONE, COLLECTION + "/delete")
def delete_collection(call: Call) -> Reply:
    found = call.cloud.store.find(f"{call.scope}/providers/{COLLECTION}/{call.arguments['collection']}", Collection)
    if found is None:
        return Reply(204)
    operation = _operation(call, found, "DeleteRestorePointCollection")
    operation.finish = lambda _when: call.cloud.store.remove(found)
    return Reply(202, None, compute_headers(call, call.start(operation), found.location))


@route("PUT", POINTS, POINT + "/write")
def put_point(call: Call) -> Reply:
    collection, name = _parent(call), checked_name(call.arguments["point"])
    if collection.point(name) is not None:
        raise Problem(409, "Conflict", f"Restore point {name} already exists and cannot be changed.")
    given: Mapping[str, Json] = call.given.get("properties") or {}
    excluded = {str(one["id"]).lower() for one in given.get("excludeDisks") or []}
    point = RestorePoint(f"{collection.id}/restorePoints/{name}", collection.machine, excluded, call.cloud)
    point.mode = str(given.get("consistencyMode", "ApplicationConsistent"))
    collection.points[name.lower()] = point
    shown = point.show()
    operation = _operation(call, point, "CreateRestorePoint")
    operation.finish = point.finish
    operation.undo = lambda _when: collection.points.pop(name.lower(), None)
    return Reply(201, shown, compute_headers(call, call.start(operation), point.location, located=False))


@route("GET", POINTS, POINT + "/read")
def get_point(call: Call) -> Reply:
    point = _point(call)
    shown = point.show()
    if call.query.get("$expand", "").lower() == "instanceview":
        shown["properties"]["instanceView"] = point.view()
    return Reply(200, shown)


@route("DELETE", POINTS, POINT + "/delete")
def delete_point(call: Call) -> Reply:
    collection = _parent(call)
    point = collection.point(call.arguments["point"])
    if point is None:
        return Reply(204)
    operation = _operation(call, point, "DeleteRestorePoint")
    operation.finish = lambda _when: collection.points.pop(point.name.lower(), None) and None
    return Reply(202, None, compute_headers(call, call.start(operation), point.location))


@route("GET", DISKS + "/{disk}", POINT + "/diskRestorePoints/read")
def get_disk_point(call: Call) -> Reply:
    shown = _point(call).show_disk_point(call.arguments["disk"])
    if shown is None:
        raise child_not_found(call.path)
    return Reply(200, shown)


@route("GET", DISKS, POINT + "/diskRestorePoints/read")
def list_disk_points(call: Call) -> Reply:
    point = _point(call)
    return Reply(200, {"value": [point.show_disk_point(one.name) for one in point.disk_points.values()]})


def _operation(call: Call, on: Resource, name: str) -> Operation:
    now = call.cloud.clock()
    return Operation(call.label, name, on.id, now, now + call.cloud.timing.compute)
