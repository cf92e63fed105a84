from __future__ import annotations

from typing import Any

import pytest

from difyaction.azure.leases import Lease, Run, described
from difyaction.azure.nsg_rules import Flow, allowing, denying, free_priority, verdict, without

FLOW = Flow("203.0.113.10", "10.0.0.4", 22)
LEASE = Lease(Run(123, 1, "ab12cd"), 1_764_000_000)


def rule(name: str = "rule", **differently: object) -> dict[str, Any]:
    usual = {
        "provisioningState": "Succeeded",
        "protocol": "*",
        "sourceAddressPrefix": "*",
        "sourceAddressPrefixes": [],
        "destinationAddressPrefix": "*",
        "destinationPortRange": "*",
        "access": "Allow",
        "priority": 300,
        "direction": "Inbound",
    }
    return {"name": name, "id": f"/x/{name}", "etag": "1", "properties": {**usual, **differently}}


def group(*rules: dict[str, Any]) -> dict[str, Any]:
    return {
        "location": "westus",
        "etag": 'W/"1"',
        "tags": {"a": "b"},
        "properties": {"securityRules": list(rules), "defaultSecurityRules": [], "resourceGuid": "x", "subnets": []},
    }


def test_without_own_rules_only_the_defaults_decide() -> None:
    assert verdict(group(), FLOW) is None


def test_our_rule_lets_in_exactly_the_flow() -> None:
    ours: dict[str, Any] = {"name": "ours", **allowing(FLOW, 100, LEASE)}
    assert described(ours["properties"].pop("description")) == LEASE
    found = verdict(group(ours), FLOW)
    assert found is not None
    assert found.allows
    for other in (Flow("203.0.113.11", "10.0.0.4", 22), Flow("203.0.113.10", "10.0.0.5", 22)):
        assert verdict(group(ours), other) is None
    assert verdict(group(ours), Flow("203.0.113.10", "10.0.0.4", 443)) is None


def test_a_leased_rule_is_no_way_in_that_one_could_rely_on() -> None:
    assert verdict(group({"name": "theirs", **allowing(FLOW, 100, LEASE)}), FLOW) is None


@pytest.mark.parametrize(
    "covering",
    [
        {"sourceAddressPrefix": "203.0.113.0/24"},
        {"sourceAddressPrefix": "Internet"},
        {"destinationAddressPrefix": "VirtualNetwork"},
        {"sourceAddressPrefix": "", "sourceAddressPrefixes": ["10.0.0.0/8", "203.0.113.10"]},
        {"destinationPortRange": "", "destinationPortRanges": ["80", "20-25"]},
        {"protocol": "Tcp"},
    ],
)
def test_a_rule_that_covers_the_flow_decides(covering: dict[str, Any]) -> None:
    found = verdict(group(rule(**covering)), FLOW)
    assert found is not None
    assert found.allows


@pytest.mark.parametrize(
    "beside",
    [
        {"protocol": "Udp"},
        {"direction": "Outbound"},
        {"sourceAddressPrefix": "198.51.100.0/24"},
        {"destinationPortRange": "443"},
        {"sourceAddressPrefix": "AzureLoadBalancer"},
    ],
)
def test_a_rule_beside_the_flow_says_nothing(beside: dict[str, Any]) -> None:
    assert verdict(group(rule(**beside)), FLOW) is None


def test_a_deny_that_might_cover_counts_and_an_allow_that_might_does_not() -> None:
    found = verdict(group(rule(access="Deny", sourceAddressPrefix="AzureCloud")), FLOW)
    assert found is not None
    assert (found.allows, found.certain) == (False, False)


INSIDE = Flow("10.0.0.9", "10.0.0.4", 22)


@pytest.mark.parametrize("access", ["Allow", "Deny"])
def test_the_internet_is_what_lies_outside_of_the_virtual_network(access: str) -> None:
    outside = group(rule(access=access, sourceAddressPrefix="Internet"))
    found = verdict(outside, FLOW)
    assert found is not None
    assert (found.allows, found.certain) == (access == "Allow", True)
    for private in ("10.0.0.9", "172.31.255.1", "192.168.7.7", "100.64.1.1"):
        assert verdict(outside, Flow(private, "10.0.0.4", 22)) is None
    assert verdict(group(rule(access=access, destinationAddressPrefix="Internet")), FLOW) is None


def test_whether_the_virtual_networks_tag_covers_who_comes_from_within_is_not_known_from_here() -> None:
    found = verdict(group(rule(access="Deny", sourceAddressPrefix="VirtualNetwork")), INSIDE)
    assert found is not None
    assert (found.allows, found.certain) == (False, False)
    assert verdict(group(rule(sourceAddressPrefix="VirtualNetwork")), INSIDE) is None


def test_the_lowest_number_decides() -> None:
    found = verdict(group(rule("late", priority=400), rule("first", priority=110, access="Deny")), FLOW)
    assert found is not None
    assert (found.rule, found.allows) == ("first", False)


def test_a_free_priority_is_the_first_or_the_last_that_no_inbound_rule_has() -> None:
    taken = group(rule(priority=100), rule(priority=101), rule(priority=102, direction="Outbound"), rule(priority=4096))
    assert free_priority(taken) == 102
    assert free_priority(taken, besides=[102]) == 103
    assert free_priority(taken, from_the_end=True) == 4095
    full = group(*(rule(priority=number) for number in range(100, 4097)))
    assert free_priority(full) is None


def test_a_deny_is_the_rule_itself_at_another_priority() -> None:
    turned = denying(rule(priority=100, description="x"), 4096)["properties"]
    assert (turned["access"], turned["priority"], turned["description"]) == ("Deny", 4096, "x")
    assert "provisioningState" not in turned


def test_the_whole_group_is_written_back_without_one_rule() -> None:
    written = without(group(rule("keep"), rule("Ours")), "ours")
    assert [each["name"] for each in written["properties"]["securityRules"]] == ["keep"]
    assert written["tags"] == {"a": "b"}
    assert not {"defaultSecurityRules", "resourceGuid", "subnets"} & set(written["properties"])
