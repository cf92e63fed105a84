#!/bin/sh
# mysql.sh FOLDER: makes FOLDER/mysql.tar, the layer over FOLDER/base.tar that holds the real MySQL 8.0 and a data folder that it
# has initialised. Debian has no MySQL, so it is taken out of Ubuntu 22.04's packages, whose C library is older than Debian 12's:
# fetched by apt, held to the checksums below, unpacked, not installed. Does nothing when it is there.
set -eu
folder=$1
[ -s "$folder/mysql.tar" ] && exit 0
room=$(mktemp -d "$folder/mysql.XXXXXX")
trap 'rm -rf "$room"' EXIT
chmod 755 "$folder" "$room"
mkdir -p "$room/lists/partial" "$room/debs" "$room/layer"
chown _apt "$room/debs" "$room/lists/partial"

cat >"$room/SHA256SUMS" <<'SUMS'
69a97fa36a94ce981cf4a5fd6eb674003fa42559b442ba9807309c69d1b90fdb  mysql-server-core-8.0_8.0.28-0ubuntu4_amd64.deb
2659942ab2c31551e4cd634f65f65b56786848b628e8ff2ceb5d30f0e51eea30  mysql-client-core-8.0_8.0.28-0ubuntu4_amd64.deb
cb25c996ff0ed53158bc6b9cda66f68f003ff3824f8276ddfa0ad20d60e1411a  libmecab2_0.996-14build9_amd64.deb
9317ae74915b9e4372f7506fbd16ae2a021e0ead79a8d88f96dad49b87d94508  libevent-core-2.1-7_2.1.12-stable-1build3_amd64.deb
078211a125a9ef5a9c7d24eb441761cefde8812b69889f7cee96824b0dc66831  libevent-pthreads-2.1-7_2.1.12-stable-1build3_amd64.deb
74213165bb99962044366f56d43eaebf7f7ffd7903d60820abd8373f6fe067c0  libprotobuf-lite23_3.12.4-1ubuntu7_amd64.deb
2dcfe0b49d7cccfbf1bd6a3f627cf44bea9f51fb32f7e0e552a0df75698e0d27  libaio1_0.3.112-13build1_amd64.deb
0721c89001fbbd1ada23e89da5d60e762763c1a7b3dc814a2e9a518480a8043d  libnuma1_2.0.14-3ubuntu2_amd64.deb
58a154f6307289813da2276f900498ef536ae7c0522d2cf31a3c3c5cf62dfd9a  libicu70_70.1-2_amd64.deb
SUMS
# Debian has no key of Ubuntu's: what is fetched is trusted for its checksum
echo "deb [trusted=yes arch=amd64] http://archive.ubuntu.com/ubuntu jammy main" >"$room/sources.list"
jammy() {
    apt-get -qq -o "Dir::Etc::sourcelist=$room/sources.list" -o Dir::Etc::sourceparts=- \
        -o "Dir::State::Lists=$room/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= "$@"
}
# without Debian's own lists, what a name means is Ubuntu's
jammy update 2>"$room/said" || { cat "$room/said" >&2 && exit 1; }
cd "$room/debs"
# shellcheck disable=SC2046 # one word per package
jammy -o Dir::State::status=/dev/null download $(sed 's/^[^ ]*  \([^_]*\)_\([^_]*\)_.*/\1=\2/' "$room/SHA256SUMS")
sha256sum --quiet -c "$room/SHA256SUMS"
for package in ./*.deb; do dpkg -x "$package" "$room/unpacked"; done

layer=$room/layer
mkdir -p "$layer/usr/lib/x86_64-linux-gnu" "$layer/usr/sbin" "$layer/usr/bin" "$layer/usr/share/mysql" "$layer/usr/lib/mysql/plugin"
cd "$room/unpacked"
for found in lib/x86_64-linux-gnu usr/lib/x86_64-linux-gnu; do
    [ ! -d "$found" ] || cp -a "$found/." "$layer/usr/lib/x86_64-linux-gnu/"
done
cp -a usr/sbin/mysqld "$layer/usr/sbin/"
cp -a usr/bin/mysql usr/bin/mysqldump usr/bin/mysqladmin "$layer/usr/bin/"
cp -a usr/share/mysql/charsets usr/share/mysql/english "$layer/usr/share/mysql/"

# a first start takes longer than the test that needs one: the folder is made here, and copied then
root=$room/root
mkdir -p "$root"
tar -C "$root" -xf "$folder/base.tar"
cp -a "$layer/." "$root/"
chroot "$root" /usr/sbin/mysqld --no-defaults --initialize-insecure --user=root --datadir=/opt/mysql \
    --innodb-log-file-size=8M --log-error-verbosity=1
mkdir -p "$layer/opt"
tar -C "$root/opt" -czf "$layer/opt/mysql.tar.gz" mysql
tar -C "$layer" --sort=name --numeric-owner --owner=0 --group=0 -cf "$folder/mysql.tar.new" .
mv "$folder/mysql.tar.new" "$folder/mysql.tar"
