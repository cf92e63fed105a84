"""Where operations are looked at, and the headers that lead there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from urllib.parse import urlencode

from tests.emulators.azure.operations import Operation
from tests.emulators.azure.problems import Problem
from tests.emulators.azure.routing import Call, Reply, route

PLACES = "/subscriptions/{subscription}/providers"
NOTIFIES = {"Azure-AsyncNotification": "Enabled"}
CERTIFICATE = "MII" + "C" * 60  # about 3.5 kB in Azure
STARTS_AT = "638602598122598825"


def network_headers(call: Call, operation: Operation, place: str, *, located: bool = False) -> Mapping[str, str]:
    """Return the operation headers of the network provider; a DELETE has a Location too."""
    root = f"{call.cloud.url}{call.cloud.root}/providers/Microsoft.Network/locations/{place}"
    query = "?" + urlencode(_signed(call, operation))
    location = {"Location": f"{root}/operationResults/{operation.id}{query}"} if located else {}
    return {**NOTIFIES, "Azure-AsyncOperation": f"{root}/operations/{operation.id}{query}", **location}


def compute_headers(
    call: Call, operation: Operation, place: str, *, located: bool = True, kind: str = "operations"
) -> Mapping[str, str]:
    """Return the operation headers of the compute provider."""
    root = f"{call.cloud.url}{call.cloud.root}/providers/Microsoft.Compute/locations/{place}/{kind}/{operation.id}"
    signed = _signed(call, operation)
    watched = urlencode({"p": operation.id, **signed})
    monitored = urlencode({"p": operation.id, "monitor": "true", **signed})
    location = {"Location": f"{root}?{monitored}"} if located else {}
    notifies = NOTIFIES if kind == "operations" else {}
    return {**notifies, "Azure-AsyncOperation": f"{root}?{watched}", **location}


def _signed(call: Call, operation: Operation) -> Mapping[str, str]:
    """Return what operation URLs carry since late 2023."""
    signed = {"t": STARTS_AT, "c": CERTIFICATE, "s": _signature(operation.id), "h": "HASH"}
    return {"api-version": call.api_version, **signed}


def _signature(number: str) -> str:
    return hashlib.sha256(number.encode()).hexdigest()


def _found(call: Call) -> Operation:
    operation = call.cloud.operations.find(call.arguments["operation"])
    if operation is None:
        raise Problem(404, "NotFound", "The entity was not found.")
    if call.query.get("s") != _signature(operation.id):
        raise Problem(400, "BadRequest", "The signature of the operation's URL does not fit.")
    return operation


@route("GET", PLACES + "/Microsoft.Network/locations/{place}/operations/{operation}")
def network_status(call: Call) -> Reply:
    operation = _found(call)
    waits = call.cloud.timing.retry(None) if operation.is_running else {}
    return Reply(200, operation.show(), waits)


@route("GET", PLACES + "/Microsoft.Network/locations/{place}/operationResults/{operation}")
def network_result(call: Call) -> Reply:
    operation = _found(call)
    headers = network_headers(call, operation, call.arguments["place"], located=True)
    if operation.error:
        return Reply(409, {"error": operation.error}, headers)
    return Reply(202 if operation.is_running else 204, None, headers)


@route("GET", PLACES + "/Microsoft.Compute/locations/{place}/operations/{operation}")
@route("GET", PLACES + "/Microsoft.Compute/locations/{place}/DiskOperations/{operation}")
def compute_status(call: Call) -> Reply:
    operation = _found(call)
    waits = call.cloud.timing.retry(None) if operation.is_running else {}
    if call.query.get("monitor") != "true":
        return Reply(200, operation.show_times(), waits)
    if operation.is_running:
        again = f"{call.cloud.url}{call.path}?{'&'.join(f'{name}={value}' for name, value in call.query.items())}"
        return Reply(202, None, {"Location": again, **waits})
    if operation.error:
        return Reply(409, {"error": operation.error})
    return Reply(200, operation.output)
