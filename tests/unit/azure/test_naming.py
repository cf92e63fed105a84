from __future__ import annotations

import re
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from difyaction.azure.leases import Lease, Run
from difyaction.azure.naming import Label, fitted, moment, named_lease, rule_name, snapshot_name

RUN = Run(123, 1, "ab12cd", "acme/infra")
WHEN = datetime(2026, 11, 20, 12, 7, 33, tzinfo=UTC)


def test_a_snapshot_says_disk_version_and_time_on_the_users_clock() -> None:
    assert (
        snapshot_name("dify-os", "1.14.1", WHEN, "Asia/Tokyo", RUN)
        == "dify-os-before-1.14.1-20261120-210733-JST-ab12cd"
    )


def test_a_zone_without_letters_is_written_in_letters() -> None:
    assert moment(WHEN, "America/Sao_Paulo") == "20261120-090733-m03"
    assert moment(WHEN, "UTC") == "20261120-120733-UTC"


def test_a_long_disk_name_is_cut_and_told_apart() -> None:
    one = snapshot_name("a" * 90, "1.14.1", WHEN, "UTC", RUN)
    other = snapshot_name("a" * 91, "1.14.1", WHEN, "UTC", RUN)
    assert len(one) <= 80
    assert one != other


@given(st.text(max_size=200), st.text(max_size=120))
def test_a_name_always_fits_azures_rules(text: str, rest: str) -> None:
    name = fitted(text, rest)
    assert 1 <= len(name) <= 80
    assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9_])?", name)


def test_a_rules_name_tells_run_and_expiry() -> None:
    assert rule_name(Lease(RUN, 1_764_000_000)) == "dify-upgrade-123-1-ab12cd-1764000000"


def test_a_label_is_read_back_and_others_are_not() -> None:
    label = Label(RUN, "/subscriptions/s/vm", "1.14.1", 1_764_000_000)
    assert Label.of(label.tags()) == label
    assert Label.of(None) is None
    assert Label.of({"dify-upgrade-run": "acme/infra#123.1.ab12cd", "dify-upgrade-expires": "1"}) is None


def test_a_rules_name_tells_the_lease_that_it_was_made_under() -> None:
    lease = Lease(Run(123, 2, "ab12cd"), 1_764_000_900)
    assert named_lease(rule_name(lease)) == lease
    for name in ("dify-upgrade", "dify-upgrade-office", "dify-upgrade-1-1-ab-", "x-dify-upgrade-1-1-ab-1", "ssh"):
        assert named_lease(name) is None
