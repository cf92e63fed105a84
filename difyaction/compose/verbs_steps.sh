# What the steps are made of, a function each. Whatever they compare with, they are told.
check_containers() { # SERVICE=ID...: those that the plan was made for
  look_around
  for each in "$@"; do
    running "${each#*=}" || fail containers-changed "The container of ${each%%=*} that the plan was made for does not run any more."
  done
  database_answers || fail database-gone "The database does not answer any more."
}

serves_before() { # whether the old release answers the questions that the new one has to answer: who asks in vain now would undo a good upgrade
  see 60 serves_users
  [ -n "$PROXY" ] || return 0
  id=$(of_service "$PROXY") || fail containers-changed "The engine does not answer any more."
  [ -z "$id" ] || see 60 serves_inside "$PROXY" "$id"
}

begin_backup() { # what a failed run left half goes first
  for left in "$(dirname "$BACKUP")"/*/; do
    [ -f "$left/complete" ] || [ "${left%/}" = "$BACKUP" ] || ! of_this_folder "$left" || rm -rf "$left"
  done
  { mkdir -p "$BACKUP" && chmod 700 "$BACKUP" && cp "$FILES/.manifest.json" "$BACKUP/manifest.json"; } || fail backup-failed "The folder $BACKUP cannot be made."
}

read_head() { # IMAGE EXPECTED: the schema that the release's own code migrates to
  dk run --rm --network none --entrypoint flask "$1" db heads >"$RUN/heads.said" 2>"$RUN/heads.err" ||
    fail head-unread "The release's own schema cannot be read: $(last_line "$RUN/heads.err")"
  sed -n 's/^\([0-9a-z]\{6,40\}\) (head).*/\1/p' "$RUN/heads.said" >"$RUN/wanted-head"
  [ "$(wc -l <"$RUN/wanted-head" | tr -d ' ')" = 1 ] || fail head-unread "The release has no single schema head."
  [ -z "$2" ] || [ "$(cat "$RUN/wanted-head")" = "$2" ] || fail head-unexpected "The image expects the schema $(cat "$RUN/wanted-head"), and upstream's release $2."
  fact wanted-head "$(cat "$RUN/wanted-head")"
  say "its schema is $(cat "$RUN/wanted-head")"
}

fetch_tag() { # TAG: the files do without it, the checkout's commit does not
  if git_there rev-parse -q --verify "refs/tags/$1^{commit}" >"$RUN/target-commit" 2>/dev/null; then
    say "the tag $1 is here"
  elif tag_is_fetched "$1" >"$RUN/fetch-tag.said" 2>&1 &&
    git_there rev-parse -q --verify "refs/tags/$1^{commit}" >"$RUN/target-commit"; then
    say "the tag $1 was fetched"
  else
    rm -f "$RUN/target-commit"
    fact git stays
    say "the tag $1 cannot be fetched: the files change, the checkout stays at its commit"
  fi
}

tag_is_fetched() { # TAG: as deep as the checkout is; one commit alone would cut off a whole history, and `git pull` would find nothing in common
  depth=$([ "$(git_there rev-parse --is-shallow-repository)" != true ] || echo --depth=1) # git before 2.15 repeats the question
  git_there -c http.lowSpeedLimit=1000 -c http.lowSpeedTime=60 fetch -q --no-tags ${depth:+"$depth"} origin "refs/tags/$1:refs/tags/$1"
}

save_checkout() {
  git_there diff --binary >"$BACKUP/edits.diff" || fail backup-failed "The edits of the checkout could not be saved."
  { git_there rev-parse HEAD; git_there symbolic-ref -q HEAD || true; } >"$BACKUP/git-head"
}

save_keys() { # SOURCE: the keys in the storage volume; without them all models' credentials are lost
  dk run --rm --log-driver none --security-opt label=disable --network none --user 0:0 -v "$1:/from:ro" --entrypoint sh "$TOOLS" -c \
    'cd /from && find . -maxdepth 1 \( -name privkeys -o -name .dify_secret_key \) | tar -cf - -T -' >"$BACKUP/keys.tar" ||
    fail backup-failed "The keys in the storage volume could not be packed."
  tar -tf "$BACKUP/keys.tar" | grep -q . || say "no keys are in $1: Dify keeps them elsewhere, or has none yet"
}

hold_estimate() { # SECONDS MOST [SHARE LEAST]: what is added to a second dump, or to the share of one that a copy takes; what is allowed
  took=$(($(awk -v share="${3:-1}" -v least="${4:-0}" '{ s += $1 } END { s = int(s / share); print (s > least ? s : least) }' "$RUN/dump-seconds") + $1))
  fact estimated-seconds-without-service "$took"
  say "by the first dump, service will be away for about $took s"
  [ "$took" -le "$2" ] || fail downtime-too-long "By the first dump, service would be away for about $took s; $2 s are allowed."
}

# shellcheck disable=SC2086 # one argument for each worker
drain() { # SECONDS ID...: workers take nothing new; what still runs then is counted
  patience="$1" answering=''
  shift
  : >"$RUN/queues"
  { [ $# -eq 0 ] || dk inspect --format '{{.Id}} {{.State.StartedAt}}' "$@" >"$RUN/drained"; } || fail containers-changed "A worker that the plan was made for is gone."
  for worker in "$@"; do
    queues_of "$worker" >"$RUN/queues-of-$worker"
    if [ -s "$RUN/queues-of-$worker" ]; then answering="$answering $worker"; else say "a worker does not answer: nobody waits for it"; fi
    sort -u "$RUN/queues" "$RUN/queues-of-$worker" >"$RUN/queues.all" && mv "$RUN/queues.all" "$RUN/queues"
  done
  say "queues: $(tr '\n' ' ' <"$RUN/queues")"
  for worker in $answering; do cancel_consumers "$worker"; done
  until_deadline "$patience" 1 idle $answering || true
  count=$(cat "$RUN/active")
  fact tasks-cut "$count"
  if [ "$count" != 0 ]; then say "$count tasks are still running and are cut off"
  elif [ -s "$RUN/silent" ] || [ -z "$answering" ]; then say "what the workers are at is not known"
  else say "no task is running any more"; fi
}

idle() { # ID...: whether every worker says that it is at nothing; what the last look found is kept
  total=0
  : >"$RUN/silent"
  for worker in "$@"; do
    # celery asks all workers, whoever is asked to ask: the most that one was told is the number of tasks
    if active=$(active_in "$worker"); then [ "$active" -le "$total" ] || total="$active"; else echo "$worker" >>"$RUN/silent"; fi
  done
  echo "$total" >"$RUN/active"
  [ "$total" = 0 ] && [ ! -s "$RUN/silent" ]
}
listen_again() { # ID...: those that go on as they were drained; who was started since listens, and is at work again
  engine_is_back || return 1
  for worker in "$@"; do
    since=$(dk inspect --format '{{if .State.Running}}{{.Id}} {{.State.StartedAt}}{{end}}' "$worker" 2>/dev/null) && [ -n "$since" ] || continue
    ! grep -qxF -e "$since" "$RUN/drained" || dk restart "$worker" >/dev/null || return 1
  done
}

# shellcheck disable=SC2048,SC2086 # one argument for each container
stop_writers() { # SECONDS WAVE...: ids in one word stop side by side
  service_stops
  patience="$1"
  shift
  look_around
  awk -v ids=" $* " 'index(ids, " " $6 " ") { print $1 }' "$RUN/seen" | sort -u >"$RUN/writers"
  [ $# -eq 0 ] || keep_stopped $* || fail stop-failed "The restart policy of a container could not be changed."
  stop_by_id "$patience" "$@" || fail stop-failed "A container could not be stopped."
  { fingerprint >"$RUN/fingerprint.new" && mv "$RUN/fingerprint.new" "$RUN/fingerprint"; } || fail database-gone "The database cannot be read."
  schema_head >"$RUN/head-before" || has_no_schema || fail database-gone "The schema of the database cannot be read."
}

started_again() { # the containers of what was stopped that run all the same: somebody knew `docker compose up -d`, and no better
  [ -s "$RUN/writers" ] || return 0
  run_now=$(containers_told) || return 1
  printf '%s\n' "$run_now" | awk 'NR == FNR { stopped[$1]; next } $1 in stopped { print $2 }' "$RUN/writers" -
}
nobody_writes() { # nor may anybody from here on, or what he writes is not in the copy that the databases may go back to
  again=$(started_again) || fail containers-changed "The engine does not answer any more."
  [ -n "$again" ] || return 0
  rm -f "$RUN/fingerprint" # what he wrote stays
  fail containers-changed "Somebody started Dify while it was being upgraded. The databases were not touched; run again, and let nobody start it meanwhile."
}
# shellcheck disable=SC2086 # one argument for each container
nobody_runs() { # before databases go back
  again=$(started_again) || return 1
  [ -z "$again" ] || { say "somebody started Dify meanwhile: it is stopped again" && dk stop -t 10 $again >/dev/null; }
}

await_snapshot() { # SECONDS: whoever follows this run keeps the disks, and answers with a file; if nobody does, all is undone
  : >"$RUN/awaiting"
  fact awaiting snapshot
  until_deadline "$1" 1 snapshot_answered || { rm -f "$RUN/awaiting" && fail snapshot-unconfirmed "Nobody said within $1 s that the disks are kept."; }
  rm -f "$RUN/awaiting"
  [ ! -e "$RUN/no-go" ] || fail snapshot-refused "The disks could not be kept: $(head -c 400 "$RUN/no-go")"
  say "the disks are kept as they are with nobody writing"
}

snapshot_answered() { [ -e "$RUN/go" ] || [ -e "$RUN/no-go" ]; }

data_are_as_before() {
  [ -s "$RUN/fingerprint" ] || return 0
  fingerprint >"$RUN/fingerprint.now" && cmp -s "$RUN/fingerprint" "$RUN/fingerprint.now" &&
    { [ ! -s "$RUN/head-before" ] || [ "$(schema_head)" = "$(cat "$RUN/head-before")" ]; }
}

starts() { # ID SERVICE...: services as the files describe them now; keeps the id, or a better one, and what Compose said
  failure="$1"
  shift
  forget
  # in no file: a full disk would not take what says that it is full
  said=$(dc up -d --no-deps --no-build "$@" 2>&1) && return 0
  said=$(printf '%s\n' "$said" | last_said)
  case "$said" in *'port is already allocated'* | *'address already in use'*)
    why port-taken "Compose could not start it: $said" || return 1 ;; esac
  why "$failure" "Compose could not start it: $said"
}

serve_again() { # PROXY SERVICES ID...: the old containers, or new ones like them; users get what they had
  proxy="$1" services="$2"
  shift 2
  engine_is_back || return 1
  until_deadline 120 1 database_answers || { say "the database does not answer"; return 1; }
  data_are_as_before || { say "the data are not what they were"; return 1; }
  rm -f "$RUN/fingerprint" # from here on users write again, and this may have to be done once more
  [ $# -gt 0 ] || { say "nothing of Dify but its database ran before, and nothing is started"; return 0; }
  restart_as_before || return 1
  if dk inspect "$@" >/dev/null 2>&1; then
    start_by_id "$@" || return 1
  elif [ -e "$RUN/switched" ]; then
    say "the files are not those of the old release, which can not be started by them"
    return 1
  else
    # shellcheck disable=SC2086 # one argument for each service
    starts start-failed $services || { say "the old release does not start: $(reason)"; return 1; }
  fi
  [ -z "$proxy" ] || [ -z "$(of_service "$proxy")" ] || dk restart "$(of_service "$proxy")" >/dev/null || return 1
  in_a_row 3 300 serves_users || { say "the old release does not serve: $(reason)"; return 1; }
  service_is_back
  say "the old release serves, with the data that it had"
}

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
  has_name_back "$1" && restart_as_before && dk start "$1" >/dev/null && until_deadline 120 1 database_answers
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

own_storage() { # SERVICE crossing|after: from inside a container, never by chown on the host
  if [ "$2" = crossing ] || ! writes_as_1001 "$1"; then
    in_storage 0:0 "$1" 'find /app/api/storage ! -user 1001 -exec chown 1001:1001 {} +' || fail storage-not-owned "The storage cannot be given to user 1001: $(last_line "$RUN/own.said")"
    writes_as_1001 "$1" || fail storage-not-owned "User 1001 cannot write to the storage: $(last_line "$RUN/own.said")"
  fi
}

in_storage() { dc run --rm --no-deps -T --user "$1" --entrypoint sh "$2" -c "$3" >"$RUN/own.said" 2>&1 </dev/null; } # USER SERVICE COMMAND
writes_as_1001() { in_storage 1001:1001 "$1" 'touch /app/api/storage/.upgrade-check && rm /app/api/storage/.upgrade-check'; }

run_once() { # SERVICE that prepares something and exits
  starts start-failed "$1" || fail "$(reason)"
  until_deadline 600 1 ended_well "$1" || fail start-failed "$1 did not end well: $(last_words "$1")"
}

ended_well() { [ "$(dk inspect --format '{{.State.Status}} {{.State.ExitCode}}' "$(of_service "$1")")" = 'exited 0' ]; }

start_services() { # SERVICE...
  from_here started
  starts start-failed "$@" || fail "$(reason)"
}

# shellcheck disable=SC2086 # one argument for each service, and each container
stop_new() { # KEPT GONE: services that the old release has too are stopped, others removed
  engine_is_back || return 1
  remove_held
  ids=$(of_services $1 $2) || return 1
  # an engine that is started anew while all is undone would start them again, and they would migrate what was just put back
  [ -z "$ids" ] || { keep_stopped $ids || say "the new release keeps its restart policy"; dk stop -t 10 $ids >/dev/null; } || return 1
  ids=$(of_services $2) && { [ -z "$ids" ] || dk rm -fv $ids >/dev/null; } || return 1
  forget
}

prove_schema() {
  head=$(schema_head || true)
  [ "$head" = "$(cat "$RUN/wanted-head")" ] || fail schema-mismatch "The schema is $head, and the new release expects $(cat "$RUN/wanted-head")."
}

prove_rows() { # CONSENT TABLE...: no chosen table lost rows, but those of which the migrations delete twins; CONSENT is the word that was not given
  consent="$1"
  shift
  fingerprint >"$RUN/fingerprint.after" || fail database-gone "The database cannot be read."
  rows_kept "$RUN/fingerprint" "$RUN/fingerprint.after" least && return 0
  : >"$RUN/unexplained"
  while read -r each; do
    # one of each twin stays: a table that is empty now lost more
    case " $* " in *" ${each%%:*} "*) [ "${each% 0 now}" = "$each" ] && say "upstream's migrations delete twins: $each" && continue ;; esac
    echo "$each" >>"$RUN/unexplained"
  done <"$RUN/lost"
  [ -s "$RUN/unexplained" ] || return 0
  missing=$(tr '\n' ' ' <"$RUN/unexplained")
  [ -z "$consent" ] || fail rows-lost "Rows are missing: ${missing% }. If the release deletes them on purpose, acknowledge $consent"
  say "rows are missing, as was acknowledged: ${missing% }"
}

prove_rows_of() { # BACKUP: every table has the rows that were counted into it
  rows_of_backup "$1" || fail rows-lost "Rows are missing: $(tr '\n' ' ' <"$RUN/lost")"
}

prove() { in_a_row 3 "$@" || fail "$(reason)"; } # SECONDS COMMAND...
see() { in_a_row 1 "$@" || fail "$(reason)"; }   # SECONDS COMMAND...: what will be proven, as soon as it is there

hold_proxy() { # SERVICE: a second proxy that no port leads to
  remove_held
  # `run` keeps the service's labels and environment, by which Traefik and nginx-proxy find whom to send users to
  said=$(dc run -d --no-deps --label traefik.enable=false -e VIRTUAL_HOST= -e VIRTUAL_HOST_MULTIPORTS= --name "$HELD" "$1" 2>&1) || fail proxy-unhealthy "The proxy did not start: $(printf '%s\n' "$said" | last_said)"
}

open_proxy() { starts proxy-unhealthy --force-recreate "$1" || fail "$(reason)"; }

# shellcheck disable=SC2086 # one argument for each container
remove_old() { # SERVICE... that the new release does not have
  for each in "$@"; do
    { ids=$(of_services "$each") && { [ -z "$ids" ] || dk rm -f $ids >/dev/null; }; } || say "the old container of $each is still there"
  done
}

keep_clones_as_dumps() { # SUFFIX: what the databases were with nobody writing, for whoever goes back later
  for each in $DB_NAMES; do
    has_database "$each$1" || continue
    with_room dump "$each$1" "$BACKUP/$each.final" || return 1
    drop_database "$each$1" || say "the copy $each$1 is still in the server"
  done
}

serve_on() { # PROXY SERVICES: what was opened to users stays open to them, also after a power cut
  engine_is_back || return 1
  until_deadline 120 1 database_answers || { say "the database does not answer"; return 1; }
  # shellcheck disable=SC2086 # one argument for each service
  starts start-failed $2 $1 || { say "the new release does not start: $(reason)"; return 1; }
  in_a_row 3 120 serves_users || { say "the new release does not serve: $(reason)"; return 1; }
  restart_what_runs
  [ -e "$RUN/back" ] || service_is_back
  say "the new release serves"
}

finish_backup() { # SUFFIX of the clones, or nothing: for whoever goes back later; users have the new release without it, too
  (if [ -n "$1" ]; then keep_clones_as_dumps "$1"; fi && seal) || say "the backup could not be finished"
}

run_extra() { # COMMAND: what upstream asks for by hand, in the new api container
  say "$1"
  dk exec "$(of_service "$API")" sh -c "$1" >"$RUN/extra.said" 2>&1 || fail extra-step-failed "'$1' failed: $(last_line "$RUN/extra.said")"
  # what could not even begin says so, and ends with 0
  ! grep -q '^Error parsing' "$RUN/extra.said" || fail extra-step-failed "'$1' failed: $(grep '^Error parsing' "$RUN/extra.said" | last_said)"
}

read_databases_back() { restore_backup "$1" || fail restore-failed "The databases cannot be read back from $1."; }
read_back() { unpack "$1" "$2" || fail restore-failed "$1 cannot be read back."; } # SOURCE FILE
