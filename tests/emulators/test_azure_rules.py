from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.emulators.azure.faults import (
    ANOTHER_OPERATION,
    INTERNAL,
    RETRYABLE,
    SUPERSEDED,
    THROTTLED,
)
from tests.emulators.azure_setting import Setting, rule_properties


def refused(at: Setting, name: str = "door", **properties: object) -> str:
    with pytest.raises(HttpResponseError) as caught:
        at.open_rule(name, **properties).result()
    assert caught.value.error is not None
    return f"{caught.value.status_code} {caught.value.error.code}"


def test_a_rule_is_made_changed_and_deleted(at: Setting) -> None:
    first = at.nsg.etag
    rule = at.open_rule().result()
    assert (rule.name, rule.properties.provisioning_state) == ("door", "Succeeded")
    assert rule.etag == at.nsg.etag != first
    at.open_rule(access="Deny").result()
    assert at.nsg.rules["door"]["access"] == "Deny"
    at.network.security_rules.begin_delete("rg", "nsg", "door").result()
    at.network.security_rules.begin_delete("rg", "nsg", "door").result()  # once more: 204
    assert at.nsg.rules == {}
    assert [call.status for call in at.azure.calls("PUT *")] == [201, 200]
    assert [call.status for call in at.azure.calls("DELETE *")] == [202, 204]
    with pytest.raises(ResourceNotFoundError, match="NotFound"):
        at.network.security_rules.get("rg", "nsg", "door")


def test_all_rules_carry_the_etag_of_their_group(at: Setting) -> None:
    at.nsg.rule("other", priority=200)
    at.open_rule().result()
    group = at.network.network_security_groups.get("rg", "nsg")
    assert {rule.etag for rule in (*group.properties.security_rules, *group.properties.default_security_rules)} == {
        group.etag
    }


def test_an_interim_etag_does_not_last(at: Setting) -> None:
    path = f"{at.nsg.id}/securityRules/door?api-version=2024-07-01"
    interim = at.ask("PUT", path, json={"properties": rule_properties()}).json()
    assert interim["properties"]["provisioningState"] == "Updating"
    at.azure.pass_time(1)
    lasting = at.ask("GET", path)
    assert lasting.json()["properties"]["provisioningState"] == "Succeeded"
    assert lasting.headers["ETag"] == lasting.json()["etag"] != interim["etag"]


@pytest.mark.parametrize(
    ("name", "changed", "expected"),
    [
        ("door", {"priority": 200}, "400 SecurityRuleConflict"),
        ("door", {"priority": 99}, "400 SecurityRuleInvalidPriority"),
        ("door", {"priority": 4097}, "400 SecurityRuleInvalidPriority"),
        ("door", {"sourceAddressPrefix": "203.0.113.300"}, "400 SecurityRuleInvalidAddressPrefix"),
        ("door", {"destinationPortRange": "ssh"}, "400 SecurityRuleInvalidPortRange"),
        ("door", {"description": "x" * 141}, "400 InvalidRequestFormat"),
        ("door", {"protocol": None}, "400 InvalidRequestFormat"),
        ("door", {"sourcePortRange": ""}, "400 InvalidRequestFormat"),
        ("d" * 81, {}, "400 InvalidResourceName"),
        ("-door", {}, "400 InvalidResourceName"),
    ],
)
def test_a_rule_that_azure_would_not_take(at: Setting, name: str, changed: dict[str, object], expected: str) -> None:
    at.nsg.rule("taken", priority=200)
    assert refused(at, name, **changed) == expected


def test_every_priority_can_be_taken(at: Setting) -> None:
    at.nsg.fill(range(100, 1000))
    assert refused(at, priority=999) == "400 SecurityRuleConflict"
    at.nsg.fill(range(1000, 1100))
    assert refused(at, priority=2000) == "400 SecurityRuleLimitExceeded"


def test_a_whole_group_is_put_when_the_etag_fits(at: Setting) -> None:
    at.nsg.rule("theirs", priority=300)
    at.open_rule().result()
    group = at.network.network_security_groups.get("rg", "nsg")
    kept = group.as_dict()
    kept["properties"]["securityRules"] = [
        one for one in kept["properties"]["securityRules"] if one["name"] == "theirs"
    ]
    at.nsg.rule("later", priority=301)
    put = at.network.network_security_groups.begin_create_or_update
    with pytest.raises(HttpResponseError) as caught:
        put("rg", "nsg", kept, headers={"If-Match": group.etag})
    assert (caught.value.status_code, caught.value.error and caught.value.error.code) == (412, "PreconditionFailed")
    kept["properties"]["securityRules"].append({"name": "later", "properties": rule_properties(priority=301)})
    put("rg", "nsg", kept, headers={"If-Match": at.nsg.etag}).result()
    assert sorted(at.nsg.rules) == ["later", "theirs"]


def test_two_writes_at_once_may_both_be_taken(at: Setting) -> None:
    at.azure.timing.network = 0.1
    pollers = [at.open_rule(f"door-{number}", priority=number) for number in (100, 101)]
    assert [poller.result().name for poller in pollers] == ["door-100", "door-101"]


def test_or_the_second_is_refused(at: Setting) -> None:
    at.azure.timing.network = 60
    at.open_rule()
    for overlap, expected in (("retryable", "429 RetryableError"), ("conflict", "409 AnotherOperationInProgress")):
        at.azure.overlap = overlap  # type: ignore[assignment]
        assert refused(at, "second", priority=101) == expected
    at.azure.pass_time(60)
    at.azure.timing.network = 0
    assert at.open_rule("second", priority=101).result()


def test_or_the_first_is_superseded(at: Setting) -> None:
    at.azure.timing.network, at.azure.overlap = 0.1, "supersede"
    first, second = at.open_rule(), at.open_rule("second", priority=101)
    with pytest.raises(HttpResponseError, match="Canceled") as caught:
        first.result()
    assert "CanceledAndSupersededDueToAnotherOperation" in str(caught.value)
    second.result()
    assert list(at.nsg.rules) == ["second"]


def test_an_operation_ends_badly_on_request(at: Setting) -> None:
    at.azure.operations.upset("PUT */securityRules/*", SUPERSEDED)
    with pytest.raises(HttpResponseError, match="CanceledAndSuperseded"):
        at.open_rule().result()
    assert at.nsg.rules == {}
    at.open_rule().result()
    at.azure.operations.upset("DELETE */securityRules/*", SUPERSEDED)
    with pytest.raises(HttpResponseError):
        at.network.security_rules.begin_delete("rg", "nsg", "door").result()
    assert list(at.nsg.rules) == ["door"]


def test_faults_come_on_request(at: Setting) -> None:
    for fault, expected in (
        (ANOTHER_OPERATION, "409 AnotherOperationInProgress"),
        (RETRYABLE, "429 RetryableError"),
        (THROTTLED, "429 SubscriptionRequestsThrottled"),
        (INTERNAL, "500 InternalServerError"),
    ):
        at.azure.faults.add("PUT */securityRules/*", **fault)
        assert refused(at) == expected
    at.azure.faults.add("PUT */securityRules/*", **INTERNAL, lost=True)
    assert refused(at) == "500 InternalServerError"
    assert list(at.nsg.rules) == ["door"]  # done all the same


def test_azure_says_when_to_look_again(at: Setting) -> None:
    path = f"{at.nsg.id}/securityRules/door?api-version=2024-07-01"
    seen = []
    for retry_after in (None, "recorded", 2, 0.02):
        at.azure.timing.retry_after = retry_after  # type: ignore[assignment]
        headers = at.ask("PUT", path, json={"properties": rule_properties()}).headers
        seen.append((headers.get("Retry-After"), headers.get("retry-after-ms")))
    assert seen == [(None, None), ("10", None), ("2", None), (None, "20")]


def test_a_lock_lets_a_rule_in_but_not_out(at: Setting) -> None:
    lock = at.azure.lock(at.group, name="keep")
    at.open_rule().result()
    with pytest.raises(HttpResponseError) as caught:
        at.network.security_rules.begin_delete("rg", "nsg", "door")
    assert (caught.value.status_code, caught.value.error and caught.value.error.code) == (409, "ScopeLocked")
    at.open_rule(access="Deny").result()
    empty = {"location": "japaneast", "properties": {"securityRules": []}}
    at.network.network_security_groups.begin_create_or_update("rg", "nsg", empty).result()
    assert at.nsg.rules == {}
    lock.remove()
    at.azure.lock(at.nsg, "ReadOnly")
    assert refused(at) == "409 ScopeLocked"


def test_locks_are_listed_at_a_scope(at: Setting) -> None:
    at.azure.lock(None, name="subscription")
    at.azure.lock(at.group, name="group", notes="why")
    at.azure.lock(at.nsg, name="nsg")
    query = "/providers/Microsoft.Authorization/locks?api-version=2020-05-01"

    def names(path: str, more: str = "") -> list[str]:
        return [lock["name"] for lock in at.ask("GET", path + query + more).json()["value"]]

    assert names(at.group.id) == ["subscription", "group", "nsg"]
    assert names(at.group.id, "&$filter=atScope()") == ["subscription", "group"]
    assert names(at.vm.id, "&$filter=atScope()") == ["subscription", "group"]


def test_rights_are_asked_for_and_shown(at: Setting) -> None:
    rules = "Microsoft.Network/networkSecurityGroups/securityRules"
    at.azure.allow(at.app, "*/read", scope=at.group)
    assert refused(at) == "403 AuthorizationFailed"
    at.azure.allow(at.app, f"{rules}/write", f"{rules}/delete", scope=at.nsg, but=(f"{rules}/delete",))
    at.open_rule().result()
    with pytest.raises(HttpResponseError, match="AuthorizationFailed"):
        at.network.security_rules.begin_delete("rg", "nsg", "door")
    query = "/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"
    held = at.ask("GET", at.nsg.id + query).json()["value"]
    assert [one["actions"] for one in held] == [["*/read"], [f"{rules}/write", f"{rules}/delete"]]
    assert held[1]["notActions"] == [f"{rules}/delete"]
    assert set(held[0]) == {"actions", "notActions", "dataActions", "notDataActions"}
    with pytest.raises(HttpResponseError, match="AuthorizationFailed"):
        at.network.network_security_groups.get("elsewhere", "nsg")


def test_places_that_are_not_there(at: Setting) -> None:
    with pytest.raises(ResourceNotFoundError, match="ResourceGroupNotFound"):
        at.network.network_security_groups.get("elsewhere", "nsg")
    with pytest.raises(ResourceNotFoundError, match="ResourceNotFound"):
        at.network.network_security_groups.get("rg", "other")
    with pytest.raises(ResourceNotFoundError, match="ParentResourceNotFound"):
        at.network.security_rules.get("rg", "other", "door")
