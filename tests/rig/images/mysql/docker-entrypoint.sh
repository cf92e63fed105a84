#!/bin/bash
# What the official MySQL image's entrypoint does that Dify's compose files rely on: its command may be options alone; run as
# root it makes the data folder once, with a password for root from anywhere, and steps down. The character set is MySQL 8's.
set -e
case "${1:-mysqld}" in
  -*) set -- mysqld "$@" ;;
  mysqld) ;;
  *) exec "$@" ;;
esac
data=/var/lib/mysql
mkdir -p "$data" /run/mysqld /var/lib/mysql-files
first=""
if [ ! -d "$data/mysql" ]; then
  if [ -z "$MYSQL_ROOT_PASSWORD" ]; then
    echo "[ERROR] [Entrypoint]: Database is uninitialized and password option is not specified" >&2
    exit 1
  fi
  tar -C "$data" --strip-components=1 -xzf /opt/mysql.tar.gz
  {
    echo "CREATE USER 'root'@'%' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';"
    echo "GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;"
    echo "ALTER USER 'root'@'localhost' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';"
    [ -z "$MYSQL_DATABASE" ] || echo "CREATE DATABASE \`$MYSQL_DATABASE\`;"
  } >/run/mysqld/first.sql
  first=--init-file=/run/mysqld/first.sql
fi
chown -R 999:999 "$data" /run/mysqld /var/lib/mysql-files
# the disk of a test is not worth waiting for
exec setpriv --reuid 999 --regid 999 --clear-groups "$@" --character-set-server=utf8mb4 --datadir="$data" --pid-file=/run/mysqld/mysqld.pid \
  --innodb-flush-method=nosync --sync-binlog=0 --innodb-doublewrite=OFF $first
