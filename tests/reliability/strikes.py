"""What each fault does to a run that is going on."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tests.e2e.server_faults import STATE
from tests.reliability.controller import Controller
from tests.rig.catalogue import PARTS
from tests.rig.stack import Rig
from tests.stage.server import NEW

STALL_SECONDS = 5
# as a run of somebody else who cannot be seen from here
HOLD_LOCK = f"""
mkdir -p {STATE}/lock && cd {STATE}/lock
echo 'somebody else' >owner; echo theirs >run; echo /nowhere >folder; echo 4711 >uid
cat /proc/sys/kernel/random/boot_id >boot; echo $(($(date +%s) + 3600)) >expiry
"""


@dataclass(frozen=True)
class Scene:
    """What a strike can reach. ``until_over`` holds what lasts until the run has ended; ``turn`` counts strikes."""

    rig: Rig
    controller: Controller
    until_over: contextlib.ExitStack
    turn: int


def cut(scene: Scene) -> None:
    scene.rig.sshd("root").cut()


def stall(scene: Scene) -> None:
    door = scene.rig.sshd("root").door
    door.stall()
    time.sleep(STALL_SECONDS)
    door.open()


def restart_sshd(scene: Scene) -> None:
    scene.rig.sshd("root").restart()


def kill_controller(scene: Scene) -> None:
    scene.controller.send(signal.SIGKILL)


def cancel_controller(scene: Scene) -> None:
    scene.controller.send((signal.SIGINT, signal.SIGTERM)[scene.turn % 2])


def kill_script(scene: Scene) -> None:
    scene.rig.machine.run(["sh", "-c", f"kill -9 $(cat {STATE}/runs/*/pid)"], check=False)


def restart_engine(scene: Scene) -> None:
    scene.rig.restart_engine()


def reboot(scene: Scene) -> None:
    scene.rig.reboot()


def fill_disk(scene: Scene) -> None:
    scene.until_over.enter_context(scene.rig.full_disk())


STARTS_ALL_ANEW = frozenset({"engine-restarted", "host-rebooted"})
STRIKES: Mapping[str, Callable[[Scene], None]] = {
    "connection-cut": cut,
    "network-stalled": stall,
    "sshd-restarted": restart_sshd,
    "controller-killed": kill_controller,
    "controller-cancelled": cancel_controller,
    "script-killed": kill_script,
    "engine-restarted": restart_engine,
    "host-rebooted": reboot,
    "disk-full": fill_disk,
}


@contextlib.contextmanager
def surroundings(rig: Rig, fault: str, details: Mapping[str, object]) -> Iterator[None]:
    """Make what is wrong before the run begins and stays so; `FAULT:IMAGE` is about an image of the new release."""
    name, _, image = fault.partition(":")
    if name == "image-missing":
        rig.forget_image(f"langgenius/{image}", tag_of(image))
    elif image:
        rig.fault(name, version=NEW, image=image, **details)
    elif name == "registry-down":
        rig.stop_registry()
    elif name == "lock-held":
        rig.machine.run(["sh", "-c", HOLD_LOCK])
    try:
        yield
    finally:
        if name == "registry-down":
            rig.start_registry()
        elif name == "lock-held":
            rig.machine.run(["rm", "-rf", f"{STATE}/lock"])


def tag_of(image: str) -> str:
    """Return the tag of an image in the new release."""
    sandbox, plugins, _ = PARTS[NEW]
    return {"dify-sandbox": sandbox, "dify-plugin-daemon": plugins}.get(image, NEW)
