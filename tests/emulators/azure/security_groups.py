"""Network security groups: rules, their etag, and which of them decides about a connection."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.emulators.azure.cloud import Cloud
from tests.emulators.azure.problems import Json
from tests.emulators.azure.resources import Resource, new_etag, new_guid
from tests.emulators.azure.timeline import Timeline

TYPE = "Microsoft.Network/networkSecurityGroups"
LISTS = ("sourcePortRanges", "destinationPortRanges", "sourceAddressPrefixes", "destinationAddressPrefixes")
VIRTUAL_NETWORK = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("127.0.0.0/8"))
ANY = {"protocol": "*", "sourcePortRange": "*", "destinationPortRange": "*"}


@dataclass(frozen=True)
class Rule:
    """A security rule; ``properties`` are as a client wrote them."""

    name: str
    properties: Mapping[str, Any]

    @property
    def priority(self) -> int:
        return int(self.properties["priority"])

    @property
    def direction(self) -> str:
        return str(self.properties["direction"])

    @property
    def allows(self) -> bool:
        return str(self.properties["access"]).lower() == "allow"

    def meets(self, source: str, destination: str, port: int) -> bool:
        """Tell whether an inbound TCP connection falls under this rule."""
        return (
            self.direction.lower() == "inbound"
            and str(self.properties["protocol"]).lower() in ("*", "tcp")
            and _address_in(source, self._all("sourceAddressPrefix", "sourceAddressPrefixes"))
            and _address_in(destination, self._all("destinationAddressPrefix", "destinationAddressPrefixes"))
            and _port_in(port, self._all("destinationPortRange", "destinationPortRanges"))
        )

    def _all(self, single: str, several: str) -> list[str]:
        one = self.properties.get(single)
        return ([str(one)] if one else []) + [str(item) for item in self.properties.get(several) or []]


def _address_in(address: str, prefixes: Sequence[str]) -> bool:
    return any(_meets_prefix(ipaddress.ip_address(address), prefix) for prefix in prefixes)


def _meets_prefix(address: ipaddress.IPv4Address | ipaddress.IPv6Address, prefix: str) -> bool:
    if prefix == "*":
        return True
    if prefix in ("VirtualNetwork", "Internet"):
        return any(address in network for network in VIRTUAL_NETWORK) == (prefix == "VirtualNetwork")
    try:
        return address in ipaddress.ip_network(prefix, strict=False)
    except ValueError:
        return False  # other service tags never stand for us


def _port_in(port: int, ranges: Sequence[str]) -> bool:
    for one in ranges:
        low, _, high = one.partition("-")
        if one == "*" or int(low) <= port <= int(high or low):
            return True
    return False


def _default(name: str, words: str, priority: int, access: str, **prefixes: str) -> Rule:
    ends = {"sourceAddressPrefix": "*", "destinationAddressPrefix": "*"} | prefixes
    direction = "Inbound" if name.endswith("InBound") else "Outbound"
    said = {"description": words, **ANY, **ends, "access": access, "priority": priority, "direction": direction}
    return Rule(name, said)


_NETWORK = {"sourceAddressPrefix": "VirtualNetwork", "destinationAddressPrefix": "VirtualNetwork"}
_BALANCER = {"sourceAddressPrefix": "AzureLoadBalancer"}
_INTERNET = {"destinationAddressPrefix": "Internet"}
DEFAULTS = (
    _default("AllowVnetInBound", "Allow inbound traffic from all VMs in VNET", 65000, "Allow", **_NETWORK),
    _default(
        "AllowAzureLoadBalancerInBound", "Allow inbound traffic from azure load balancer", 65001, "Allow", **_BALANCER
    ),
    _default("DenyAllInBound", "Deny all inbound traffic", 65500, "Deny"),
    _default("AllowVnetOutBound", "Allow outbound traffic from all VMs to all VMs in VNET", 65000, "Allow", **_NETWORK),
    _default("AllowInternetOutBound", "Allow outbound traffic from all VMs to Internet", 65001, "Allow", **_INTERNET),
    _default("DenyAllOutBound", "Deny all outbound traffic", 65500, "Deny"),
)


class SecurityGroup(Resource):
    """An NSG. Its rules are what Resource Manager answers; ``in_force`` is what packets meet."""

    def __init__(self, cloud: Cloud, resource_id: str, location: str) -> None:
        super().__init__(resource_id, TYPE, location)
        self._cloud = cloud
        self._guid = new_guid()
        self.state = "Succeeded"
        self.held: dict[str, Rule] = {}
        self.in_force: Timeline[tuple[Rule, ...]] = Timeline(())
        self.renew()

    @property
    def rules(self) -> dict[str, Mapping[str, Any]]:
        """The own rules' properties by name."""
        return {rule.name: rule.properties for rule in self.held.values()}

    def rule(self, name: str, **properties: Any) -> None:  # noqa: ANN401 - properties of a rule
        """Somebody else writes a rule; it is in force at once."""
        ends = {"sourceAddressPrefix": "*", "destinationAddressPrefix": "*", "access": "Allow", "direction": "Inbound"}
        self.put(Rule(name, {**ANY, **ends, **properties}))
        self._enforce_now()

    def remove(self, name: str) -> None:
        """Somebody else deletes a rule."""
        self.drop(name)
        self._enforce_now()

    def fill(self, priorities: Sequence[int]) -> None:
        """Somebody else's rules take these inbound priorities."""
        for priority in priorities:
            self.put(
                Rule(
                    f"taken-{priority}",
                    {**ANY, **_NETWORK, "access": "Deny", "priority": priority, "direction": "Inbound"},
                )
            )
        self._enforce_now()

    def put(self, rule: Rule) -> None:
        self.held[rule.name.lower()] = rule

    def drop(self, name: str) -> None:
        self.held.pop(name.lower(), None)

    def find(self, name: str) -> Rule | None:
        return self.held.get(name.lower())

    def renew(self) -> None:
        self.top["etag"] = new_etag()

    def begin(self) -> None:
        """A change runs: its answers carry an etag that will not last."""
        self.state = "Updating"
        self.renew()

    def settle(self, when: float) -> None:
        """A change is done; packets meet it after the propagation."""
        self.state = "Succeeded"
        self.renew()
        timing = self._cloud.timing
        seen = when + timing.propagation
        self.in_force.change(tuple(self.held.values()), at=seen, settled=seen + timing.flapping)

    def _enforce_now(self) -> None:
        with self._cloud.lock:
            now = self._cloud.clock()
            self.renew()
            self.in_force.change(tuple(self.held.values()), at=now, settled=now)

    def lets_in(self, source: str, destination: str, port: int, *, turn: int) -> bool:
        """Tell whether a packet passes now."""
        rules = sorted((*self.in_force.value(self._cloud.clock(), turn), *DEFAULTS), key=lambda rule: rule.priority)
        return next(rule.allows for rule in rules if rule.meets(source, destination, port))

    def show_rule(self, rule: Rule, kind: str = "securityRules") -> Json:
        properties = {"provisioningState": self.state, **rule.properties, **{name: [] for name in LISTS}}
        given = {name: list(rule.properties[name]) for name in LISTS if rule.properties.get(name)}
        return {
            "name": rule.name,
            "id": f"{self.id}/{kind}/{rule.name}",
            "etag": self.etag,
            "type": f"{TYPE}/{kind}",
            "properties": {**properties, **given},
        }

    def show(self) -> Json:
        uses = {name: found for name in ("networkInterfaces", "subnets") if (found := self._used_by(name))}
        properties = {
            "provisioningState": self.state,
            "resourceGuid": self._guid,
            "securityRules": [self.show_rule(rule) for rule in self.held.values()],
            "defaultSecurityRules": [self.show_rule(rule, "defaultSecurityRules") for rule in DEFAULTS],
            **uses,
        }
        return {**super().show(), "properties": properties}

    def _used_by(self, kind: str) -> list[Json]:
        types = {"networkInterfaces": "networkInterfaces", "subnets": "virtualNetworks/subnets"}
        users = self._cloud.store.of_type(f"Microsoft.Network/{types[kind]}")
        mine = self.id.lower()
        return [
            {"id": user.id}
            for user in users
            if user.properties.get("networkSecurityGroup", {}).get("id", "").lower() == mine
        ]
