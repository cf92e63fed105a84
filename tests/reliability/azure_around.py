"""What is wrong, or only special, around a run of the second table from its beginning."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.e2e.azure_runs import SECRET
from tests.e2e.connections.sshd import make_key, private_text, public_line
from tests.e2e.rig_shell import RigShell
from tests.reliability.azure_scene import WORKFLOW_RUN, Scene
from tests.reliability.controller import Told

PROPAGATION = 2.0  # seconds until a change is in force: two runs that open and shut overlap
BY_RUN_COMMAND = {
    "connection": "run-command",
    **dict.fromkeys(("key_vault", "key_vault_secret", "open_key_vault", "ssh_known_hosts", "port", "user"), ""),
}


def around(scene: Scene, fault: str) -> Told:
    """Arrange it, and run a job to its end."""
    if fault == "two-environments":
        return _two_environments(scene)
    ARRANGED[fault](scene)
    return scene.job()


def _without_port(scene: Scene) -> None:
    scene.place.machine.shell = RigShell(scene.rig)
    scene.place.azure.timing.retry_after = 0.05  # or each of some forty commands is looked at again after two seconds
    scene.given = dict(BY_RUN_COMMAND)


def _key_without_newlines(scene: Scene) -> None:
    scene.place.vault.put_secret(SECRET, scene.place.sshd.key.strip().replace("\n", " "))


def _key_wrong(scene: Scene) -> None:
    scene.place.vault.put_secret(SECRET, private_text(make_key("ed25519")))


def _host_key_changed(scene: Scene) -> None:
    gate = scene.place.gate
    scene.given = {"ssh_known_hosts": f"[{gate.host}]:{gate.port} {public_line(make_key('ed25519'))}"}


def _vm_stopped(scene: Scene) -> None:
    scene.place.machine.power = "deallocated"


def _nsg_full(scene: Scene) -> None:
    scene.place.nic.fill(range(100, 4097))


def _lock_on_deleting(scene: Scene) -> None:
    scene.place.azure.lock(scene.place.nic, "CanNotDelete")


ARRANGED: Mapping[str, Callable[[Scene], object]] = {
    "nothing": lambda _: None,
    "no-port": _without_port,
    "key-without-newlines": _key_without_newlines,
    "key-wrong": _key_wrong,
    "host-key-changed": _host_key_changed,
    "vm-stopped": _vm_stopped,
    "nsg-full": _nsg_full,
    "lock-on-deleting": _lock_on_deleting,
}


def _two_environments(scene: Scene) -> Told:
    """Start the upgrade of one and a plan of the other. Return the upgrade's ending, or the plan's if it is none."""
    place = scene.place
    second = place.group.machine("staging", subnet_group=place.subnet)
    gate = place.azure.gate(second, to=(place.sshd.host, place.sshd.port))
    scene.gates.append(gate)
    place.azure.timing.propagation = place.azure.timing.vault_propagation = PROPAGATION
    place.azure.overlap = "retryable"
    known = place.known_hosts.replace(str(place.gate.port), str(gate.port))
    one = scene.begin()
    other = scene.begin(
        run=WORKFLOW_RUN + 1, mode="plan", vm_name="staging", port=str(gate.port), ssh_known_hosts=known
    )
    other.wait()
    other.post()
    one.wait()
    planned, upgraded = scene.over(other, post=False), scene.over(one)
    return upgraded if planned.status == "planned" else planned
