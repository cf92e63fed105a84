#!/bin/sh
# Brings what the rig needs on a bare Debian 12 machine, as root: engine, registry, sshd, debootstrap and a few small tools
# from the machine's own apt sources, and the Compose plugin. Starts nothing. Does nothing when all of it is there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

missing=""
need() { # need PROGRAM PACKAGE
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
PATH="$PATH:/usr/sbin:/sbin"
need dockerd docker.io
need docker docker.io
need docker-registry docker-registry
need debootstrap debootstrap
need sshd openssh-server
need ssh-keygen openssh-client
need iptables iptables
need ip iproute2
need rsync rsync
need mkfs.ext4 e2fsprogs
need unshare util-linux
need mount mount
need useradd passwd
need sudo sudo
need rootlesskit rootlesskit
need slirp4netns slirp4netns
need newuidmap uidmap
need tcsh tcsh
need busybox busybox
need git git
need curl curl
need /usr/bin/python3 python3

if [ -n "$missing" ]; then
    # packages must not start their daemons: the rig starts its own, in its own namespaces
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        trap 'rm -f "$policy"' EXIT
    fi
    apt-get update -qq
    # shellcheck disable=SC2086 # one word per package
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi
"$here/compose_plugin.sh"
