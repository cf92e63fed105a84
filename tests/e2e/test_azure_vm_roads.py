"""Other roads to a machine in Azure: no port at all, another machine in between; and disks kept with nobody writing."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.azure_runs import NO_PORT, Setting, run, setting, trust
from tests.e2e.connections.sshd import Sshd, make_key, private_text, public_line
from tests.e2e.rig_shell import RigShell
from tests.emulators.azure.emulator import AzureEmulator
from tests.emulators.azure.faults import FORBIDDEN
from tests.emulators.azure.shells import FakeShell, Ran
from tests.rig.session import rig_or_skip
from tests.rig.stack import Rig

OLD, NEW = "1.13.3", "1.14.1"


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    yield from rig_or_skip()


@pytest.fixture
def place(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    with AzureEmulator() as azure:
        trust(azure, monkeypatch)
        azure.timing.retry_after = 0.05  # or each of some forty commands takes two seconds to be looked at again
        with setting(azure, rig.sshd("root")) as built:
            yield built


def test_a_whole_upgrade_goes_through_run_command_and_nothing_is_ever_opened(rig: Rig, place: Setting) -> None:
    place.machine.shell = shell = RigShell(rig)
    with rig.install(version=OLD) as dify:
        told = run(place, rig, dify, dify_version=NEW, **NO_PORT)

        assert (told.status, told.error) == ("upgraded", ""), told.log[-3000:]
        assert dify.running_images()["api"] == f"langgenius/dify-api:{NEW}"
        assert dify.serves()
        assert place.azure.calls("PUT */securityRules/*") == []
        assert place.azure.calls("* /secrets/*") == []
        assert place.gate.openings == []
        assert json.loads(told.outputs["exposure"]) == []
        assert len(told.outputs["snapshot-ids"].splitlines()) == 2
        assert len(shell.asked) < 80  # followed question by question, each row would be one
        assert rig.machine.run(["sh", "-c", "ls -A /run/dify-upgrade-command | wc -l"]).stdout.strip() in {b"0", b"1"}


def test_commands_run_as_the_user_whose_engine_it_is(rig: Rig, place: Setting) -> None:
    place.machine.shell = RigShell(rig)
    with rig.install(version=OLD) as dify:
        told = run(place, rig, dify, mode="plan", dify_version=NEW, **NO_PORT | {"user": "dify"})
        assert told.status == "planned", told.log[-3000:]
        assert "RUN='/home/dify/.local/state/dify-upgrade-action/runs/" in told.log


def test_disks_are_kept_once_more_with_nobody_writing_or_the_old_release_serves_again(rig: Rig, place: Setting) -> None:
    with rig.install(version=OLD) as dify:
        before, images = dify.rows(), dify.running_images()
        place.azure.faults.add("PUT */restorePoints/*", times=None, after=1, **FORBIDDEN)

        told = run(place, rig, dify, dify_version=NEW, final_backup="snapshot")

        assert (told.status, told.error) == ("rolled-back", "snapshot-refused"), told.log[-3000:]
        assert (dify.rows(), dify.running_images()) == (before, images)
        assert dify.serves()
        assert place.is_shut

    with rig.install(version=OLD) as dify:
        place.azure.faults.clear()
        kept = len(place.azure.collections)

        told = run(place, rig, dify, dify_version=NEW, final_backup="snapshot")

        assert (told.status, told.error) == ("upgraded", ""), told.log[-3000:]
        stopped, backed_up = "Stop whatever writes: done", "Back up once more, with nobody writing: done"
        asked = told.log.index("the host waits until its disks are kept")
        assert told.log.index(stopped) < asked < told.log.index(backed_up)
        assert len(place.azure.collections) == kept + 2
        assert place.is_shut


@pytest.fixture
def jump_sshd(tmp_path: Path) -> Iterator[Sshd]:
    sshd = Sshd(tmp_path / "jump", {"ed25519": make_key("ed25519")}, make_key("ed25519"))
    sshd.start()
    yield sshd
    sshd.stop()


def test_through_another_machine_only_that_ones_door_is_opened(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, jump_sshd: Sshd
) -> None:
    with AzureEmulator() as azure, rig.install(version=OLD) as dify:
        trust(azure, monkeypatch)
        rig_sshd = rig.sshd("root")
        with setting(azure, rig_sshd) as place:
            inner_nsg = place.group.security_group("inner-nsg")
            inner = place.group.machine("inner", nic_group=inner_nsg, private_address="127.0.0.1", public_address=None)
            outer_nsg = place.group.security_group("jump-nsg")
            outer = place.group.machine("jump", nic_group=outer_nsg)
            inside = azure.gate(inner, to=(rig_sshd.host, rig_sshd.port), source=outer.private_address)
            outside = azure.gate(outer, to=("127.0.0.1", jump_sshd.port))
            inner_nsg.rule(
                "from-jump",
                priority=200,
                sourceAddressPrefix=outer.private_address,
                destinationPortRange=str(inside.port),
            )
            inner.shell = FakeShell({"sshd -T": Ran(0, rig_sshd.known_hosts.partition(" ")[2])})
            outer.shell = FakeShell({"sshd -T": Ran(0, public_line(jump_sshd.host_keys["ed25519"]) + "\n")})

            told = run(
                place,
                rig,
                dify,
                mode="plan",
                dify_version=NEW,
                vm_name="inner",
                port=str(inside.port),
                jump_vm=f"{getpass.getuser()}@jump:{outside.port}",
                jump_ssh_key=private_text(jump_sshd.client),
                ssh_known_hosts="",
            )

            assert told.status == "planned", told.log[-3000:]
            assert f"through jump at 127.0.0.1 port {outside.port}" in told.log
            assert len(outside.openings) == 1
            assert not outside.is_open
            assert list(outer_nsg.rules) == []
            assert list(inner_nsg.rules) == ["from-jump"]
            assert not azure.calls("PUT */networkSecurityGroups/inner-nsg/*")


def test_host_keys_that_run_command_tells_are_pinned_and_a_host_that_shows_another_is_not_talked_to(
    rig: Rig, place: Setting
) -> None:
    with rig.install(version=OLD) as dify:
        place.machine.shell = FakeShell({"sshd -T": Ran(0, place.sshd.known_hosts.partition(" ")[2])})
        told = run(place, rig, dify, mode="plan", dify_version=NEW, ssh_known_hosts="")
        assert told.status == "planned", told.log[-3000:]
        assert "dify: host key ssh-ed25519 SHA256:" in told.log

        place.machine.shell = FakeShell({"sshd -T": Ran(0, public_line(make_key("ed25519")) + "\n")})
        told = run(place, rig, dify, mode="plan", dify_version=NEW, ssh_known_hosts="")
        assert (told.status, told.error) == ("refused", "ssh-host-key-changed"), told.log[-3000:]
        assert place.is_shut
