"""Permissions and locks, asked at a scope."""

from __future__ import annotations

from tests.emulators.azure.rights import within
from tests.emulators.azure.routing import Call, Reply, route, scope_of

AUTHORIZATION = "{scope...}/providers/Microsoft.Authorization"
RIGHT = "Microsoft.Authorization"


@route("GET", AUTHORIZATION + "/permissions", RIGHT + "/permissions/read")
def permissions(call: Call) -> Reply:
    roles = call.cloud.rights.held(call.application, scope_of(call.path))
    return Reply(200, {"value": [role.show(call.api_version) for role in roles]})


@route("GET", AUTHORIZATION + "/locks", RIGHT + "/locks/read")
def locks(call: Call) -> Reply:
    """List the locks at the scope and above; below it too, unless ``$filter`` says ``atScope()``."""
    scope = scope_of(call.path)
    below_too = call.query.get("$filter", "").lower() != "atscope()"
    found = [
        lock for lock in call.cloud.locks if within(lock.scope, scope) or (below_too and within(scope, lock.scope))
    ]
    return Reply(200, {"value": [lock.show() for lock in found]})
