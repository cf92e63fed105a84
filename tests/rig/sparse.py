"""The machine with less in it: for as long as a test wants, and as its owner may have it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tests.rig.machine import Machine

PLUGINS = "/usr/local/lib/docker/cli-plugins"
# the user `dify` has csh for a shell and busybox's tools before all others; Compose is a program of its own, no plugin
# of docker's; nothing may be run from /tmp
TAKE_AWAY = f"""
set -e
mkdir -p /run/applets /run/compose
for applet in $(busybox --list); do ln -sf "$(command -v busybox)" "/run/applets/$applet"; done
printf '%s\\n' '#!/bin/sh' 'PATH=/run/applets:/usr/local/bin:/usr/bin:/bin exec /bin/tcsh "$@"' >/run/odd-shell
chmod 755 /run/odd-shell
usermod -s /run/odd-shell dify
mount --bind {PLUGINS} /run/compose
mount -t tmpfs tmpfs {PLUGINS}
mount -t tmpfs tmpfs /usr/local/bin
ln -s /run/compose/docker-compose /usr/local/bin/docker-compose
! mountpoint -q /tmp || mount -o remount,noexec /tmp
"""
GIVE_BACK = f"""
usermod -s /bin/sh dify
umount /usr/local/bin {PLUGINS} /run/compose
! mountpoint -q /tmp || mount -o remount,exec /tmp
"""
# what a person owns who put Dify there without being root; volumes are their containers' own
OWN = 'find "$0" -name volumes -prune -o -exec chown dify: {} +'


@contextlib.contextmanager
def sparse(machine: Machine, folder: str) -> Iterator[None]:
    """Take away what there is more than one way to have, and give ``folder`` to the user `dify`."""
    machine.run(["sh", "-c", OWN, folder])
    machine.run(["sh", "-c", TAKE_AWAY])
    try:
        yield
    finally:
        machine.run(["sh", "-c", GIVE_BACK])
