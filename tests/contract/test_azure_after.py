"""The post step: logs in afresh by the standard library, closes what the state names, says what is still open."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from difyaction.azure import after, fence
from difyaction.azure.closing import insist, shut
from difyaction.azure.door import VaultDoor
from difyaction.azure.doors import STATE
from difyaction.azure.leases import Lease, VaultLease
from tests.contract.azure_setting import SOURCE, Bench, bench
from tests.emulators.azure.emulator import AzureEmulator
from tests.emulators.azure.security_groups import SecurityGroup
from tests.emulators.azure.vaults import Vault

DIFY = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def left_open(azure: AzureEmulator) -> tuple[Bench, SecurityGroup, Vault]:
    """A run that was killed with its doors open."""
    group = azure.group("rg")
    nsg, vault = group.security_group("nsg"), group.vault("dify-kv")
    vm = group.machine("dify", nic_group=nsg)
    setting = bench(azure)
    setting.passage(vm.id, 22).open()
    door = VaultDoor(vault.id, (SOURCE,), Lease(setting.run, int(setting.pace.clock()) + 600))
    setting.doors.register(door)
    name, value = VaultLease(door.lease, door.addresses).tag
    vault.tags[name] = value
    vault.add_address(SOURCE)
    return setting, nsg, vault


def environ(setting: Bench, folder: Path) -> Mapping[str, str]:
    return {
        **setting.azure.environ,
        f"STATE_{STATE}": setting.saved[STATE],
        f"STATE_{after.IDENTITY}": setting.identity.state(),
        f"STATE_{fence.FENCE}": str(folder / "fence"),
    }


def world(setting: Bench, folder: Path) -> after.World:
    return after.World(setting.wire, setting.pace, engine=folder / "no-engine")


def test_every_door_is_closed_and_seen_closed(left_open: tuple[Bench, SecurityGroup, Vault], tmp_path: Path) -> None:
    setting, nsg, vault = left_open
    said: list[str] = []
    assert after.close_up(environ(setting, tmp_path), said.append, world(setting, tmp_path)) == 0
    assert (dict(nsg.rules), vault.addresses, vault.tags) == ({}, (), {})
    assert len([line for line in said if line.startswith("Closed, and seen closed")]) == 2
    assert (tmp_path / "fence").exists()


def test_it_can_be_done_twice(left_open: tuple[Bench, SecurityGroup, Vault], tmp_path: Path) -> None:
    setting, _, _ = left_open
    for _ in range(2):
        assert after.close_up(environ(setting, tmp_path), lambda _: None, world(setting, tmp_path)) == 0


def test_a_door_that_stays_open_is_told_with_the_command(
    azure: AzureEmulator, left_open: tuple[Bench, SecurityGroup, Vault], tmp_path: Path
) -> None:
    setting, nsg, vault = left_open
    azure.lock(nsg, "ReadOnly")
    said: list[str] = []
    assert after.close_up(environ(setting, tmp_path), said.append, world(setting, tmp_path)) == 9
    (line,) = [line for line in said if line.startswith("::error")]
    assert "az network nsg rule delete --ids " in line
    assert vault.addresses == ()


def test_without_a_login_every_door_is_named(
    azure: AzureEmulator, left_open: tuple[Bench, SecurityGroup, Vault], tmp_path: Path
) -> None:
    setting, _, _ = left_open
    setting.application.federations.clear()
    said: list[str] = []
    assert after.close_up(environ(setting, tmp_path), said.append, world(setting, tmp_path)) == 9
    assert len([line for line in said if line.startswith("::error")]) == 2
    assert azure.calls("DELETE *") == []


def test_without_a_login_what_the_run_saw_closed_is_no_open_door(
    left_open: tuple[Bench, SecurityGroup, Vault], tmp_path: Path
) -> None:
    setting, _, _ = left_open
    insist(shut(setting.arm, setting.doors))
    setting.application.federations.clear()
    said: list[str] = []
    assert after.close_up(environ(setting, tmp_path), said.append, world(setting, tmp_path)) == 0
    assert [line for line in said if line.startswith("::error")] == []


def test_what_the_run_saw_closed_and_stands_again_is_closed_again(
    left_open: tuple[Bench, SecurityGroup, Vault], tmp_path: Path
) -> None:
    setting, nsg, vault = left_open
    rules = dict(nsg.rules)
    insist(shut(setting.arm, setting.doors))
    for name, rule in rules.items():
        nsg.rule(name, **rule)
    said: list[str] = []
    assert after.close_up(environ(setting, tmp_path), said.append, world(setting, tmp_path)) == 0
    assert (dict(nsg.rules), vault.addresses, vault.tags) == ({}, (), {})
    assert len([line for line in said if line.startswith("Closed, and seen closed")]) == 2


def test_a_state_that_cannot_be_read_is_no_silence(azure: AzureEmulator, tmp_path: Path) -> None:
    setting = bench(azure)
    said: list[str] = []
    given = {f"STATE_{STATE}": "broken", f"STATE_{after.IDENTITY}": setting.identity.state()}
    assert after.close_up(given, said.append, world(setting, tmp_path)) == 9
    assert said[-1].startswith("::error title=A door may be open::")


def test_without_doors_nobody_is_asked(azure: AzureEmulator) -> None:
    assert after.close_up({}, lambda _: None) == 0
    assert azure.requests == []


def test_a_run_that_could_open_a_door_yet_is_fenced_before_it_has_opened_any(
    azure: AzureEmulator, tmp_path: Path
) -> None:
    setting = bench(azure)
    given = {f"STATE_{after.IDENTITY}": setting.identity.state(), f"STATE_{fence.FENCE}": str(tmp_path / "fence")}
    assert after.close_up(given, lambda _: None, world(setting, tmp_path)) == 0
    assert (tmp_path / "fence").exists()
    assert azure.requests == []


def test_a_client_secret_is_found_in_the_environment(
    azure: AzureEmulator, left_open: tuple[Bench, SecurityGroup, Vault], tmp_path: Path
) -> None:
    setting, nsg, _ = left_open
    application = azure.application(secret="a-long-secret")
    identity = replace(setting.identity, method="client-secret", client_id=application.client_id)
    given = {
        **environ(setting, tmp_path),
        f"STATE_{after.IDENTITY}": identity.state("INPUT_AZURE-CLIENT-SECRET"),
        "INPUT_AZURE-CLIENT-SECRET": "a-long-secret",
    }
    assert after.close_up(given, lambda _: None, world(setting, tmp_path)) == 0
    assert dict(nsg.rules) == {}


def test_the_post_step_needs_the_standard_library_only() -> None:
    script = (
        "import sys; import difyaction.azure.after; "
        "print([name for name in sys.modules if name.split('.')[0] in "
        "{'azure', 'msal', 'requests', 'cryptography', 'github', 'ruamel', 'paramiko'}])"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=DIFY, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
