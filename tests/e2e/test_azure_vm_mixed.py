"""What a lost run left open is closed by whoever comes next, also by another way than the lost one's."""

from __future__ import annotations

import io
import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from difyaction import inputs
from difyaction.errors import Failed
from difyaction.target import Outcome
from difyaction.targets.azure_vm import sweep
from tests.e2e.azure_children import Child
from tests.e2e.azure_runs import NO_PORT, VAULT, Setting, setting, surroundings_of, told, trust
from tests.e2e.connections.sshd import make_key, private_text
from tests.e2e.server_runs import Told
from tests.e2e.test_azure_vm_endings import Nobody
from tests.emulators.azure.emulator import AzureEmulator
from tests.emulators.azure.faults import refusal
from tests.emulators.azure.security_groups import SecurityGroup
from tests.emulators.azure.shells import FakeShell, Ran
from tests.no_releases import NoReleases

LOST = "7.1.ab12cd"
THEIRS = "203.0.113.99"
READS = "Microsoft.Network/networkSecurityGroups/read"
BY_COMMAND = NO_PORT | {"key_vault": VAULT}
PAGE = (Path(__file__).resolve().parents[2] / "docs/azure.md").read_text(encoding="utf-8")


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    with AzureEmulator() as azure, setting(azure, Nobody()) as built:
        trust(azure, monkeypatch)
        built.machine.shell = FakeShell({"": Ran(0, "", "")})  # nobody is looked at, this machine least of all
        lose_rule(built.nic)
        built.vault.tags[f"dify-upgrade:{LOST}"] = f"{THEIRS}|1700000000"
        built.vault.add_address(f"{THEIRS}/32")
        yield built


def lose_rule(group: SecurityGroup, *, expires: int = 1_700_000_000, name: str = "lost") -> None:
    """Leave a rule as a run by SSH does that is lost."""
    lease = {"o": "dify-upgrade", "r": LOST, "x": expires, "p": "acme/infra"}
    group.rule(name, priority=100, description=json.dumps(lease, separators=(",", ":")), access="Allow")


def role(name: str) -> list[str]:
    """Return the actions of a role as docs/azure.md ships it."""
    blocks = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    (actions,) = [block["Actions"] for block in blocks if block["Name"] == f"Dify upgrade: {name}"]
    return [str(each) for each in actions]


def planned(place: Setting, **given: str) -> Told:
    return told(place, NoReleases(), mode="plan", dify_version="1.14.1", **given)


def swept(place: Setting, **given: str) -> tuple[Outcome, str]:
    out = io.StringIO()
    return sweep(inputs.read(place.inputs(mode="sweep", **given)), surroundings_of(place, out)), out.getvalue()


def test_a_run_without_a_port_closes_what_a_run_by_ssh_left_in_the_groups_and_in_the_vault(place: Setting) -> None:
    ended = planned(place, **BY_COMMAND)
    assert place.is_shut, ended.log
    assert ended.error not in {"azure-door-open", "azure-door-late"}
    assert ended.log.count(f"closed what run {LOST} left open (gone)") == 2


def test_a_run_without_a_port_and_without_a_vault_asks_for_none(place: Setting) -> None:
    planned(place, **NO_PORT)
    assert place.rules == []
    assert place.azure.calls("* */vaults/*") == []


def test_what_another_run_holds_by_a_living_lease_a_run_without_a_port_leaves_alone(place: Setting) -> None:
    lose_rule(place.subnet, expires=int(place.azure.cloud.clock()) + 600, name="living")
    ended = planned(place, **BY_COMMAND)
    assert place.rules == ["living"], ended.log
    assert f"left alone, held by run {LOST} until" in ended.log


def test_with_the_role_that_opens_no_port_a_left_door_is_seen_and_loud(place: Setting) -> None:
    place.azure.allow(place.app, *role("machine"), scope=place.group)

    ended = planned(place, **NO_PORT)

    assert (ended.status, ended.error) == ("door-open", "azure-door-open"), ended.log
    assert "az network nsg rule delete --ids" in ended.outputs["says"]


@pytest.mark.parametrize("way", [NO_PORT, {"nsg_name": "subnet-nsg", "key_vault": VAULT}])
def test_a_rule_that_was_left_as_a_deny_ends_no_run_that_may_not_touch_it(place: Setting, way: dict[str, str]) -> None:
    place.azure.lock(place.nic)
    swept(place)
    place.azure.allow(place.app, *role("machine"), scope=place.group)
    place.azure.allow(place.app, *role("vault door"), scope=place.vault)
    place.azure.allow(place.app, *role("SSH door"), scope=place.subnet)

    ended = planned(place, **way)

    assert ended.status != "door-open", ended.log
    assert "NSG rule lost in nic-nsg is a Deny and lets nobody in" in ended.log
    assert "left open" not in ended.log


def test_what_is_closed_at_the_second_attempt_is_no_end_of_a_run(place: Setting) -> None:
    once = refusal(400, "Odd", "Not today.")
    for request in ("DELETE */securityRules/*", "PUT */securityRules/*", "PUT */networkSecurityGroups/*"):
        place.azure.faults.add(request, times=1, **once)

    ended = planned(place, **NO_PORT)

    assert ended.error not in {"azure-door-open", "azure-door-late"}, ended.log
    assert place.rules == [], ended.log
    assert len(place.azure.calls("POST */runCommand")) > 0, "it goes on"


def test_nobody_says_for_how_many_seconds_a_dead_run_had_left_a_door_open(place: Setting) -> None:
    place.azure.lock(place.nic, "ReadOnly")
    ended = planned(place, **NO_PORT)
    assert ended.status == "door-open"
    assert f"Left open by run {LOST}, and not seen closed: NSG rule lost in nic-nsg." in ended.log
    assert "until now" not in ended.log


def test_who_is_cancelled_while_a_dead_runs_door_is_closed_names_it_and_the_post_step_goes_on(
    place: Setting, tmp_path: Path
) -> None:
    child = Child(place, tmp_path / "run")
    child.start(mode="plan", dify_version="1.14.1", **NO_PORT)
    sent = child.when("DELETE */securityRules/*", signal.SIGINT)
    for request in ("DELETE */securityRules/*", "PUT */networkSecurityGroups/*"):
        place.azure.faults.add(request, times=None, **refusal(503, "ServiceUnavailable", "Not today."))
    assert sent.wait(120), child.log
    child.cancelled()
    assert "closing what run 7.1.ab12cd left: NSG rule lost in nic-nsg" in child.log
    assert place.rules == ["lost"]

    place.azure.faults.clear()
    post = child.post()

    assert (post.returncode, place.rules) == (0, []), post.stdout
    assert "NSG rule lost in nic-nsg" in post.stdout


def test_who_may_not_look_says_so_once_and_goes_on(place: Setting) -> None:
    actions = [each for each in role("machine") if each != READS]
    place.azure.allow(place.app, *actions, scope=place.group)

    ended = planned(place, **BY_COMMAND)

    assert ended.error not in {"azure-door-open", "azure-right-missing"}, ended.log
    where = "subnet-nsg, nic-nsg, dify-kv"
    assert f"doors of earlier runs are not looked for in {where}: we have no right to read there" in ended.log
    assert len(place.azure.calls("POST */runCommand")) > 0, "it goes on"


def test_that_azure_fails_where_nothing_is_opened_is_a_warning(place: Setting) -> None:
    place.azure.faults.add("GET */networkSecurityGroups/*", times=None, **refusal(501, "NotImplemented", "Not today."))

    ended = planned(place, **NO_PORT)

    assert ended.log.count("warning: doors of earlier runs are not looked for in ") == 2
    assert len(place.azure.calls("POST */runCommand")) > 0, "it goes on"


def test_a_run_that_does_not_open_the_vault_closes_what_one_left_that_did(place: Setting) -> None:
    ended = planned(place, open_key_vault="false")
    assert place.vault.addresses == (), ended.log
    assert len(place.azure.calls("GET */vaults/*")) == 3, "once to find it, twice to close it and see it closed"


def test_a_run_with_a_key_of_its_own_closes_what_is_left_in_a_vault_that_it_knows(place: Setting) -> None:
    key, place.machine.power = private_text(make_key("ed25519")), "deallocated"
    ended = planned(place, ssh_key=key, key_vault_secret="", open_key_vault="false", source_address="203.0.113.10")
    assert place.vault.addresses == (), ended.log


@pytest.mark.parametrize("way", ["ssh", "run-command"])
def test_a_tag_whose_address_somebody_took_out_by_hand_ends_no_run_that_only_reads_the_vault(
    place: Setting, way: str
) -> None:
    swept(place, key_vault="", open_key_vault="", key_vault_secret="")
    place.vault.remove_address(f"{THEIRS}/32")
    place.azure.allow(place.app, *role("machine"), "Microsoft.KeyVault/vaults/read", scope=place.group)
    for group in (place.subnet, place.nic):
        place.azure.allow(place.app, *role("SSH door"), scope=group)
    key, place.machine.power = private_text(make_key("ed25519")), "deallocated"
    by_ssh = {"ssh_key": key, "key_vault_secret": "", "open_key_vault": "false", "source_address": "203.0.113.10"}

    ended = planned(place, **by_ssh if way == "ssh" else BY_COMMAND)

    assert ended.status == "planned", ended.log
    assert f"Not on the firewall any more: address {THEIRS} on Key Vault dify-kv" in ended.log
    assert f"--tags 'dify-upgrade:{LOST}={THEIRS}|1700000000'" in ended.log
    assert "left open" not in ended.log


def test_a_vault_is_looked_at_once_to_find_its_address_and_what_is_left(place: Setting) -> None:
    place.vault.tags.clear()
    place.vault.remove_address(f"{THEIRS}/32")
    planned(place, open_key_vault="false")
    assert len(place.azure.calls("GET */vaults/*")) == 1


def test_a_run_that_may_write_to_one_group_closes_what_is_left_in_the_other(place: Setting) -> None:
    ended = planned(place, nsg_name="subnet-nsg")
    assert place.rules == [], ended.log


def test_through_another_machine_the_doors_of_the_machine_itself_are_closed_too(place: Setting) -> None:
    place.group.machine("jump", nic_group=place.group.security_group("jump-nsg"))
    ended = planned(place, jump_vm="jump")
    assert place.is_shut, ended.log


def test_a_sweep_of_one_group_looks_at_the_others_on_the_way_where_it_may(place: Setting) -> None:
    outcome, log = swept(place, nsg_name="subnet-nsg")
    assert outcome.changed
    assert place.is_shut, log

    place.azure.allow(place.app, "Microsoft.Compute/*", "Microsoft.KeyVault/*", scope=place.group)
    for kind in ("networkInterfaces", "publicIPAddresses", "virtualNetworks/subnets"):
        place.azure.allow(place.app, f"Microsoft.Network/{kind}/read")
    place.azure.allow(place.app, "*", scope=place.subnet)
    outcome, log = swept(place, nsg_name="subnet-nsg")
    assert outcome.status == "swept"
    assert "doors of earlier runs are not looked for in nic-nsg: we have no right to read there" in log


@pytest.fixture
def far(place: Setting) -> SecurityGroup:
    """A security group of the network's own resource group, with a door that a lost run left; the machine is gone."""
    group = place.azure.group("network-rg").security_group("far-nsg")
    lose_rule(group)
    place.azure.group("network-rg-2").security_group("quiet-nsg")
    place.azure.cloud.store.remove(place.machine)
    return group


def test_the_door_of_a_machine_that_is_gone_is_found_in_another_resource_group(
    place: Setting, far: SecurityGroup
) -> None:
    outcome, log = swept(place)
    assert outcome.changed
    assert list(far.rules) == []
    assert place.is_shut, log
    assert "far-nsg, and in all other security groups of the subscription that this login may read" in log
    assert place.azure.calls("GET */networkSecurityGroups/quiet-nsg") == []


def test_behind_a_machine_in_between_that_is_gone_the_doors_of_the_machine_itself_are_swept(place: Setting) -> None:
    nsg = place.azure.group("network-rg").security_group("own-nsg")
    place.group.machine("inner", nic_group=nsg)
    lose_rule(nsg)
    place.azure.allow(place.app, "*", scope=place.group)
    place.azure.allow(place.app, "*", scope=nsg)

    outcome, log = swept(place, vm_name="inner", jump_vm="gone")

    assert outcome.changed
    assert list(nsg.rules) == [], log
    assert place.is_shut, log


def test_behind_a_machine_in_between_the_doors_of_one_that_is_gone_are_swept(
    place: Setting, far: SecurityGroup
) -> None:
    place.group.machine("jump", nic_group=place.group.security_group("jump-nsg"))
    outcome, log = swept(place, jump_vm="jump")
    assert outcome.changed
    assert list(far.rules) == []
    assert place.is_shut, log


def test_a_vault_that_is_not_there_keeps_a_run_that_opens_none_from_nothing(place: Setting) -> None:
    ended = planned(place, **NO_PORT | {"key_vault": "dify-kvv"})
    assert "doors of earlier runs are not looked for in dify-kvv: Azure knows no Key Vault" in ended.log
    assert place.rules == []
    assert len(place.azure.calls("POST */runCommand")) > 0, "it goes on"


def test_who_may_not_list_the_subscription_names_the_group_by_its_whole_id(place: Setting, far: SecurityGroup) -> None:
    place.azure.allow(place.app, *role("machine"), "Microsoft.KeyVault/*", scope=place.group)
    for group in (place.subnet, place.nic, far):
        place.azure.allow(place.app, *role("SSH door"), scope=group)

    outcome, log = swept(place)
    assert outcome.changed
    assert place.is_shut, log
    assert list(far.rules) == ["lost"]
    assert "nsg-name takes the whole id of one" in log

    outcome, log = swept(place, nsg_name=far.id)
    assert outcome.changed
    assert list(far.rules) == [], log


def test_a_whole_id_that_leads_nowhere_is_no_clean_sweep(place: Setting, far: SecurityGroup) -> None:
    with pytest.raises(Failed) as raised:
        swept(place, nsg_name=far.id.replace("far-nsg", "nowhere"))
    assert raised.value.id == "azure-not-found"
    assert list(far.rules) == [], "what can be closed is closed first"


def test_a_group_may_be_named_by_its_whole_id_where_the_machine_stands(place: Setting) -> None:
    outcome, log = swept(place, nsg_name=place.nic.id.upper().replace("/SUBSCRIPTIONS/", "/subscriptions/"))
    assert outcome.changed
    assert place.is_shut, log
