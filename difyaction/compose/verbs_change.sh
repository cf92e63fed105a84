# What a release changes, and how that is undone: files, the checkout, the place of the database, its schema.
checkout_commit() {
  [ ! -s "$RUN/target-commit" ] || checks_out --detach "$(cat "$RUN/target-commit")" ||
    fail switch-failed "git checkout failed: $(last_line "$RUN/checkout.said")"
}
checks_out() { (umask 022 && git_there checkout -q -f "$@" >"$RUN/checkout.said" 2>&1); } # files of a checkout are for everybody to read

checkout_of_backup() { # BACKUP
  lock=$(git_lock) # what a run left that was killed is in nobody's way; before it there was none
  until_deadline 10 1 test ! -e "$lock" || { [ "$lock" -nt "$RUN/runbook.sh" ] && rm -f "$lock"; } || true
  branch=$(sed -n 's|^refs/heads/||p' "$1/git-head")
  if [ -n "$branch" ] && [ "$(git_there rev-parse -q --verify "refs/heads/$branch")" = "$(head -n 1 "$1/git-head")" ]; then checks_out "$branch"; else checks_out --detach "$(head -n 1 "$1/git-head")"; fi ||
    { say "git checkout failed: $(last_line "$RUN/checkout.said")" && return 1; }
}

switch_file() { put_file "$FILES/$1" "$1" "$2" || fail switch-failed "$1 cannot be written."; }         # PATH MODE
switch_file_back() { put_back "$1" "$2" || fail switch-failed "$1 cannot be written."; }               # PATH BACKUP
switch_as_packed() { # PATH BACKUP: what it has no copy of was not there
  if tar -tf "$2/config.tar" "./$1" >/dev/null 2>&1; then switch_file_back "$1" "$2"; else take_away "$1"; fi
}

move_database() { # ID SERVICE: the same files, served by another container
  { keep_stopped "$1" && dk stop -t 60 "$1" >/dev/null; } || fail stop-failed "The old container of the database could not be stopped."
  yields_name "$1" || fail stop-failed "The old container of the database could not be given another name."
  printf %s "$2" >"$RUN/db-service"
  starts start-failed "$2" || fail "$(reason)"
  until_deadline 240 1 database_answers || fail start-failed "The database does not answer as $2: $(last_words "$2")"
}

yields_name() { # ID: a name of its owner's (container_name), which only one may have, is the new service's, too
  named=$(dk inspect --format '{{.Name}}' "$1") || return 1
  case "$named" in *[-_][0-9]) ;; *) echo "${named#/}" >"$RUN/db-name" && lasting "$RUN/db-name" && dk rename "$1" "${named#/}-before-$(date +%s)" ;; esac
}
has_name_back() { # ID
  [ ! -s "$RUN/db-name" ] || [ "$(dk inspect --format '{{.Name}}' "$1")" = "/$(cat "$RUN/db-name")" ] || dk rename "$1" "$(cat "$RUN/db-name")"
}

move_database_back() { # ID SERVICE
  engine_is_back || return 1
  id=$(of_service "$2") && { [ -z "$id" ] || { dk stop -t 60 "$id" && dk rm -f "$id"; } >/dev/null; } || return 1
  rm -f "$RUN/db-service" && forget
  has_name_back "$1" && policies_back "$1" && dk start "$1" >/dev/null && until_deadline 120 1 database_answers
}

from_here() { # MARK: a way back looks at it, also after a power cut
  { : >"$RUN/$1" && lasting "$RUN"; } || fail folder-unwritable "$RUN cannot be written."
}

migration_said() { # without the statement and the rows that it was at, which are people's; $RUN/migration.log has them
  sed -e '/^\[SQL: .*\]$/d' -e '/^\[SQL:/,/\]$/d' -e '/^\[parameters:/d' -e '/^(Background on/d' -e '/^DETAIL:/d' "$RUN/migration.log"
}

migrate() { # SERVICE MOST IDLE: ends by itself, after MOST seconds, or when the database is left alone for IDLE seconds
  nobody_writes
  from_here migrating
  dk rm -fv "$MIGRATION" >/dev/null 2>&1 || true
  began=$(date +%s)
  seen="$began"
  {
    code=0
    dc run --rm --no-deps -T --name "$MIGRATION" -e MIGRATION_ENABLED=false --entrypoint flask "$1" db upgrade >"$RUN/migration.log" 2>&1 </dev/null || code=$?
    echo "$code" >"$RUN/migration.code.new" && mv "$RUN/migration.code.new" "$RUN/migration.code"
  } &
  until until_deadline 1 0.2 test -e "$RUN/migration.code"; do
    now=$(date +%s)
    ! database_works || seen="$now"
    [ -z "$2" ] || [ $((now - began)) -lt "$2" ] || fail migration-timeout "The migration took longer than $2 s."
    [ $((now - seen)) -lt "$3" ] || fail migration-hangs "The migration has left the database alone for $3 s."
  done
  code=$(cat "$RUN/migration.code")
  fact migration-seconds $(($(date +%s) - began))
  [ "$code" = 0 ] || say "$(migration_said | tail -n 20 | head -c 3000)"
  [ "$code" = 0 ] || fail migration-failed "flask db upgrade ended with exit code $code: $(migration_said | grep -v '^ ' | last_said)"
  [ "$(schema_head)" = "$(cat "$RUN/wanted-head")" ] || fail migration-incomplete "flask db upgrade ended well, but the schema is $(schema_head) and not $(cat "$RUN/wanted-head")."
  say "the schema is $(cat "$RUN/wanted-head")"
}

undo_migration() { # clones SUFFIX | dumps; until it is done, what it goes back to is dropped by nobody (drop_clones)
  : >"$RUN/restoring"
  engine_is_back && nobody_runs || return 1
  dk rm -fv "$MIGRATION" >/dev/null 2>&1 || true
  until_deadline 120 1 server_answers || return 1
  end_sessions
  databases_back "$@" || return 1
  drop_beside
  rm -f "$RUN/restoring"
}
databases_back() { # rows and head do not tell everything: an index that a migration began to build stays in the way of the next
  if [ ! -e "$RUN/migrating" ] && [ ! -e "$RUN/started" ] && [ "$(schema_head)" = "$(cat "$RUN/head-before")" ]; then
    say "the databases were not touched"
  elif [ "$1" = clones ]; then
    restore_clones "$2"
  else
    restore_dumps "$BACKUP" final
  fi
}
