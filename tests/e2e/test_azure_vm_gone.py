"""A sweep of machines that are gone: where it looks for their doors, and when it does not say that all is swept."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from difyaction import inputs
from difyaction.errors import Failed
from difyaction.targets.azure_vm import sweep
from tests.e2e.azure_runs import Setting, setting, surroundings_of, trust
from tests.e2e.test_azure_vm_endings import Nobody
from tests.e2e.test_azure_vm_mixed import LOST, THEIRS, lose_rule, role, swept
from tests.emulators.azure.emulator import AzureEmulator
from tests.emulators.azure.faults import refusal

LISTS = "Microsoft.Network/networkSecurityGroups"
NO_VAULT = {"key_vault": "", "key_vault_secret": "", "open_key_vault": ""}
TODAY = refusal(501, "NotImplemented", "Not today.")


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    """A machine that is gone, with a door that a lost run left in its interface's group, and one in its vault."""
    with AzureEmulator() as azure, setting(azure, Nobody()) as built:
        trust(azure, monkeypatch)
        lose_rule(built.nic)
        built.vault.tags[f"dify-upgrade:{LOST}"] = f"{THEIRS}|1700000000"
        built.vault.add_address(f"{THEIRS}/32")
        azure.cloud.store.remove(built.machine)
        yield built


def test_behind_a_machine_in_between_a_list_that_fails_is_no_clean_sweep(place: Setting) -> None:
    place.group.machine("jump", nic_group=place.group.security_group("jump-nsg"))
    place.azure.faults.add(f"GET */{LISTS}", times=None, **TODAY)
    with pytest.raises(Failed, match="Not today") as raised:
        swept(place, jump_vm="jump")
    assert raised.value.id == "azure-unavailable"
    assert place.vault.addresses == (), "what can be closed is closed first"


def test_behind_a_machine_in_between_a_list_that_is_refused_is_said(place: Setting) -> None:
    jump = place.group.security_group("jump-nsg")
    place.group.machine("jump", nic_group=jump)
    place.azure.allow(place.app, *(each for each in role("machine") if not each.startswith(LISTS)), scope=place.group)
    place.azure.allow(place.app, *role("SSH door"), scope=jump)
    outcome, log = swept(place, jump_vm="jump", **NO_VAULT)
    assert outcome.status == "swept"
    assert "this login may not list the others of the subscription" in log


def test_a_list_that_fails_is_no_clean_sweep_though_another_group_is_named(place: Setting) -> None:
    lose_rule(place.subnet)
    place.azure.allow(place.app, "*", scope=place.group)
    place.azure.faults.add(f"GET */resourceGroups/dify-rg/providers/{LISTS}", times=None, **TODAY)
    with pytest.raises(Failed, match="Not today"):
        swept(place, nsg_name="nic-nsg")
    assert place.rules == ["lost"], "what can be closed is closed first"


def test_a_list_that_fails_is_told_as_one_and_not_as_a_missing_right(place: Setting) -> None:
    place.azure.faults.add(f"GET /subscriptions/{place.azure.subscription_id}/providers/{LISTS}", times=None, **TODAY)
    out = io.StringIO()
    with pytest.raises(Failed, match="Not today"):
        sweep(inputs.read(place.inputs(mode="sweep")), surroundings_of(place, out))
    assert "the others of the subscription could not be listed, as Azure failed" in out.getvalue()
    assert place.is_shut, "what can be closed is closed first"


def test_the_doors_of_two_machines_that_are_gone_are_looked_for_around_both(place: Setting) -> None:
    other = place.azure.group("jump-rg")
    theirs = other.security_group("jump-nsg")
    lose_rule(theirs)
    for group in (place.group, other):
        place.azure.allow(place.app, "*", scope=group)
    jump = place.machine.id.replace("dify-rg", "jump-rg").rpartition("/")[0] + "/jump"

    outcome, log = swept(place, jump_vm=jump)

    assert outcome.changed
    assert place.is_shut, log
    assert list(theirs.rules) == []
    told = [each for each in outcome.sentences if each.startswith("There is no machine")]
    assert [machine in each for machine, each in zip((jump, place.machine.id), told, strict=True)] == [True, True]


def test_a_bare_name_that_nobody_knows_is_no_clean_sweep(place: Setting) -> None:
    far = place.azure.group("network-rg").security_group("far-nsg")
    lose_rule(far)
    place.azure.allow(place.app, "*", scope=place.group)
    place.azure.allow(place.app, *role("SSH door"), scope=far)

    with pytest.raises(Failed, match=r"far-nsg.*whole id") as raised:
        swept(place, nsg_name="far-nsg")
    assert raised.value.id == "azure-nsg-elsewhere"
    assert place.is_shut, "what can be closed is closed first"

    outcome, log = swept(place, nsg_name=far.id)
    assert outcome.changed
    assert list(far.rules) == [], log


def test_a_bare_name_that_the_subscription_knows_is_found_there(place: Setting) -> None:
    far = place.azure.group("network-rg").security_group("far-nsg")
    lose_rule(far)
    outcome, log = swept(place, nsg_name="far-nsg")
    assert outcome.status == "swept"
    assert list(far.rules) == [], log


def test_a_resource_group_without_security_groups_is_swept_through_the_subscription(place: Setting) -> None:
    far = place.azure.group("network-rg").security_group("far-nsg")
    lose_rule(far)
    place.azure.group("lonely-rg")
    for changed in (True, False):
        outcome, log = swept(place, resource_group="lonely-rg", vm_name="lonely", **NO_VAULT)
        assert (outcome.status, outcome.changed) == ("swept", changed), log
        assert list(far.rules) == []
        assert "Its doors were looked for in lonely-rg" in log


def test_without_the_subscription_a_resource_group_without_security_groups_is_no_clean_sweep(place: Setting) -> None:
    lonely = place.azure.group("lonely-rg")
    place.azure.allow(place.app, "*", scope=lonely)
    with pytest.raises(Failed) as raised:
        swept(place, resource_group="lonely-rg", vm_name="lonely", **NO_VAULT)
    assert raised.value.id == "azure-vm-unknown"


def test_a_page_of_a_list_that_lies_elsewhere_keeps_no_door_open(place: Setting) -> None:
    far = place.azure.group("network-rg").security_group("far-nsg")
    lose_rule(far)
    strange = {"value": [far.show()], "nextLink": "https://proxy.invalid/page"}
    everywhere = f"GET /subscriptions/{place.azure.subscription_id}/providers/{LISTS}"
    place.azure.faults.add(everywhere, times=None, status=200, body=strange, headers={})
    with pytest.raises(Failed, match=r"proxy\.invalid") as raised:
        swept(place)
    assert raised.value.id == "azure-redirected"
    assert list(far.rules) == [], "the first page was read"
    assert place.is_shut, "what can be closed is closed first"


def test_groups_whose_rules_a_list_has_shown_are_not_asked_for_again(place: Setting) -> None:
    swept(place)
    assert place.azure.calls("GET */networkSecurityGroups/subnet-nsg") == []
    assert len(place.azure.calls("GET */networkSecurityGroups/nic-nsg")) > 0
