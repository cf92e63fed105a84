#!/bin/sh
# Starts the engine of the user `rootless`, in the machine, by the script that comes with Docker; prints its address. Its images and
# containers lie in /srv/rootless and stay. Whatever is left of it is ended first.
set -eu
uid=$(id -u rootless)
run=/run/user/$uid data=/srv/rootless
rm -rf "$run"
install -d -m 755 /run/user
install -d -m 700 -o rootless -g rootless "$run" "$data"
cd /home/rootless
# the kernel lets a user mount a /proc for a container only where nothing covers a part of the one that there is
boot_id=/proc/sys/kernel/random/boot_id
# where only root may open it, the network of a user's engine gets one of its own
rm -f "$data.tun" && mknod -m 666 "$data.tun" c 10 200
# nobody answers questions after names in there, and an engine that asks would wait ten seconds in every pull (RES_OPTIONS)
# shellcheck disable=SC2016 # the inner shell expands it
setsid unshare --mount sh -c 'umount "$0" && mount --bind "$1" /dev/net/tun && shift && exec "$@"' "$boot_id" "$data.tun" \
    setpriv --reuid rootless --regid rootless --init-groups env -i HOME=/home/rootless PATH="$PATH" XDG_RUNTIME_DIR="$run" \
    RES_OPTIONS='timeout:1 attempts:1' \
    /usr/share/docker.io/contrib/dockerd-rootless.sh --data-root "$data" \
    --registry-mirror http://10.99.0.1:5000 --insecure-registry 10.99.0.1:5000 >"$data.log" 2>&1 </dev/null &
waited=0
until DOCKER_HOST="unix://$run/docker.sock" docker version >/dev/null 2>&1; do
    waited=$((waited + 1))
    [ "$waited" -lt 300 ] || { tail -n 5 "$data.log" >&2 && exit 1; }
    sleep 0.2
done
echo "unix://$run/docker.sock"
