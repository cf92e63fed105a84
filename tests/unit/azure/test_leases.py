from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from difyaction.azure.leases import LONGEST_DESCRIPTION, Lease, Run, VaultLease, described, vault_leases

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
    ):
        assert described(text) is None


def test_a_lease_dies_by_time_or_with_its_attempt() -> None:
    assert not LEASE.is_dead(LEASE.expires - 1)
    assert LEASE.is_dead(LEASE.expires)
    assert LEASE.is_dead(0, Run(123, 2, "other"))
    assert not LEASE.is_dead(0, Run(123, 1, "other"))
    assert not LEASE.is_dead(0, Run(124, 2, "other"))


def test_a_vaults_tag_tells_addresses_and_expiry() -> None:
    held = VaultLease(LEASE, ("203.0.113.1", "203.0.113.2"))
    name, value = held.tag
    assert (name, value) == ("dify-upgrade:123.1.ab12cd", "203.0.113.1 203.0.113.2|1764000000")
    found = vault_leases({name: value, "env": "prod", "dify-upgrade:x": "1|2", "dify-upgrade:1.1.a": "no"})
    assert [(each.lease.run.text, each.addresses) for each in found] == [(RUN.text, held.addresses)]
    assert vault_leases(None) == ()
