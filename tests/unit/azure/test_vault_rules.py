from __future__ import annotations

from typing import Any

from difyaction.azure.door import VaultDoor
from difyaction.azure.leases import Lease, Run, VaultLease
from difyaction.azure.vault_rules import closing, keepers, opening, stood_before

NOW = 1_764_000_000
MINE = Lease(Run(1, 1, "aa"), NOW + 600)
OTHER = Lease(Run(2, 1, "bb"), NOW + 600)
DOOR = VaultDoor("/v", ("203.0.113.10",), MINE)


def vault(*addresses: str, tags: dict[str, str] | None = None) -> dict[str, Any]:
    rules = [{"value": f"{address}/32"} for address in addresses]
    acls = {"bypass": "None", "defaultAction": "Deny", "ipRules": rules, "virtualNetworkRules": [{"id": "s"}]}
    return {"tags": tags or {}, "properties": {"networkAcls": acls}}


def written(found: dict[str, Any], patch: dict[str, Any] | None) -> dict[str, Any]:
    """Apply a PATCH as the service does: tags and networkAcls are replaced as wholes, what is left out stays."""
    assert patch is not None
    changed = patch.get("properties", {})
    assert set(changed) <= {"networkAcls"}, "publicNetworkAccess is never changed"
    return {"tags": patch["tags"], "properties": {**found["properties"], **changed}}


def addresses(found: dict[str, Any]) -> list[str]:
    return [rule["value"] for rule in found["properties"]["networkAcls"]["ipRules"]]


def test_opening_adds_the_address_and_its_lease_in_one_write() -> None:
    before = vault("198.51.100.1", tags={"env": "prod"})
    after = written(before, opening(before, DOOR))
    assert addresses(after) == ["198.51.100.1/32", "203.0.113.10/32"]
    assert after["tags"] == {"env": "prod", "dify-upgrade:1.1.aa": f"203.0.113.10|{MINE.expires}"}
    assert after["properties"]["networkAcls"]["virtualNetworkRules"] == [{"id": "s"}]
    assert opening(after, DOOR) is None


def test_closing_takes_both_away_and_nothing_else() -> None:
    before = vault("198.51.100.1", tags={"env": "prod"})
    opened = written(before, opening(before, DOOR))
    shut = written(opened, closing(opened, DOOR, NOW))
    assert addresses(shut) == ["198.51.100.1/32"]
    assert shut["tags"] == {"env": "prod"}
    assert closing(shut, DOOR, NOW) is None


def test_an_address_that_another_run_holds_stays_until_that_run_closes_it() -> None:
    theirs = VaultDoor("/v", ("203.0.113.10",), OTHER)
    both = vault()
    for door in (DOOR, theirs):
        both = written(both, opening(both, door))
    assert addresses(both) == ["203.0.113.10/32"]
    left = written(both, closing(both, DOOR, NOW))
    assert addresses(left) == ["203.0.113.10/32"]
    assert closing(left, DOOR, NOW) is None
    assert addresses(written(left, closing(left, theirs, NOW))) == []


def test_whose_living_lease_keeps_an_address_is_told() -> None:
    theirs = VaultLease(OTHER, ("203.0.113.10", "203.0.113.11"))
    elsewhere = VaultLease(Lease(Run(3, 1, "cc"), NOW + 600), ("203.0.113.12",))
    over = VaultLease(Lease(Run(4, 1, "dd"), NOW - 1), DOOR.addresses)
    tags = dict(each.tag for each in (theirs, elsewhere, over))
    assert [each.lease.run for each in keepers(vault("203.0.113.10", tags=tags), DOOR, NOW)] == [OTHER.run]
    assert keepers(vault("203.0.113.12", tags=tags), DOOR, NOW) == ()


def test_a_dead_lease_holds_nothing() -> None:
    name, value = VaultLease(Lease(OTHER.run, NOW - 1), DOOR.addresses).tag
    opened = written(vault(tags={name: value}), opening(vault(tags={name: value}), DOOR))
    shut = written(opened, closing(opened, DOOR, NOW))
    assert addresses(shut) == []


def test_an_address_is_removed_although_somebody_replaced_the_tags() -> None:
    shut = written(vault("203.0.113.10"), closing(vault("203.0.113.10"), DOOR, NOW))
    assert addresses(shut) == []


def test_an_address_that_nobody_leased_stood_before_us() -> None:
    assert stood_before(vault("203.0.113.10"), "203.0.113.10")
    name, value = VaultLease(OTHER, DOOR.addresses).tag
    assert not stood_before(vault("203.0.113.10", tags={name: value}), "203.0.113.10")
    assert not stood_before(vault(), "203.0.113.10")


def test_a_vault_without_rules_of_its_own_is_left_as_it_is() -> None:
    assert closing({"properties": {}}, DOOR, NOW) is None


def test_where_no_address_comes_or_goes_the_firewall_is_left_out_of_the_write() -> None:
    name, value = VaultLease(MINE, DOOR.addresses).tag
    others = VaultLease(OTHER, DOOR.addresses).tag
    held = vault("203.0.113.10", tags={name: value, others[0]: others[1], "owner": "ops"})
    assert closing(held, DOOR, NOW) == {"tags": {others[0]: others[1], "owner": "ops"}}
    assert opening(vault("203.0.113.10", tags=dict([others])), DOOR) == {"tags": {others[0]: others[1], name: value}}
