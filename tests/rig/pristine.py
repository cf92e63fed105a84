"""Brings an install to the state in which every test begins: made once, kept on the machine's disk, put back fast."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict
from pathlib import Path

from tests.rig import layouts
from tests.rig.install import Install
from tests.rig.machine import Machine

HERE = Path(__file__).resolve().parent
# what holds data open is put away before the data is exchanged; all else may stay
STATEFUL = ("db", "db_postgres", "db_mysql", "redis")
# what ends by itself; anything else that does not run may have lost its restart policy with it
ONCE = ("init_permissions",)
# every process but the machine's own, and what the users and programs wrote: what an earlier run left behind
STRAYS = r"""
for entry in /proc/[0-9]*; do
    pid=${entry#/proc/}
    [ "$pid" = 1 ] || [ "$pid" = $$ ] && continue
    # the engine of the user who has one, and the users in its containers
    owner=$(stat -c %u "$entry" 2>/dev/null) || continue
    [ "$owner" != "$(id -u rootless)" ] && [ "$owner" -lt 200000 ] || { kill -9 "$pid" 2>/dev/null; continue; }
    read -r name <"$entry/comm" 2>/dev/null || continue
    case $name in dockerd|containerd*|docker-registry|docker-proxy|docker-init|runc*) continue ;; esac
    [ "$pid" = "$(cat /run/sshd.pid)" ] && continue
    cut -d: -f3 "$entry/cgroup" 2>/dev/null | grep -q docker && continue
    kill -9 "$pid" 2>/dev/null
done
find /var/backups /var/log /var/lib/dify-upgrade-action -mindepth 1 -delete
find /home/* /root -mindepth 1 -maxdepth 1 ! -name .ssh ! -name '.bash*' ! -name .profile -exec rm -rf {} +
true
"""
# of the states made from other files of the rig none is wanted again
KEEP = """
set -e
same=${0%/*}
for folder in "${same%/*}"/*; do [ "$folder" = "$same" ] || rm -rf "$folder"; done
mkdir -p "$same"
rm -rf "$0.new"
cp -a /opt/. "$0.new"
mv "$0.new" "$0"
"""
LABELS = ("service", "oneoff", "config-hash", "project.config_files")
CRASHED = "{{if .RestartCount}}{{slice .Id 0 12}}{{end}}"
LISTED = " ".join(["{{.ID}} {{.State}}", *(f'{{{{.Label "com.docker.compose.{name}"}}}}' for name in LABELS)])


def stand(install: Install, state: Path) -> None:
    """Make the install stand as if it had just been set up and used a little."""
    machine = install.machine
    machine.docker_host = ""
    machine.run(["sh", "-c", STRAYS])
    if install.wanted.rootless:
        _clear(machine, [])
        machine.docker_host = (
            machine.run(["sh", "-c", (HERE / "rootless.sh").read_text("utf-8")]).stdout.decode().strip()
        )
    kept = f"{state}/disk/pristine/{_key(install)}"
    if _notes(machine, kept).exists():
        _put_back(install, kept)
    else:
        _make(install, kept)


def _key(install: Install) -> str:
    """Return a path that changes with all that the pristine state is made from: the rig's files, and what is wanted."""
    made_from = hashlib.sha256()
    for path in sorted([*HERE.glob("[!t]*.py"), *HERE.glob("*.sh"), *HERE.glob("*/**/*")]):
        if path.is_file() and path.suffix != ".pyc":
            made_from.update(hashlib.sha256(path.read_bytes()).digest())
    wanted = hashlib.sha256(repr(sorted(asdict(install.wanted).items())).encode())
    return f"{made_from.hexdigest()[:16]}/{wanted.hexdigest()[:16]}"


def _make(install: Install, kept: str) -> None:
    machine, root = install.machine, str(Path(install.folder).parent)
    _clear(machine, [])
    if install.wanted.rootless:
        # the registry is filled anew for root's engine; this one may hold images of an earlier making
        machine.docker("image", "prune", "-af")
    machine.run(["sh", "-c", 'find /opt -mindepth 1 -delete; mkdir -p "$0"', root])
    layouts.write(install.wanted, machine)
    install.up()
    install.seed()
    # stopped as its owner would stop it, so that the copy is whole
    install.compose("stop", "-t", "5")
    machine.run(["sh", "-c", KEEP, kept])
    install.up()
    there = {"images": _images(machine), "containers": [entry[2:] for entry in _listed(machine)]}
    _notes(machine, kept).write_text(json.dumps(there), encoding="utf-8")


def _put_back(install: Install, kept: str) -> None:
    machine, there = install.machine, json.loads(_notes(install.machine, kept).read_text(encoding="utf-8"))
    _clear(machine, there["containers"] if _is_ours(install) else [])
    _wait_for_nothing(machine)
    # in place: what a running container mounts keeps its inode
    machine.run(["rsync", "-a", "--inplace", "--delete", "--checksum", f"{kept}/", "/opt/"])
    _forget_images(machine, there["images"])
    install.start_outside()
    install.compose("up", "-d", "--remove-orphans", "--quiet-pull")
    # api and web may have new addresses, which a running nginx does not see
    install.compose("exec", "-T", "nginx", "nginx", "-s", "reload", check=False)
    machine.docker("volume", "prune", "-f")
    install.wait_until_served()


def _is_ours(install: Install) -> bool:
    """Say whether what runs was started from the very install that is wanted."""
    name = "com.docker.compose.project.working_dir"
    return {entry["Config"]["Labels"].get(name) for entry in install.containers()} == {install.folder}


def _clear(machine: Machine, kept: list[list[str]]) -> None:
    """Take away containers: what holds data, what crashed, and all that are not kept (by LABELS)."""
    listed = _listed(machine)
    crashed = machine.docker("inspect", "-f", CRASHED, *(entry[0] for entry in listed)).split() if listed else []
    gone = [
        number
        for number, state, *labels in listed
        if labels not in kept
        or labels[0] in {*STATEFUL, ""}
        or state != ("exited" if labels[0] in ONCE else "running")
        or number in crashed
    ]
    if gone:
        machine.docker("rm", "-fv", *gone)
    machine.docker("network", "prune", "-f")


def _listed(machine: Machine) -> list[list[str]]:
    """Return id, state and LABELS of every container; Compose gave the labels, if it made it."""
    return [line.split(" ") for line in machine.docker("ps", "-a", "--format", LISTED).splitlines()]


def _notes(machine: Machine, kept: str) -> Path:
    return machine.path(f"{kept}.json")


def _wait_for_nothing(machine: Machine) -> None:
    """Wait until no process has a database's files open any more."""
    deadline = time.monotonic() + 10
    while machine.run(["sh", "-c", "ps -C postgres,mysqld,redis-server -o pid="], check=False).stdout.strip():
        if time.monotonic() > deadline:
            raise RuntimeError("a database server does not go away")
        time.sleep(0.05)


def _images(machine: Machine) -> list[str]:
    return machine.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}@{{.ID}}").split()


def _forget_images(machine: Machine, known: list[str]) -> None:
    """Take away the images that were not there in the beginning, so that each test pulls what it needs."""
    extra = set(_images(machine)) - set(known)
    names = [name.partition("@")[0] for name in sorted(extra) if "<none>" not in name]
    names += [name.partition("@")[2] for name in sorted(extra) if "<none>" in name]
    if names:
        machine.docker("image", "rm", "-f", *names, check=False)
