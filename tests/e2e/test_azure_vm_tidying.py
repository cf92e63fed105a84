"""What lost runs left open is closed by others: whatever else is missing, and also when the machine is gone."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from difyaction import inputs
from difyaction.azure.doors import DoorOpen
from difyaction.errors import Failed
from difyaction.target import Outcome
from difyaction.targets.azure_vm import sweep
from tests.e2e.azure_runs import Setting, setting, surroundings_of, told, trust
from tests.e2e.test_azure_vm_endings import Nobody
from tests.emulators.azure.emulator import AzureEmulator
from tests.no_releases import NoReleases

LOST = "7.1.ab12cd"
RULES = "Microsoft.Network/networkSecurityGroups/securityRules"
THEIRS = "203.0.113.99"


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    with AzureEmulator() as azure, setting(azure, Nobody()) as built:
        trust(azure, monkeypatch)
        lose(built)
        yield built


def lose(place: Setting) -> None:
    """Leave a rule and an address as a run does that was lost long ago."""
    lease = {"o": "dify-upgrade", "r": LOST, "x": 1_700_000_000, "p": "acme/infra"}
    place.nic.rule("lost", priority=100, description=json.dumps(lease, separators=(",", ":")), access="Allow")
    place.vault.tags[f"dify-upgrade:{LOST}"] = f"{THEIRS}|1700000000"
    place.vault.add_address(f"{THEIRS}/32")


def swept(place: Setting, ahead: timedelta = timedelta(0), **given: str) -> tuple[Outcome, str]:
    """Sweep once, by a clock that may go ``ahead`` of Azure's; return how it ended, and its log."""
    out = io.StringIO()
    world = surroundings_of(place, out, ahead=ahead)
    return sweep(inputs.read(place.inputs(mode="sweep", **given)), world), out.getvalue()


def lose_the_machine(place: Setting) -> None:
    place.azure.cloud.store.remove(place.machine)


@pytest.mark.parametrize(
    "allowed",
    [
        ("*/read", "Microsoft.Compute/*", "Microsoft.Network/*", "Microsoft.KeyVault/vaults/write"),
        ("*/read", f"{RULES}/*", "Microsoft.KeyVault/vaults/write"),
    ],
)
def test_a_right_that_is_missing_elsewhere_is_no_reason_to_leave_a_door_open(
    place: Setting, allowed: tuple[str, ...]
) -> None:
    place.azure.allow(place.app, *allowed, but=("Microsoft.Compute/virtualMachines/runCommand/action",))

    ended = told(place, NoReleases(), mode="plan", dify_version="1.14.1", ssh_known_hosts="")

    assert ended.status == "planned", ended.log
    assert "azure-right-missing" in [each.rule for each in ended.plan.stopping] if ended.plan else []
    assert place.is_shut, ended.log


def test_a_lock_that_stands_elsewhere_is_no_reason_to_leave_a_door_open(place: Setting) -> None:
    place.azure.lock(place.subnet, "ReadOnly")

    ended = told(place, NoReleases(), mode="plan", dify_version="1.14.1")

    assert "azure-locked" in [each.rule for each in ended.plan.stopping] if ended.plan else []
    assert place.is_shut, ended.log


def test_a_group_that_may_not_be_read_keeps_the_other_doors_from_nothing(place: Setting) -> None:
    actions = ("Microsoft.Compute/*", "Microsoft.KeyVault/*", "Microsoft.Authorization/*/read")
    network = ("Microsoft.Network/networkInterfaces/read", "Microsoft.Network/publicIPAddresses/read")
    place.azure.allow(place.app, *actions, *network, "Microsoft.Network/virtualNetworks/subnets/read")

    ended = told(place, NoReleases(), mode="plan", dify_version="1.14.1")

    assert ended.status == "planned", ended.log
    assert "azure-right-missing" in [each.rule for each in ended.plan.stopping] if ended.plan else []
    assert "doors of lost runs are not looked for in" in ended.log
    assert place.vault.addresses == ()


def test_a_lost_door_that_a_lock_keeps_open_beats_everything(place: Setting) -> None:
    place.azure.lock(place.nic, "ReadOnly")

    ended = told(place, NoReleases(), mode="plan", dify_version="1.14.1")

    assert (ended.status, ended.error) == ("door-open", "azure-door-open"), ended.log
    assert place.vault.addresses == ()


def test_doors_are_swept_when_the_machine_is_gone(place: Setting) -> None:
    lose_the_machine(place)

    outcome, log = swept(place)

    assert (outcome.status, outcome.changed) == ("swept", True)
    assert "There is no machine /subscriptions/" in log
    assert any("nic-nsg" in sentence for sentence in outcome.sentences)
    assert place.is_shut, log


def test_a_group_that_is_not_on_the_way_is_no_clean_sweep(place: Setting) -> None:
    with pytest.raises(Failed, match="subnet-nsg, nic-nsg") as raised:
        swept(place, nsg_name="nic-nsgg")
    assert raised.value.id == "azure-nsg-elsewhere"
    assert "Doors closed: 2. Name one of these in nsg-name" in str(raised.value)
    assert place.is_shut, "what can be closed is closed first"


@pytest.mark.parametrize("opens", ["true", "false"])
def test_a_vault_that_is_not_there_is_no_clean_sweep(place: Setting, opens: str) -> None:
    with pytest.raises(Failed, match="whole id") as raised:
        swept(place, key_vault="dify-kvv", open_key_vault=opens)
    assert raised.value.id == "vault-unknown"
    assert place.rules == [], "what can be closed is closed first"


@pytest.mark.parametrize("text", ["", "SSH, by hand"])
def test_a_rule_of_ours_that_lost_its_description_is_named_and_left_alone(place: Setting, text: str) -> None:
    name = "dify-upgrade-77-1-ab-1700000000"
    place.nic.rule(name, priority=200, description=text, access="Allow")
    place.nic.rule("dify-upgrade-office", priority=201, description="", access="Allow")

    outcome, log = swept(place)

    assert place.rules == [name, "dify-upgrade-office"]
    assert f"warning: Left alone, though named as ours: NSG rule {name} in nic-nsg." in log
    (told,) = [each for each in outcome.sentences if "no lease" in each]
    assert f"securityRules/{name}" in told


def clocks(place: Setting, lease: float) -> None:
    """Leave a rule and an address whose leases last so many seconds of Azure's time from now."""
    expires = int(place.azure.cloud.clock() + lease)
    record = {"o": "dify-upgrade", "r": "8.1.ab12cd", "x": expires, "p": "acme/infra"}
    place.subnet.rule("living", priority=100, description=json.dumps(record, separators=(",", ":")), access="Allow")
    place.vault.tags["dify-upgrade:8.1.ab12cd"] = f"203.0.113.98|{expires}"
    place.vault.add_address("203.0.113.98/32")


@pytest.mark.parametrize("ahead", [timedelta(hours=2), timedelta(hours=-2), timedelta(0)])
def test_what_lives_is_left_alone_and_named_whatever_the_clock_of_the_sweep_says(
    place: Setting, ahead: timedelta
) -> None:
    clocks(place, 600)

    outcome, log = swept(place, ahead=ahead)

    assert outcome.changed
    assert place.rules == ["living"]
    assert place.vault.addresses == ("203.0.113.98/32",)
    assert log.count("left alone, held by run 8.1.ab12cd until ") == 2
    assert [each.startswith("Left alone, as run 8.1.ab12cd holds it") for each in outcome.sentences[1:3]] == [True] * 2
    assert ("Azure's; leases go by Azure's." in log) == bool(ahead)


def test_what_a_lost_runner_with_a_fast_clock_left_is_not_left_for_ever(place: Setting) -> None:
    clocks(place, 6 * 3600)

    outcome, log = swept(place)

    assert outcome.changed
    assert place.is_shut, log


def test_what_was_kept_of_a_machine_that_is_gone_is_not_removed(place: Setting) -> None:
    lose_the_machine(place)
    swept(place)
    assert place.azure.calls("GET */snapshots*") == []


def test_the_doors_of_a_machine_in_between_are_swept_when_it_is_gone(place: Setting) -> None:
    outcome, log = swept(place, jump_vm="way")
    assert outcome.changed
    assert "virtualMachines/way" in log
    assert place.is_shut, log


def test_without_the_right_to_list_groups_the_one_that_is_named_is_swept(place: Setting) -> None:
    lose_the_machine(place)
    place.azure.allow(place.app, "Microsoft.Compute/*", scope=place.group)
    place.azure.allow(place.app, "*", scope=place.nic)
    place.azure.allow(place.app, "*", scope=place.vault)

    with pytest.raises(Failed) as raised:
        swept(place)
    assert raised.value.id == "azure-right-missing"
    assert place.vault.addresses == (), "what can be closed is closed first"

    outcome, log = swept(place, nsg_name="nic-nsg")
    assert outcome.changed
    assert place.is_shut, log


def test_names_that_lead_nowhere_are_no_clean_sweep(place: Setting) -> None:
    with pytest.raises(Failed) as raised:
        swept(place, resource_group="nowhere")
    assert raised.value.id == "azure-vm-unknown"


def test_a_vault_that_is_named_is_swept_without_leave_to_open_it(place: Setting) -> None:
    outcome, log = swept(place, open_key_vault="false")
    assert outcome.changed
    assert place.is_shut, log


def test_a_vault_that_nobody_had_leave_to_open_need_not_be_seen(place: Setting) -> None:
    place.azure.allow(place.app, "Microsoft.Compute/*", "Microsoft.Network/*", "Microsoft.Authorization/*/read")
    outcome, log = swept(place, open_key_vault="false")
    assert outcome.status == "swept"
    assert place.rules == []
    assert "warning: doors of lost runs are not looked for in" in log

    with pytest.raises(Failed) as raised:
        swept(place)
    assert raised.value.id == "azure-right-missing"


def test_a_rule_that_a_lock_keeps_as_a_deny_is_told_calmly_until_it_can_go(place: Setting) -> None:
    lock = place.azure.lock(place.nic)

    first, log = swept(place)
    assert first.changed
    assert f"closed what run {LOST} left open (denied)" in log

    for _ in range(2):
        again, log = swept(place)
        assert (again.status, again.changed, again.sentences[0]) == ("swept", False, "Doors closed: 0.")
        assert "left open" not in log
        assert "NSG rule lost in nic-nsg is a Deny and lets nobody in" in log
        assert "az network nsg rule delete --ids" in again.sentences[1]

    lock.remove()
    last, log = swept(place)
    assert last.changed
    assert place.is_shut, log


def test_a_door_that_a_sweep_cannot_close_is_loud(place: Setting) -> None:
    place.azure.lock(place.nic, "ReadOnly")
    with pytest.raises(DoorOpen):
        swept(place)
    assert place.vault.addresses == ()
