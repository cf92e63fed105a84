#!/bin/sh
# mysql.sh FOLDER: makes FOLDER/mysql.tar, the layer over FOLDER/base.tar with a server of MySQL's kind and a data folder that it has
# initialised. Debian has no MySQL itself, so it is its MariaDB, under MySQL's names: fetched by apt, unpacked, not installed.
set -eu
folder=$1
room=$(mktemp -d "$folder/mysql.XXXXXX")
trap 'rm -rf "$room"' EXIT
chmod 755 "$folder" "$room"
mkdir "$room/debs" "$room/layer" "$room/root"
chown _apt "$room/debs"
cd "$room/debs"
fetch() { apt-get -qq download mariadb-server-core mariadb-client-core mariadb-client libaio1 libncurses6 libnuma1 liburing2 2>"$room/said"; }
fetch || { apt-get -qq update && fetch; } || { cat "$room/said" >&2 && exit 1; }
for package in ./*.deb; do dpkg -x "$package" "$room/unpacked"; done

layer=$room/layer
mkdir -p "$layer/usr/lib/x86_64-linux-gnu" "$layer/usr/sbin" "$layer/usr/bin" "$layer/usr/share/mysql" "$layer/opt"
cd "$room/unpacked"
for found in lib/x86_64-linux-gnu usr/lib/x86_64-linux-gnu; do
    for library in "$found"/lib*.so*; do [ ! -e "$library" ] || cp -a "$library" "$layer/usr/lib/x86_64-linux-gnu/"; done
done
cp usr/sbin/mariadbd "$layer/usr/sbin/mysqld"
cp usr/bin/mariadb "$layer/usr/bin/mysql"
cp usr/bin/mariadb-dump "$layer/usr/bin/mysqldump"
cp usr/bin/mariadb-admin "$layer/usr/bin/mysqladmin"
cp -a usr/share/mysql/charsets usr/share/mysql/english "$layer/usr/share/mysql/"

# a first start takes longer than the test that needs one: the folder is made here, and copied then
root=$room/root
tar -C "$root" -xf "$folder/base.tar"
cp -a "$layer/." "$root/"
mkdir -p "$root/opt/mysql/mysql"
cd "$room/unpacked/usr/share/mysql"
{
    printf '%s;\n' 'USE mysql' 'SET @auth_root_socket=NULL' 'SET @skip_auth_anonymous=1'
    cat mysql_system_tables.sql mysql_performance_tables.sql mysql_system_tables_data.sql fill_help_tables.sql maria_add_gis_sp_bootstrap.sql
} | sed '/@current_hostname/d' | chroot "$root" /usr/sbin/mysqld --no-defaults --bootstrap --user=root --datadir=/opt/mysql \
    --lc-messages-dir=/usr/share/mysql --innodb-log-file-size=8M --log-warnings=0 >"$room/said" 2>&1 || { cat "$room/said" >&2 && exit 1; }
tar -C "$root/opt" -czf "$layer/opt/mysql.tar.gz" mysql
tar -C "$layer" --sort=name --numeric-owner --owner=0 --group=0 -cf "$folder/mysql.tar.new" .
mv "$folder/mysql.tar.new" "$folder/mysql.tar"
