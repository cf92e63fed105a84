"""Which road leads to a machine in Azure, as the inputs say it."""

from __future__ import annotations

import pytest

from difyaction.azure.nsg import is_named
from difyaction.azure_vm.command_way import unhurried
from difyaction.azure_vm.jump import asked
from difyaction.compose.follow import Watch
from difyaction.errors import Invalid
from difyaction.inputs import Inputs, read

ID = "00000000-0000-0000-0000-000000000000"
AZURE = {
    "target": "azure-vm",
    "dify-version": "1.14.1",
    "azure-subscription-id": ID,
    "azure-tenant-id": ID,
    "azure-client-id": ID,
    "resource-group": "rg",
    "vm-name": "dify",
}
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"  # laid out like one
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
SSH = {**AZURE, "user": "me", "ssh-key": KEY, "source-address": "203.0.113.10"}
GROUP = "/subscriptions/x/resourceGroups/net/providers/Microsoft.Network/networkSecurityGroups/nsg"
VM = "/subscriptions/x/resourceGroups/net/providers/Microsoft.Compute/virtualMachines/way"


def complained(given: dict[str, str], **more: str) -> list[str]:
    with pytest.raises(Invalid) as caught:
        read({**given, **{name.replace("_", "-"): text for name, text in more.items()}})
    return [complaint.input for complaint in caught.value.complaints]


def by_ssh(**more: str) -> Inputs:
    return read({**SSH, **{name.replace("_", "-"): text for name, text in more.items()}})


def test_run_command_needs_no_user_no_key_and_no_address() -> None:
    assert read({**AZURE, "connection": "run-command"}).user == ""


def test_run_command_takes_nothing_that_only_ssh_uses() -> None:
    given = {
        "ssh-key": KEY,
        "ssh-key-passphrase": "long enough",
        "ssh-known-hosts": "dify ssh-ed25519 AAAA",
        "key-vault-secret": "key",
        "open-key-vault": "true",
        "nsg-name": "nsg",
        "source-address": "203.0.113.10",
        "jump-vm": "way",
        "jump-ssh-key": KEY,
        "host": "192.0.2.1",
        "port": "2222",
    }
    assert complained({**AZURE, "connection": "run-command", "key-vault": "dify-kv", **given}) == list(given)


def test_run_command_may_name_the_vault_in_which_a_lost_run_left_a_door() -> None:
    assert read({**AZURE, "connection": "run-command", "key-vault": "dify-kv"}).key_vault == "dify-kv"


@pytest.mark.parametrize("named", ["nsg", "NSG", GROUP, GROUP.upper()])
def test_a_group_is_named_by_its_name_or_its_whole_id(named: str) -> None:
    assert is_named(GROUP, named)
    assert not is_named(f"{GROUP}-2", named)
    assert is_named(f"{GROUP}-2", "")


@pytest.mark.parametrize("text", ["a b", "/subscriptions/x/nsg", GROUP.replace("networkSecurityGroups", "disks")])
def test_what_names_no_security_group_is_a_complaint(text: str) -> None:
    assert complained(SSH, nsg_name=text) == ["nsg-name"]
    assert by_ssh(nsg_name=GROUP).nsg_name == GROUP


def test_run_command_takes_the_port_that_ssh_has_anyway() -> None:
    assert read({**AZURE, "connection": "run-command", "port": "22"}).connection == "run-command"


def test_a_sweep_looks_after_the_doors_of_others_however_this_one_would_go_in() -> None:
    given = {name: text for name, text in AZURE.items() if name != "dify-version"}
    doors = {"key-vault": "dify-kv", "open-key-vault": "true", "nsg-name": "nsg", "jump-vm": "way"}
    swept = read({**given, **doors, "mode": "sweep", "connection": "run-command"})
    assert (swept.key_vault, swept.nsg_name) == ("dify-kv", "nsg")


def test_what_disks_are_kept_for_is_not_forbidden_beside_it() -> None:
    assert complained(SSH, final_backup="snapshot", snapshot="false") == ["final-backup"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "way",
            ("/subscriptions/" + ID + "/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/way", "me", 22),
        ),
        (
            "you@way:2222",
            (f"/subscriptions/{ID}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/way", "you", 2222),
        ),
        (f"you@{VM}", (VM, "you", 22)),
        (f"{VM}:2222", (VM, "me", 2222)),
    ],
)
def test_the_machine_in_between_is_named_with_or_without_user_port_and_group(
    text: str, found: tuple[str, str, int]
) -> None:
    jump = asked(by_ssh(jump_vm=text))
    assert jump is not None
    assert (jump.id, jump.user, jump.port) == found


def test_without_a_machine_in_between_there_is_none() -> None:
    assert asked(by_ssh()) is None


@pytest.mark.parametrize(
    "text", ["a b", "you@", "way:", "you@way:22:7", "me/you@way", "/subscriptions/x/way", "way:0", f"{VM}:99999"]
)
def test_a_machine_in_between_that_cannot_be_named_so_is_a_complaint(text: str) -> None:
    assert complained(SSH, jump_vm=text) == ["jump-vm"]


def test_the_key_and_the_address_of_a_machine_in_between_belong_to_one() -> None:
    assert complained(SSH, jump_ssh_key=KEY) == ["jump-ssh-key"]
    assert complained(SSH, jump_vm="way", host="192.0.2.1") == ["host"]


def test_through_run_command_the_host_is_asked_seldom() -> None:
    watch = unhurried(Watch(clock=lambda: 0.0, pause=lambda _: None, say=lambda _: None))
    assert watch.gather >= 10
    assert watch.poll >= 20
