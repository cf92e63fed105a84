"""The rig: one machine with an engine, a registry with Dify's images, sshd, and one Dify installed in it at a time.

rig = Rig.up()
with rig.install(version="1.13.3") as dify:
    ...
rig.down()
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self, TextIO

from tests.rig import catalogue, keys, pristine, upstream
from tests.rig.catalogue import PARTS
from tests.rig.doors import Door
from tests.rig.install import Install
from tests.rig.layouts import Wanted
from tests.rig.machine import Machine
from tests.rig.making import make_once
from tests.rig.place import TURN, state_folder
from tests.rig.registry import Blob, Image, Registry, file_blob
from tests.rig.sshd import Sshd

HERE = Path(__file__).resolve().parent
BASE = "rig/base"
TURN_SECONDS = 1800
# an engine that finds the old one's containerd takes it for its own, and stands still when that one ends
END_ENGINE = """
kill "$(cat /run/docker.pid)"
while [ -e /run/docker.pid ] || ps -o stat= -C dockerd,containerd | grep -qv Z; do sleep 0.1; done
"""
PROGRAMS = (
    *("dockerd", "docker", "docker-registry", "debootstrap", "sshd", "ssh-keygen", "mkfs.ext4"),
    *("unshare", "setpriv", "nsenter", "rsync", "ip", "iptables", "sudo", "git"),
    *("rootlesskit", "slirp4netns", "newuidmap", "tcsh", "busybox"),
)


def lacking(environ: Mapping[str, str]) -> str:
    """Return what keeps the rig from standing here, empty when nothing does."""
    if os.geteuid() != 0:
        return "the rig needs root"
    path = f"{environ['PATH']}:/usr/sbin:/sbin"
    missing = [program for program in PROGRAMS if shutil.which(program, path=path) is None]
    if missing:
        return f"{', '.join(missing)} not here; tests/rig/install.sh brings it"
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode != 0:
        return "Docker Compose v2 is not here; tests/rig/install.sh brings it"
    return ""


class Rig:
    """Owns the machine. One process at a time has the turn; others wait."""

    def __init__(self, state: Path, environ: Mapping[str, str]) -> None:
        self.state = state
        self.machine = Machine(state, environ)
        self._turn = _turn(state)
        self._base: Blob | None = None
        self._doors: list[Door] = []
        self._faulty: dict[tuple[str, str], Image] = {}
        self.timings: dict[str, float] = {}

    @classmethod
    def up(cls, environ: Mapping[str, str] | None = None, *, number: int = 0) -> Self:
        """Prepare what is missing (minutes, once), switch the machine of that number on, fill its registry."""
        environ = environ or os.environ
        state = state_folder(environ, number)
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        if number:
            _take_base(state_folder(environ), state)
        rig = cls(state, environ)
        try:
            rig._stand_up()
        except BaseException:
            rig.down()
            raise
        return rig

    def down(self) -> None:
        """Switch everything off; what takes long to make stays for the next time."""
        if self.machine.first:
            self.machine.docker_host = ""
            # a machine that is switched on again need not start them
            self.machine.run(["sh", "-c", "docker ps -aq | xargs -r docker rm -fv"], check=False)
        for door in self._doors:
            door.close()
        self.machine.power_off()
        self._turn.close()

    # --- an install -------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def install(self, version: str = "1.13.3", *, upstream: str = "shared", **wishes: object) -> Iterator[Install]:
        """Give a running Dify in its pristine state: see layouts.Wanted for what can be wished for."""
        wanted = Wanted(version=version, source=upstream, **wishes)  # type: ignore[arg-type]
        self.restore_images()
        if wanted.mysql:
            self._bring_mysql()
        began = time.monotonic()
        install = Install(self.machine, wanted, self._web.port)
        pristine.stand(install, self.state)
        self.timings["install"] = time.monotonic() - began
        try:
            yield install
        finally:
            self.restore_images()

    def reset(self, install: Install) -> None:
        """Bring the install back to how it was given."""
        self.restore_images()
        pristine.stand(install, self.state)

    def upstream_files(self, version: str, source: str = "shared") -> dict[str, bytes]:
        """Return what upstream's repository has at a tag, by path; for an emulated GitHub."""
        return upstream.files(version, source)

    # --- the ways in ------------------------------------------------------------------------------------------------

    def sshd(self, user: str = "dify") -> Sshd:
        return Sshd(self.machine, self._ssh, user)

    @contextlib.contextmanager
    def jump_host(self) -> Iterator[Sshd]:
        """Start a second sshd with a host key of its own, until the end: what lies behind it is the machine itself."""
        self.machine.run(["/usr/sbin/sshd", "-f", str(self.state / "ssh" / "jump_config")])
        door = Door(lambda: self.machine.first, keys.JUMP_PORT)
        try:
            self.machine.wait_for(lambda: self.machine.path("/run/sshd-jump.pid").exists(), "the jump host", 10)
            yield Sshd(self.machine, door, "dify", keys.JUMP)
        finally:
            self.machine.run(["sh", "-c", 'kill "$(cat /run/sshd-jump.pid)"'], check=False)
            door.close()

    def open_connections(self) -> int:
        """Return how many connections lead to its sshd now."""
        return self._ssh.connections

    # --- images and the registry ------------------------------------------------------------------------------------

    def fault(self, name: str, *, version: str, image: str = "dify-api", **details: object) -> None:
        """Put an image that fails in a known way under upstream's name and tag, until the next install."""
        for repository, tag, made in catalogue.release(self.base, version, {image: {"name": name, **details}}):
            if repository.endswith(f"/{image}"):
                self._spoil(repository, tag, made)
                self.registry.push(repository, tag, made)
                if self.machine.docker("image", "ls", "-q", f"{repository}:{tag}"):
                    self.machine.docker("pull", "-q", f"{repository}:{tag}")

    def forget_image(self, repository: str, tag: str) -> None:
        """Make the registry not know a tag, until the next install."""
        self._spoil(repository, tag, Image([]))
        self.registry.forget(repository, tag)
        self.machine.docker("image", "rm", "-f", f"{repository}:{tag}", check=False)

    def restore_images(self) -> None:
        """Put back the good images."""
        changed, self._faulty = self._faulty, {}
        if not changed:
            return
        for repository, tag, image in catalogue.everything(self.base):
            if (repository, tag) in changed:
                self.registry.push(repository, tag, image)
                self.machine.docker("image", "rm", "-f", f"{repository}:{tag}", check=False)
        (self.state / "filled").write_text(catalogue.fingerprint(self.base), encoding="ascii")

    def stop_registry(self) -> None:
        self.machine.run(["sh", "-c", "kill -9 $(ps -o pid= -C docker-registry)"])

    def start_registry(self) -> None:
        self.machine.restart_part(signal.SIGUSR2)
        self.machine.wait_for(self.registry.answers, "its registry", 10)

    # --- the machine ------------------------------------------------------------------------------------------------

    def reboot(self) -> None:
        """Pull the plug and switch on again: another boot id, containers come back as their restart policy says."""
        self.machine.reboot()
        self.machine.wait_for(self.registry.answers, "its registry", 10)
        self._let_go_of_ports()

    def restart_engine(self) -> None:
        self.machine.run(["sh", "-c", END_ENGINE])
        self.machine.restart_part(signal.SIGHUP)
        self.machine.wait_for(self.machine.engine_answers, "its engine")

    @contextlib.contextmanager
    def full_disk(self, leave: int = 0) -> Iterator[None]:
        """Take all space on the machine's disk but some bytes; who writes at the same time may have the last of it."""
        ballast = self._ballast
        try:
            with ballast.open("wb") as file:
                piece = max(4096, shutil.disk_usage(ballast.parent).free - leave)
                while piece >= 4096:
                    try:
                        os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, piece)
                    except OSError:
                        piece //= 2
                    else:
                        piece = min(piece, shutil.disk_usage(ballast.parent).free - leave)
            yield
        finally:
            ballast.unlink(missing_ok=True)

    @property
    def _ballast(self) -> Path:
        return self.machine.path(str(self.state / "disk")) / "ballast"

    @property
    def base(self) -> Blob:
        if self._base is None:
            self._base = file_blob(self.state / "base.tar")
        return self._base

    def _stand_up(self) -> None:
        with self._timed("base layer"):
            make_once(HERE / "rootfs.sh", self.state / "base.tar")
        with self._timed("machine"):
            self.machine.power_on()
            self._ballast.unlink(missing_ok=True)  # of a run that was killed
            registry, self._ssh, self._web = (self._door(port) for port in (5000, 22, 80))
            self.registry = Registry(f"{registry.host}:{registry.port}")
            self.machine.wait_for(self.registry.answers, "its registry", 10)
            self._let_go_of_ports()
        with self._timed("images"):
            self._fill_registry()

    def _let_go_of_ports(self) -> None:
        """Start the engine a second time when it came back with containers.

        Debian's engine (20.10) that lost its power while it made a container may count that container's port as taken
        ("port is already allocated") from its next start on, until the one after it.
        """
        if self.machine.docker("ps", "-aq"):
            self.restart_engine()

    def _fill_registry(self) -> None:
        """Push every image, unless the registry has them from an earlier run."""
        filled, print_now = self.state / "filled", catalogue.fingerprint(self.base)
        if filled.exists() and filled.read_text(encoding="ascii") == print_now:
            return
        self.registry.push(BASE, "1", Image([self.base]))
        for name, tag, image in catalogue.everything(self.base):
            self.registry.push(name, tag, image)
        # what the engine has under these names is of an earlier making
        old = self.machine.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
        if names := [name for name in old if name != f"{BASE}:1"]:
            self.machine.docker("image", "rm", "-f", *names, check=False)
        self.machine.docker("pull", "-q", f"{BASE}:1")
        filled.write_text(print_now, encoding="ascii")

    def _bring_mysql(self) -> None:
        """Put MySQL into the registry, which few need and which takes half a minute the first time."""
        if importlib.util.find_spec("pymysql") is None:
            raise RuntimeError("PyMySQL is not installed here: make .venv again")
        with self._timed("mysql"):
            real = make_once(HERE / "mysql.sh", self.state / "mysql.tar", of=self.base.digest)
            image = catalogue.mysql(self.base, file_blob(real))
            for name, tag in catalogue.MYSQL:
                if self.registry.digest(name, tag) != image.digest():
                    self.registry.push(name, tag, image)

    def _spoil(self, repository: str, tag: str, image: Image) -> None:
        """Note that a tag names something else than it should, also for the next process if this one is killed."""
        (self.state / "filled").unlink(missing_ok=True)
        self._faulty[repository, tag] = image

    def _door(self, port: int) -> Door:
        door = Door(lambda: self.machine.first, port)
        self._doors.append(door)
        return door

    @contextlib.contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.timings[what] = time.monotonic() - began


def _take_base(usual: Path, state: Path) -> None:
    """Take what takes longest to make from the first rig, if it is there by now."""
    if not (usual / "base.made").exists():
        return
    for name in ("base.tar", "base.digest", "base.made"):
        (state / name).unlink(missing_ok=True)
        if (usual / name).exists():
            (state / name).hardlink_to(usual / name)


def _turn(state: Path) -> TextIO:
    """Wait until no other process uses this state folder."""
    lock = (state / TURN).open("a+")
    deadline, told = time.monotonic() + TURN_SECONDS, False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            if not told:
                lock.seek(0)
                sys.stderr.write(
                    f"the rig in {state} is in use by process {lock.read().strip()}; waiting for its turn\n"
                )
                told = True
            time.sleep(0.5)
        else:
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            return lock


VERSIONS = tuple(PARTS)
