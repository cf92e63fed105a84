#!/bin/bash
# What the official PostgreSQL image's entrypoint does that Dify's compose files rely on: run as root it makes the cluster once and steps down.
set -e
[ "$1" = postgres ] || exec "$@"
PGDATA=${PGDATA:-/var/lib/postgresql/data}
user=${POSTGRES_USER:-postgres}
mkdir -p "$PGDATA" /run/postgresql
chown postgres:postgres "$PGDATA" /run/postgresql
chmod 700 "$PGDATA"
as_postgres() { setpriv --reuid postgres --regid postgres --init-groups "$@"; }
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -z "$POSTGRES_PASSWORD" ]; then
    echo "Error: Database is uninitialized and superuser password is not specified." >&2
    exit 1
  fi
  echo "The files belonging to this database system will be owned by user \"postgres\"."
  (umask 077 && printf %s "$POSTGRES_PASSWORD" >/run/postgresql/password && chown postgres /run/postgresql/password)
  as_postgres initdb -D "$PGDATA" -U "$user" --pwfile=/run/postgresql/password --auth-local=trust --auth-host=scram-sha-256 --locale=C.UTF-8 --encoding=UTF8 --no-sync >/dev/null
  rm -f /run/postgresql/password
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  as_postgres pg_ctl -D "$PGDATA" -o "-c listen_addresses= -c fsync=off" -w start >/dev/null
  name=${POSTGRES_DB:-$user}
  [ "$name" = postgres ] || as_postgres psql -v ON_ERROR_STOP=1 -qX -U "$user" -d postgres -c "CREATE DATABASE \"$name\""
  as_postgres pg_ctl -D "$PGDATA" -m fast -w stop >/dev/null
  echo "PostgreSQL init process complete; ready for start up."
fi
shift
# the disk of a test is not worth waiting for
exec setpriv --reuid postgres --regid postgres --init-groups postgres -D "$PGDATA" -c listen_addresses='*' -c fsync=off "$@"
