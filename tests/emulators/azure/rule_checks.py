"""What Azure checks of a security rule before it takes it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.emulators.azure.problems import Problem
from tests.emulators.azure.security_groups import LISTS, Rule

NAME = re.compile(r"\w(?:[\w.-]{0,78}\w)?")
TAG = re.compile(r"[A-Z][A-Za-z]+(?:\.[A-Za-z]+)?")
PORTS = re.compile(r"\*|\d{1,5}(?:-\d{1,5})?")
LONGEST_DESCRIPTION = 140
MOST_RULES = 1000
PRIORITIES = range(100, 4097)
CHOICES = {
    "access": ("allow", "deny"),
    "direction": ("inbound", "outbound"),
    "protocol": ("*", "tcp", "udp", "icmp", "esp", "ah"),
}
ENDS = (
    ("sourceAddressPrefix", "sourceAddressPrefixes"),
    ("destinationAddressPrefix", "destinationAddressPrefixes"),
    ("sourcePortRange", "sourcePortRanges"),
    ("destinationPortRange", "destinationPortRanges"),
)
KNOWN = {"description", "priority", *CHOICES, *(name for pair in ENDS for name in pair)}


def _refused(code: str, message: str) -> Problem:
    return Problem(400, code, message, details=[])


def checked_rules(given: Sequence[Mapping[str, Any]]) -> list[Rule]:
    """Return the rules of a whole NSG."""
    rules: list[Rule] = []
    for one in given:
        rules.append(checked_rule(str(one.get("name", "")), one.get("properties") or {}, rules))
    return rules


def checked_rule(name: str, given: Mapping[str, Any], others: Iterable[Rule]) -> Rule:
    """Return the rule, or raise what Azure answers."""
    if not NAME.fullmatch(name):
        raise _refused(
            "InvalidResourceName",
            f"Resource name {name} is invalid. The name can be up to 80 characters long. It must begin with a word"
            " character, and it must end with a word character or with '_'. The name may contain word characters or"
            " '.', '-', '_'.",
        )
    _check_members(name, given)
    _check_ends(name, given)
    kept_members = {key: given[key] for key in given if key in KNOWN and (key not in LISTS or given[key])}
    rule = Rule(name, {**kept_members, **{key: str(given[key]).capitalize() for key in CHOICES}})
    kept = [other for other in others if other.name.lower() != name.lower()]
    if len(kept) >= MOST_RULES:
        raise _refused("SecurityRuleLimitExceeded", f"Cannot create more than {MOST_RULES} security rules.")
    for other in kept:
        if (other.priority, other.direction.lower()) == (rule.priority, rule.direction.lower()):
            raise _refused(
                "SecurityRuleConflict",
                f"Security rule {name} conflicts with rule {other.name}. Rules cannot have the same Priority and"
                " Direction. To learn more, see aka.ms/nsgrules.",
            )
    return rule


def _check_members(name: str, given: Mapping[str, Any]) -> None:
    for member, choices in CHOICES.items():
        if str(given.get(member, "")).lower() not in choices:
            raise _refused("InvalidRequestFormat", f"Cannot parse the request: '{member}' of security rule {name}.")
    priority = given.get("priority")
    if not isinstance(priority, int) or priority not in PRIORITIES:
        raise _refused(
            "SecurityRuleInvalidPriority",
            f"Security rule has invalid Priority. Value provided: {priority} Allowed range 100-4096.",
        )
    if len(str(given.get("description") or "")) > LONGEST_DESCRIPTION:
        text = f"The description of security rule {name} is longer than {LONGEST_DESCRIPTION} characters."
        raise _refused("InvalidRequestFormat", text)


def _check_ends(name: str, given: Mapping[str, Any]) -> None:
    """Each end of a connection is named once: by one value or by several."""
    for single, several in ENDS:
        values = [given[single]] if given.get(single) else list(given.get(several) or [])
        if not values or (given.get(single) and given.get(several)):
            raise _refused("InvalidRequestFormat", f"Security rule {name} must name {single} or {several}.")
        for value in map(str, values):
            if "Port" in single and not PORTS.fullmatch(value):
                raise _refused(
                    "SecurityRuleInvalidPortRange", f"Security rule has invalid Port range. Value provided: {value}."
                )
            if "Address" in single and not _is_address(value):
                text = f"Security rule has invalid Address prefix. Value provided: {value}."
                raise _refused("SecurityRuleInvalidAddressPrefix", text)


def _is_address(value: str) -> bool:
    if value == "*" or value.isdigit() or TAG.fullmatch(value):
        return True
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return True
