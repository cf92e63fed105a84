# The database: what the steps say about it. DB_KIND, DB_SERVICE (empty: the server is elsewhere), DB_USER, DB_MAIN,
# DB_NAMES, DB_CLIENT (an image with clients), DB_HOST, DB_AT (what tells MySQL's clients the host), DB_NETWORK, DB_CREATES (whether
# DB_USER may make databases), COUNTED and SUMMED (tables of DB_MAIN), BESIDE and WHOLE (databases: counted while nobody is served, and
# counted into the backup) and PROJECT are literals of the plan. `--log-driver none`: what a container says here are people's data and keys,
# which a log would keep on the disk, or send away.
db_service() { cat "$RUN/db-service" 2>/dev/null || printf '%s' "$DB_SERVICE"; }
db_container() { known "$(db_service)"; }

client() { # runs a client beside the server, or in a container of its own when the server is elsewhere
  # shellcheck disable=SC2016 # the container's own shell expands it
  db_login='export PGPASSWORD="${PGPASSWORD:-${POSTGRES_PASSWORD:-}}" MYSQL_PWD="${MYSQL_PWD:-${MYSQL_ROOT_PASSWORD:-}}"; exec "$@"'
  if [ -n "$DB_SERVICE" ]; then
    dk exec -i -e "PGUSER=$DB_USER" "$(db_container)" sh -c "$db_login" client "$@"
  else
    by_name=''
    [ "$DB_HOST" != host.docker.internal ] || by_name=--add-host=host.docker.internal:host-gateway
    # shellcheck disable=SC2086 # nothing, or one word
    dk run --rm -i --log-driver none --network "$DB_NETWORK" $by_name --env-file "$FILES/database.env" --entrypoint sh "$DB_CLIENT" -c "$db_login" client "$@"
  fi
}

# limits that the owner set for his users are none for what an upgrade asks; said in the session, for poolers refuse them at its beginning
PATIENT='SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0;'

sql() { # DATABASE, statements on stdin; one row a line, fields parted by |
  case "$DB_KIND" in
    postgresql) { echo "$PATIENT" && cat; } | client psql -qAtX -v ON_ERROR_STOP=1 -d "$1" ;;
    mysql) client mysql ${DB_AT:+"$DB_AT"} -N -B -u "$DB_USER" "$1" ;;
  esac
}

database_answers() { echo 'SELECT 1' | sql "$DB_MAIN" >/dev/null 2>&1 || { forget; return 1; }; }
databases_size() { # in bytes, of those that are saved; where databases can be copied
  echo "SELECT sum(pg_database_size(name))::bigint FROM unnest(string_to_array('$DB_NAMES', ' ')) name" | sql "$DB_MAIN"
}
databases_take() { # on the server's disk, all of them
  case "$DB_KIND" in
    postgresql) echo "SELECT pg_size_pretty(sum(pg_database_size(datname))) FROM pg_database WHERE has_database_privilege(datname, 'CONNECT')" ;;
    mysql) echo "SELECT CONCAT(SUM(data_length + index_length) DIV 1048576, ' MB') FROM information_schema.tables" ;;
  esac | sql "$DB_MAIN"
}
schema_head() { echo 'SELECT version_num FROM alembic_version' | sql "$DB_MAIN"; }
has_no_schema() { # whether the database answers and nothing of Dify's is in it: somebody emptied it, and goes back to a backup
  tables=$(count_rows "$DB_MAIN") && case "$tables" in *'rows|alembic_version|'*) return 1 ;; esac
}

count_sql() { # [MYSQL'S CONDITION]: prints the statement that counts every table, as rows|table|number; tables of other schemas than public by both names
  case "$DB_KIND" in
    postgresql) printf '%s\n' "SELECT format('SELECT %L || count(*) FROM %I.%I', format('rows|%s|', CASE schemaname WHEN 'public' THEN '' ELSE schemaname || '.' END || tablename), schemaname, tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1" '\gexec' ;;
    mysql) printf '%s\n' "SELECT CONCAT('SELECT CONCAT(''rows|', table_name, '|'', COUNT(*)) FROM \`', table_name, '\`;') FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ${1:-} ORDER BY 1" ;;
  esac
}

count_rows() { # DATABASE: every table of it
  case "$DB_KIND" in
    postgresql) count_sql | sql "$1" ;;
    mysql) count_sql | sql "$1" | sql "$1" ;;
  esac
}

# Only while nothing of Dify runs: a plugin daemon makes tables, and writes and deletes tasks, from the moment it starts.
fingerprint() { # rows of the chosen tables, and a checksum of those that are small: rows|table|number, sum|table|md5; beside the main database rows|database.table|number
  fingerprint_main || return 1
  for beside in $BESIDE; do
    count_rows "$beside" >"$RUN/rows.beside" || return 1
    # a schema of somebody else's may be written to, and stays what it is where a database is read back in its place
    awk -v of="$beside." '/^rows[|][^|.]*[|]/ { print "rows|" of substr($0, 6) }' "$RUN/rows.beside"
  done
}

fingerprint_main() {
  case "$DB_KIND" in
    postgresql)
      {
        printf '%s\n' "SELECT format('SELECT ''rows|%s|'' || count(*) FROM %I', t, t) FROM unnest(string_to_array('$COUNTED', ' ')) t WHERE to_regclass(quote_ident(t)) IS NOT NULL ORDER BY 1" '\gexec'
        printf '%s\n' "SELECT format('SELECT ''sum|%s|'' || coalesce(md5(string_agg(h, '''' ORDER BY h)), ''empty'') FROM (SELECT md5(x::text) h FROM %I x) y', t, t) FROM unnest(string_to_array('$SUMMED', ' ')) t WHERE to_regclass(t) IS NOT NULL ORDER BY 1" '\gexec'
      } | sql "$DB_MAIN"
      ;;
    mysql)
      count_sql "AND FIND_IN_SET(table_name, '$(printf '%s' "$COUNTED" | tr ' ' ',')')" | sql "$DB_MAIN" | sql "$DB_MAIN"
      for table in $SUMMED; do echo "CHECKSUM TABLE \`$table\`;"; done | sql "$DB_MAIN" | awk '{ sub(/^.*\./, "", $1); print "sum|" $1 "|" $2 }'
      ;;
  esac
}

is_whole() { case " $WHOLE " in *" $1 "*) ;; *) return 1 ;; esac; } # DATABASE

dump() { # DATABASE FILE [OF]: a dump, and beside it in FILE.rows the rows of every table as the dump's own snapshot has them; OF is what DATABASE is a copy of
  began=$(date +%s)
  with_rows=''
  ! is_whole "${3:-$1}" || with_rows=yes
  case "$DB_KIND" in
    postgresql) dump_postgresql "$1" "$2" ;;
    mysql) dump_mysql "$1" "$2" ;;
  esac || { rm -f "$2.part" && false; } || fail backup-failed "The dump of $1 failed: $(grep -v '^rows|' "$2.said" | tail -n 3 | tr '\n' ' ')"
  grep '^rows|' "$2.said" | sort >"$2.rows"
  rm -f "$2.said"
  mv "$2.part" "$2" || fail backup-failed "The dump of $1 cannot be given its name." # a torn one has another (last_of)
  took=$(($(date +%s) - began))
  size=$(wc -c <"$2" | tr -d ' ')
  fact "dump-bytes-$1" "$size"
  fact "dump-seconds-$1" "$took"
  echo "$took" >>"$RUN/dump-seconds"
  say "$1: dump of $size bytes in $took s${with_rows:+, $(wc -l <"$2.rows" | tr -d ' ') tables}"
}

dump_postgresql() {
  {
    printf '%s\n' "$PATIENT" 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;' 'SELECT pg_export_snapshot() AS snapshot' '\gset' '\setenv SNAPSHOT :snapshot'
    [ -z "$with_rows" ] || { echo '\o |cat >&2'; count_sql; echo '\o'; }
    printf '%s\n' "\\! pg_dump -Fc --snapshot=\"\$SNAPSHOT\" -d '$1' </dev/null; echo \"dump-exit|\$?\" >&2" 'COMMIT;'
  } | client psql -qAtX -v ON_ERROR_STOP=1 -d "$1" >"$2.part" 2>"$2.said" && grep -qx 'dump-exit|0' "$2.said" && [ -s "$2.part" ]
}

dump_mysql() { # MySQL lends its snapshot to nobody: rows are counted before and after, and the lesser number is a lower bound
  { [ -z "$with_rows" ] || count_rows "$1"; } >"$2.before" 2>"$2.said" || return 1
  # a server with GTIDs would have them put into the dump, which nobody but root can read back
  # shellcheck disable=SC2016 # the container's own shell expands it
  plain='case "$(mysqldump --help 2>/dev/null)" in *set-gtid-purged*) set -- --set-gtid-purged=OFF "$@" ;; esac; exec mysqldump "$@"'
  client sh -c "$plain" mysqldump ${DB_AT:+"$DB_AT"} -u "$DB_USER" --single-transaction --routines --triggers --no-tablespaces --hex-blob "$1" 2>>"$2.said" | gzip -1 >"$2.part" &&
    gzip -dc "$2.part" | tail -n 1 | grep -q '^-- Dump completed' &&
    { [ -z "$with_rows" ] || count_rows "$1"; } >"$2.after" 2>>"$2.said" &&
    sort -t '|' -k 2,2 -k 3,3n "$2.before" "$2.after" | awk -F '|' '!seen[$2]++' >>"$2.said"
  result=$?
  rm -f "$2.before" "$2.after"
  return "$result"
}

scratch="dify-upgrade-scratch-$PROJECT"
in_scratch() { dk exec -i "$scratch" "$@"; }
remove_scratch() { dk rm -fv "$scratch" >/dev/null 2>&1 || true; }
scratch_is_gone() { remove_scratch && left=$(dk ps -aq --filter "name=^/$scratch\$") && [ -z "$left" ]; }
undo_scratch() { # an engine that comes back answers before it can remove what it is putting in order
  engine_is_back || return 1
  until_deadline 60 1 scratch_is_gone || say "the container $scratch is still there"
}

start_scratch() { # a server of its own, for all that this run reads back
  remove_scratch
  case "$DB_KIND" in
    # nobody needs what is in it once it has been counted, so the disk is not waited for
    postgresql) dk run -d --name "$scratch" --network none -e POSTGRES_PASSWORD=scratch "$DB_CLIENT" postgres -c fsync=off >/dev/null ;;
    mysql) dk run -d --name "$scratch" --network none -e MYSQL_ROOT_PASSWORD=scratch "$DB_CLIENT" >/dev/null ;;
  esac || fail restore-test-failed "The scratch container of $DB_CLIENT did not start."
  until_deadline 180 0.5 scratch_is_settled || true
  scratch_answers || fail restore-test-failed "The scratch server did not answer: $(dk logs --tail 3 "$scratch" 2>&1 | tr '\n' ' ')"
  : >"$RUN/scratch"
}

test_restore() { # DATABASE FILE: proves that a dump can be read back; of what is above restore-test-max, its schema
  { [ -e "$RUN/scratch" ] && scratch_answers; } || start_scratch
  if is_whole "$1"; then only=''; else only=schema; fi
  restored_in_scratch "$1" "$2" "$only" >"$RUN/scratch.said" 2>&1 || fail restore-test-failed "The dump of $1 cannot be read back: $(tail -n 3 "$RUN/scratch.said" | tr '\n' ' ')"
  if [ -z "$only" ]; then
    scratch_rows "$1" >"$RUN/scratch.rows" || fail restore-test-failed "The rows of $1 cannot be counted in the scratch server."
    rows_kept "$2.rows" "$RUN/scratch.rows" exact || fail restore-test-failed "The dump of $1 does not hold all rows: $(cat "$RUN/lost")"
    say "$1: read back, $(wc -l <"$RUN/scratch.rows" | tr -d ' ') tables have their rows"
  else
    fact "without-rows-$1" restore-test-max
    say "$1: read back without rows; it is, or may be, above restore-test-max"
  fi
}

scratch_is_settled() { scratch_answers || [ "$(dk inspect --format '{{.State.Status}}' "$scratch" 2>/dev/null)" = exited ]; }
scratch_answers() { # over TCP: the image's own first start listens on its socket only
  case "$DB_KIND" in
    postgresql) in_scratch env PGPASSWORD=scratch psql -qAtX -h 127.0.0.1 -U postgres -d postgres -c 'SELECT 1' ;;
    mysql) in_scratch env MYSQL_PWD=scratch mysql -h 127.0.0.1 -u root -e 'SELECT 1' ;;
  esac >/dev/null 2>&1
}

restored_in_scratch() { # DATABASE FILE [schema]
  case "$DB_KIND" in
    postgresql)
      echo "CREATE DATABASE \"$1\"" | in_scratch psql -qAtX -U postgres -d postgres &&
        in_scratch pg_restore -U postgres -d "$1" --no-owner --no-acl --exit-on-error ${3:+--schema-only} <"$2"
      ;;
    mysql)
      echo "CREATE DATABASE \`$1\`" | in_scratch env MYSQL_PWD=scratch mysql -u root &&
        gzip -dc "$2" | if [ -z "$3" ]; then cat; else sed '/^LOCK TABLES /,/^UNLOCK TABLES;/d'; fi | in_scratch env MYSQL_PWD=scratch mysql -u root "$1"
      ;;
  esac
}

scratch_rows() {
  case "$DB_KIND" in
    postgresql) count_sql | in_scratch psql -qAtX -U postgres -d "$1" ;;
    mysql) count_sql | in_scratch env MYSQL_PWD=scratch mysql -N -B -u root "$1" | in_scratch env MYSQL_PWD=scratch mysql -N -B -u root "$1" ;;
  esac
}

rows_kept() { # BEFORE AFTER exact|least: whether no table lost rows; those that did stand in $RUN/lost. Older backups name no schema.
  # nothing counted is no proof, and reads like nothing lost
  grep -q '^rows|' "$2" || ! grep -q '^rows|' "$1" || { echo "no table can be counted" >"$RUN/lost"; return 1; }
  [ "$DB_KIND:$3" != mysql:exact ] || set -- "$1" "$2" least
  named=yes
  ! grep -q '^rows|[^|]*[.]' "$1" || named=''
  awk -F'|' -v how="$3" -v short="$named" 'NR == FNR { if ($1 == "rows") { now[$2] = $3; if (short && sub(/^.*[.]/, "", $2) && !($2 in now)) now[$2] = $3 } next }
    $1 == "rows" && (!($2 in now) ? how == "exact" : (how == "exact" ? now[$2] != $3 : now[$2] + 0 < $3 + 0)) { print $2 ": " $3 " before, " (($2 in now) ? now[$2] : "gone") " now" }' "$2" "$1" >"$RUN/lost"
  [ ! -s "$RUN/lost" ]
}

database_works() { # whether a session other than ours does something, or waits for a lock
  case "$DB_KIND" in
    postgresql) echo "SELECT count(*) FROM pg_stat_activity WHERE datname = '$DB_MAIN' AND pid <> pg_backend_pid() AND state = 'active'" | sql "$DB_MAIN" ;;
    mysql) echo "SELECT COUNT(*) FROM information_schema.processlist WHERE db = '$DB_MAIN' AND id <> CONNECTION_ID() AND command <> 'Sleep'" | sql "$DB_MAIN" ;;
  esac | grep -qv '^0$'
}
