"""What the rules of a network security group let through, and where a narrow rule of ours fits in. Pure.

Standard library only: closing decides with it too.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from difyaction.azure.leases import Lease, described

FIRST: Final = 100
LAST: Final = 4096
_PRIVATE: Final = tuple(  # RFC 1918, and the space that providers share (RFC 6598)
    ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)
_READ_ONLY: Final = frozenset(
    {"defaultSecurityRules", "networkInterfaces", "subnets", "provisioningState", "resourceGuid", "flowLogs"}
)


@dataclass(frozen=True)
class Flow:
    """Who wants in: one address, to one private address, by TCP to one port."""

    source: str
    destination: str
    port: int


@dataclass(frozen=True)
class Verdict:
    """Whether a flow is let in, and the rule that decides: its name, ``certain`` unless it names what we cannot see."""

    allows: bool
    rule: str
    priority: int
    certain: bool = True


def inbound(group: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the group's own inbound rules, first in force first."""
    rules = (group.get("properties") or {}).get("securityRules") or []
    return sorted((rule for rule in rules if _of(rule, "direction") == "Inbound"), key=_priority)


def verdict(group: Mapping[str, Any], flow: Flow) -> Verdict | None:
    """Return what the group's own rules say to the flow; nothing when only the default rules are left to say it.

    A Deny that may or may not cover the flow (a service tag) is taken to cover it, such an Allow is not. Rules that
    carry a lease are passed over: they are gone the next moment.
    """
    for rule in inbound(group):
        if described(_of(rule, "description")):
            continue
        allows = _of(rule, "access") == "Allow"
        covers = _covers(rule, flow)
        if covers or (covers is None and not allows):
            return Verdict(allows, str(rule.get("name")), _priority(rule), certain=covers is True)
    return None


def free_priority(group: Mapping[str, Any], *, from_the_end: bool = False, besides: Iterable[int] = ()) -> int | None:
    """Return a priority that no inbound rule has: the first, or the last; nothing when all 3,997 are taken."""
    taken = {_priority(rule) for rule in inbound(group)} | set(besides)
    order = range(LAST, FIRST - 1, -1) if from_the_end else range(FIRST, LAST + 1)
    return next((number for number in order if number not in taken), None)


def allowing(flow: Flow, priority: int, lease: Lease) -> dict[str, Any]:
    """Return the narrowest rule that lets the flow in: one address to one address, TCP, one port."""
    return {
        "properties": {
            "description": lease.description(),
            "protocol": "Tcp",
            "sourcePortRange": "*",
            "sourceAddressPrefix": f"{flow.source}/32",
            "destinationAddressPrefix": f"{flow.destination}/32",
            "destinationPortRange": str(flow.port),
            "access": "Allow",
            "priority": priority,
            "direction": "Inbound",
        }
    }


def denying(rule: Mapping[str, Any], priority: int) -> dict[str, Any]:
    """Return the rule with Deny in place of Allow, at another priority. It speaks of our one address alone."""
    kept = {name: value for name, value in (rule.get("properties") or {}).items() if name not in _READ_ONLY}
    return {"properties": {**kept, "access": "Deny", "priority": priority}}


def without(group: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the whole group as it is written back, without one rule."""
    kept = {key: value for key, value in (group.get("properties") or {}).items() if key not in _READ_ONLY}
    rules = kept.get("securityRules") or []
    kept["securityRules"] = [
        {"name": rule["name"], "properties": _writable(rule)} for rule in rules if rule["name"].lower() != name.lower()
    ]
    return {"location": group.get("location"), "tags": group.get("tags") or {}, "properties": kept}


def holds(group: Mapping[str, Any], name: str) -> bool:
    """Whether a group, as it was read, has a rule of that name."""
    return any(
        rule["name"].lower() == name.lower() for rule in (group.get("properties") or {}).get("securityRules") or []
    )


def _writable(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in rule["properties"].items() if name not in _READ_ONLY}


def _of(rule: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - JSON has no other type
    return (rule.get("properties") or {}).get(name)


def _priority(rule: Mapping[str, Any]) -> int:
    return int(_of(rule, "priority") or 0)


def _covers(rule: Mapping[str, Any], flow: Flow) -> bool | None:
    """Whether a rule speaks of the flow; None when that cannot be told from here."""
    if str(_of(rule, "protocol")).lower() not in {"*", "tcp"}:
        return False
    if not any(_has_port(text, flow.port) for text in _either(rule, "destinationPort")):
        return False
    ends = (
        _any(_within(text, flow.source) for text in _either(rule, "sourceAddress")),
        _any(_within(text, flow.destination, own=True) for text in _either(rule, "destinationAddress")),
    )
    if any(_of(rule, f"{side}ApplicationSecurityGroups") for side in ("source", "destination")):
        return None if False not in ends or not _either(rule, "sourceAddress") else False
    return False if False in ends else None if None in ends else True


def _either(rule: Mapping[str, Any], name: str) -> Sequence[str]:
    """Return what stands in the singular or the plural of a field: ``...Range(s)`` or ``...Prefix(es)``."""
    one, many = ("Range", "Ranges") if name.endswith("Port") else ("Prefix", "Prefixes")
    single = _of(rule, name + one)
    return [*([str(single)] if single else []), *(str(each) for each in _of(rule, name + many) or ())]


def _has_port(text: str, port: int) -> bool:
    if text == "*":
        return True
    first, _, last = text.partition("-")
    return first.isdigit() and int(first) <= port <= int(last or first)


def _any(answers: Iterable[bool | None]) -> bool | None:
    found = list(answers)
    return True if True in found else None if None in found else False


def _within(text: str, address: str, *, own: bool = False) -> bool | None:
    """Whether an address is among those that a rule names. ``own``: it is the machine's, in the virtual network.

    The tag Internet means what lies outside of the virtual network and is reached by the public internet.
    """
    tag = text.lower()
    if tag == "internet":
        return not own and not any(ipaddress.ip_address(address) in network for network in _PRIVATE)
    if tag == "*" or (own and tag == "virtualnetwork"):
        return True
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None  # another service tag
