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

hold_estimate() { # SECONDS MOST [SHARE SPEED]: what is added to a second dump, or to the share of one that a copy takes, made at bytes a second; what is allowed
  size=0 # of now: an approved plan stays what it is while the databases grow
  [ -z "${4:-}" ] || size=$(databases_size) || fail database-gone "The size of the databases cannot be read."
  took=$(($(awk -v share="${3:-1}" -v least="$((size / ${4:-1}))" '{ s += $1 } END { s = int(s / share); print (s > least ? s : least) }' "$RUN/dump-seconds") + $1))
  fact estimated-seconds-without-service "$took"
  say "by the first dump, service will be away for about $took s"
  [ "$took" -le "$2" ] || fail downtime-too-long "By the first dump, service would be away for about $took s; $2 s are allowed."
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
  restart_what_runs # Compose takes over what did not change: an engine that is started anew while all is proven starts that, too
}

# shellcheck disable=SC2086 # one argument for each service, and each container
stop_new() { # KEPT GONE: services that the old release has too are stopped, others removed
  engine_is_back || return 1
  remove_held
  ids=$(of_services $1 $2) || return 1
  # an engine that is started anew while all is undone would start them again, and they would migrate what was just put back
  [ -z "$ids" ] || { dk stop -t 10 $ids >/dev/null && { keep_stopped $ids || say "the new release keeps its restart policy"; }; } || return 1
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

prove_rows_of() { # BACKUP: every table of its databases has the rows that were counted into it
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
    with_room dump "$each$1" "$BACKUP/$each.final" "$each" || return 1
    drop_database "$each$1" || say "the copy $each$1 is still in the server"
  done
}

serve_on() { # SECONDS PROXY SERVICES: what was opened to users stays open to them, also after a power cut
  engine_is_back || return 1
  until_deadline 120 1 database_answers || { say "the database does not answer"; return 1; }
  # shellcheck disable=SC2086 # one argument for each service
  starts start-failed $3 $2 || { say "the new release does not start: $(reason)"; return 1; }
  in_a_row 3 "$1" serves_users || { say "the new release does not serve: $(reason)"; return 1; }
  restart_what_runs
  [ -e "$RUN/back" ] || service_is_back
  say "the new release serves"
}

finish_backup() { # SUFFIX of the clones, or nothing: for whoever goes back later; users have the new release without it, too
  [ -z "$1" ] || (keep_clones_as_dumps "$1") || say "not every database could be saved once more"
  (seal) || say "the backup could not be finished" # also of a part of them
}

run_extra() { # COMMAND: what upstream asks for by hand, in the new api container
  say "$1"
  dk exec "$(of_service "$API")" sh -c "$1" >"$RUN/extra.said" 2>&1 || fail extra-step-failed "'$1' failed: $(last_line "$RUN/extra.said")"
  # what could not even begin says so, and ends with 0
  ! grep -q '^Error parsing' "$RUN/extra.said" || fail extra-step-failed "'$1' failed: $(grep '^Error parsing' "$RUN/extra.said" | last_said)"
}

read_databases_back() { restore_backup "$1" || fail restore-failed "The databases cannot be read back from $1."; }
read_back() { unpack "$1" "$2" || fail restore-failed "$1 cannot be read back."; } # SOURCE FILE
