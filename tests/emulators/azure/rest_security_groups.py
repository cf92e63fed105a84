"""NSGs and their rules over REST."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.emulators.azure.operations import Operation
from tests.emulators.azure.problems import Problem, child_not_found, parent_not_found
from tests.emulators.azure.rest_operations import network_headers
from tests.emulators.azure.routing import NETWORK, Call, Reply, route
from tests.emulators.azure.rule_checks import checked_rule, checked_rules
from tests.emulators.azure.security_groups import TYPE, Rule, SecurityGroup

NSG = NETWORK + "/networkSecurityGroups/{nsg}"
RULE = NSG + "/securityRules/{rule}"
RIGHT = TYPE
RULE_RIGHT = RIGHT + "/securityRules"
RULE_SECONDS, GROUP_SECONDS = 10, 3


def _group(call: Call) -> SecurityGroup:
    return call.resource(SecurityGroup, TYPE, call.arguments["nsg"])


def _parent(call: Call) -> SecurityGroup:
    found = call.cloud.store.find(f"{call.scope}/providers/{TYPE}/{call.arguments['nsg']}", SecurityGroup)
    if found is None:
        raise parent_not_found(call.arguments["nsg"])
    return found


@route("GET", NETWORK + "/networkSecurityGroups", RIGHT + "/read")
def list_groups(call: Call) -> Reply:
    found = call.cloud.store.of_type(TYPE, call.scope + "/")
    return Reply(200, {"value": [group.show() for group in found]})


@route("GET", "/subscriptions/{subscription}/providers/Microsoft.Network/networkSecurityGroups", RIGHT + "/read")
def list_all_groups(call: Call) -> Reply:
    found = call.cloud.store.of_type(TYPE, call.cloud.root + "/")
    return Reply(200, {"value": [group.show() for group in found]})


@route("GET", NSG, RIGHT + "/read")
def get_group(call: Call) -> Reply:
    group = _group(call)
    return Reply(200, group.show(), {"ETag": group.etag})


@route("GET", NSG + "/securityRules", RULE_RIGHT + "/read")
def list_rules(call: Call) -> Reply:
    group = _parent(call)
    return Reply(200, {"value": [group.show_rule(rule) for rule in group.held.values()]})


@route("GET", RULE, RULE_RIGHT + "/read")
def get_rule(call: Call) -> Reply:
    group = _parent(call)
    rule = group.find(call.arguments["rule"])
    if rule is None:
        raise child_not_found(f"{group.id}/securityRules/{call.arguments['rule']}")
    return Reply(200, group.show_rule(rule), {"ETag": group.etag})


@route("PUT", NSG, RIGHT + "/write")
def put_group(call: Call) -> Reply:
    """Replace all rules of an NSG; making one is for the test's hand."""
    group = _group(call)
    if call.if_match not in (None, "*", group.etag):
        raise _mismatch(group, call.if_match or "")
    rules = checked_rules(call.given.get("properties", {}).get("securityRules") or [])
    operation = _begin(call, group, "PutNetworkSecurityGroupOperation")
    before = dict(group.held)
    operation.undo = lambda _when: _restore(group, before)
    group.held = {rule.name.lower(): rule for rule in rules}
    group.tags = dict(call.given.get("tags") or {})
    if group.held == before:  # recorded: no rule changes, so it is done at once
        operation.due = operation.started
        call.start(operation)
        return Reply(200, group.show(), _headers(call, group, operation, None))
    shown = _change(call, group, operation)
    return Reply(200, shown, _headers(call, group, operation, None))


@route("PUT", RULE, RULE_RIGHT + "/write")
def put_rule(call: Call) -> Reply:
    group, name = _parent(call), call.arguments["rule"]
    rule = checked_rule(name, call.given.get("properties") or {}, group.held.values())
    operation = _begin(call, group, "PutSecurityRuleOperation")
    before = group.find(name)
    operation.undo = lambda _when: _restore_rule(group, name, before)
    group.put(rule)
    shown = _change(call, group, operation, rule)
    return Reply(200 if before else 201, shown, _headers(call, group, operation, RULE_SECONDS))


@route("DELETE", RULE, RULE_RIGHT + "/delete")
def delete_rule(call: Call) -> Reply:
    group, name = _parent(call), call.arguments["rule"]
    if group.find(name) is None:
        return Reply(204)
    operation = _begin(call, group, "DeleteSecurityRuleOperation")
    before = group.find(name)
    operation.undo = lambda _when: _restore_rule(group, name, before)
    group.drop(name)
    _change(call, group, operation)
    return Reply(202, None, _headers(call, group, operation, RULE_SECONDS, located=True))


def _restore(group: SecurityGroup, before: Mapping[str, Rule]) -> None:
    group.held = dict(before)
    group.state = "Succeeded"
    group.renew()


def _restore_rule(group: SecurityGroup, name: str, before: Rule | None) -> None:
    if before is None:
        group.drop(name)
    else:
        group.put(before)
    group.state = "Succeeded"
    group.renew()


def _begin(call: Call, group: SecurityGroup, name: str) -> Operation:
    """Return the operation to come, after a look at what still runs on this NSG."""
    now = call.cloud.clock()
    due = now + call.cloud.timing.network
    operation = Operation(call.label, name, group.id, now, due, group.settle)
    for running in call.cloud.operations.running_on(group.id):
        if call.cloud.overlap == "supersede":
            running.fail(_superseded(running, operation), now)
        elif call.cloud.overlap == "retryable":
            raise _retryable(running, group)
        elif call.cloud.overlap == "conflict":
            raise _in_progress(call, running, group)
    return operation


def _change(call: Call, group: SecurityGroup, operation: Operation, rule: Rule | None = None) -> Any:  # noqa: ANN401 - JSON
    """Begin; return what is shown while it runs."""
    group.begin()
    shown = group.show_rule(rule) if rule else group.show()
    call.start(operation)
    return shown


def _headers(
    call: Call, group: SecurityGroup, operation: Operation, seconds: int | None, *, located: bool = False
) -> Mapping[str, str]:
    headers = network_headers(call, operation, group.location, located=located)
    return {**headers, **call.cloud.timing.retry(seconds)}


def _superseded(running: Operation, newer: Operation) -> Mapping[str, Any]:
    detail = {
        "code": "CanceledAndSupersededDueToAnotherOperation",
        "message": f"Operation {running.name} ({running.id}) was canceled and superseded by operation {newer.name}"
        f" ({newer.id}).",
    }
    return {"code": "Canceled", "message": "Operation was canceled.", "details": [detail]}


def _retryable(running: Operation, group: SecurityGroup) -> Problem:
    detail = {
        "code": "RetryableErrorDueToAnotherOperation",
        "message": f"Operation {running.name} ({running.id}) is updating resource {group.id}. The call can be retried.",
    }
    return Problem(429, "RetryableError", "A retryable error occurred.", details=[detail])


def _in_progress(call: Call, running: Operation, group: SecurityGroup) -> Problem:
    place = group.location
    status = (
        f"https://{place}.network.azure.com{call.cloud.root}/providers/Microsoft.Network/locations/{place}/operations"
        f"/{running.id}?api-version={call.api_version}"
    )
    text = (
        "Another operation on this or dependent resource is in progress. To retrieve status of the operation use uri:"
    )
    return Problem(409, "AnotherOperationInProgress", f"{text} {status}.", details=[])


def _mismatch(group: SecurityGroup, shown: str) -> Problem:
    detail = {
        "code": "PreconditionFailedEtagMismatch",
        "message": f"Etag provided in if-match header {shown} does not match etag {group.etag} of resource {group.id}"
        " in NRP data store.",
    }
    return Problem(412, "PreconditionFailed", "Precondition failed.", details=[detail])
