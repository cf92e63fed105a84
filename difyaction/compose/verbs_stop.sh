# How Dify comes to rest and serves again: workers are drained, writers stopped, and the old release is started anew.
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

serve_again() { # SECONDS PROXY SERVICES ID...: the old containers, or new ones like them; users get what they had
  within="$1" proxy="$2" services="$3"
  shift 3
  engine_is_back || return 1
  until_deadline 120 1 database_answers || { say "the database does not answer"; return 1; }
  data_are_as_before || { say "the data are not what they were"; return 1; }
  rm -f "$RUN/fingerprint" # from here on users write again, and this may have to be done once more
  [ $# -gt 0 ] || { say "nothing of Dify but its database ran before, and nothing is started"; return 0; }
  if dk inspect "$@" >/dev/null 2>&1; then
    { policies_back "$*" && start_by_id "$@"; } || return 1
  elif [ -e "$RUN/switched" ]; then
    say "the files are not those of the old release, which can not be started by them"
    return 1
  else
    # shellcheck disable=SC2086 # one argument for each service
    starts start-failed $services || { restart_what_runs; say "the old release does not start: $(reason)"; return 1; }
  fi
  restart_as_before || return 1 # not before: an engine that is started anew would start what the new release left, which migrates
  [ -z "$proxy" ] || [ -z "$(of_service "$proxy")" ] || dk restart "$(of_service "$proxy")" >/dev/null || return 1
  in_a_row 3 "$within" serves_users || { say "the old release does not serve: $(reason)"; return 1; }
  service_is_back
  say "the old release serves, with the data that it had"
}
