#!/bin/sh
# Puts Debian's Compose v2 where the docker client looks for plugins. As root, on Debian 12 or newer; the docker client itself has to be there.
# Bookworm's own docker-compose is 1.29, which reads neither shape of Dify's files, so the plugin is taken out of trixie's package:
# unpacked, not installed, from the mirror that this machine already uses. No engine is needed for `docker compose config`.
# Does nothing when a Compose v2 answers already. `compose_plugin.sh FOLDER` puts it somewhere else.
set -eu

plugins=${1:-/usr/local/lib/docker/cli-plugins}
if [ "$#" -eq 0 ] && docker compose version >/dev/null 2>&1; then
    docker compose version
    exit 0
fi

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
mkdir -p "$room/lists/partial" "$room/debs" "$room/unpacked"
# apt fetches as its own user, which has to come in and write
chmod 755 "$room"
chown _apt "$room/debs" "$room/lists/partial"

own_mirror() {
    # shellcheck disable=SC2016 # apt replaces it, not the shell
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1
}
mirror=$(own_mirror)
if [ -z "$mirror" ]; then
    apt-get update -qq
    mirror=$(own_mirror)
fi
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$room/sources.list"

trixie() {
    apt-get -qq -o "Dir::Etc::sourcelist=$room/sources.list" -o Dir::Etc::sourceparts=- \
        -o "Dir::State::Lists=$room/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= "$@"
}

trixie update
cd "$room/debs"
trixie download docker-compose
dpkg -x docker-compose_*.deb "$room/unpacked"
# the whole path: a lintian file of the package has the same name
install -D -m 755 "$room/unpacked/usr/libexec/docker/cli-plugins/docker-compose" "$plugins/docker-compose"
"$plugins/docker-compose" version
