from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difyaction.azure.leases import LATEST, LONGEST_DESCRIPTION, Lease, Run, VaultLease, described, vault_leases

RUN = Run(123, 1, "ab12cd", "acme/infra")
LEASE = Lease(RUN, 1_764_000_000)


def test_a_rule_tells_whose_it_is() -> None:
    assert LEASE.description() == '{"o":"dify-upgrade","r":"123.1.ab12cd","x":1764000000,"p":"acme/infra"}'
    assert described(LEASE.description()) == LEASE


@given(st.integers(1, 10**12), st.integers(1, 99), st.text("0123456789abcdef", min_size=1, max_size=16), st.text())
def test_a_description_always_fits_and_is_always_read_back(id_: int, attempt: int, nonce: str, repository: str) -> None:
    lease = Lease(Run(id_, attempt, nonce, repository), 1_764_000_000)
    assert len(lease.description()) <= LONGEST_DESCRIPTION
    found = described(lease.description())
    assert found is not None
    assert found.run.text == lease.run.text


def test_other_peoples_descriptions_are_not_ours() -> None:
    for text in (
        "",
        None,
        "allow ssh",
        "[]",
        '{"o":"someone"}',
        '{"o":"dify-upgrade"}',
        '{"o":"dify-upgrade","r":"x"}',
        '{"o":"dify-upgrade","r":"1.1.a","x":1e999}',
        '{"o":"dify-upgrade","r":"1.1.a","x":-1}',
        '{"o":"dify-upgrade","r":"1.1.a","x":"²"}',
        "[" * 100_000,
    ):
        assert described(text) is None


def test_a_lease_dies_by_time_or_with_its_attempt() -> None:
    before = LEASE.expires - 1
    assert not LEASE.is_dead(before)
    assert LEASE.is_dead(LEASE.expires)
    assert LEASE.is_dead(before, Run(123, 2, "other"))
    assert not LEASE.is_dead(before, Run(123, 1, "other"))
    assert not LEASE.is_dead(before, Run(124, 2, "other"))


def test_a_lease_that_lasts_longer_than_any_that_is_given_holds_nothing() -> None:
    assert not LEASE.is_dead(LEASE.expires - LATEST)
    assert LEASE.is_dead(LEASE.expires - LATEST - 1)


def test_a_vaults_tag_tells_addresses_and_expiry() -> None:
    held = VaultLease(LEASE, ("203.0.113.1", "203.0.113.2"))
    name, value = held.tag
    assert (name, value) == ("dify-upgrade:123.1.ab12cd", "203.0.113.1 203.0.113.2|1764000000")
    found = vault_leases({name: value, "env": "prod", "dify-upgrade:x": "1|2", "dify-upgrade:1.1.a": "no"})
    assert [(each.lease.run.text, each.addresses) for each in found] == [(RUN.text, held.addresses)]
    assert vault_leases(None) == ()


@pytest.mark.parametrize(
    "value",
    [
        "203.0.113.10|²",
        "203.0.113.10|",
        "203.0.113.10|-1",
        f"203.0.113.10|{'9' * 5000}",
        "198.51.100.0/24|1",
        "::1|1",
        "x|1",
    ],
)
def test_what_somebody_else_wrote_into_a_tag_of_ours_is_no_lease(value: str) -> None:
    assert vault_leases({"dify-upgrade:9.9.zz": value}) == ()


def test_a_tag_that_cannot_be_read_hides_no_other() -> None:
    name, text = VaultLease(LEASE, ("203.0.113.10/32",)).tag
    assert [each.addresses for each in vault_leases({"dify-upgrade:9.9.zz": "203.0.113.10|²", name: text})] == [
        ("203.0.113.10/32",)
    ]
