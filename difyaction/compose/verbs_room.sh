# What keeps a run within the room and the time that there is.
LEAST_ROOM=512 # MiB

# A database that cannot write its log stops, and most hosts have one file system: whoever saves stops before it is full.
with_room() { # COMMAND...: what writes into the backup while users are served
  "$@" &
  working=$!
  until over "$working"; do
    has_room || { give_up "$working"; fail backup-failed "Less than $LEAST_ROOM MiB are left on the disk of the backup."; }
    sleep 0.2 2>/dev/null || sleep 1
  done
  wait "$working"
}

give_up() { # PID: a backup that was sealed before keeps nothing torn, which would stand in the way of the next
  # shellcheck disable=SC2046 # process ids
  kill -KILL $(family "$1") 2>/dev/null || true
  rm -f "$BACKUP"/*.part "$BACKUP"/*.said || true
}
family() { # PID: it, and all that it started: one that is left would write on into a file without a name
  cat /proc/[0-9]*/stat 2>/dev/null | awk -v first="$1" '{ pid = $1; sub(/^.*\) [A-Za-z] /, ""); parent[pid] = $1 }
    END { its[first]; do { more = 0; for (pid in parent) if (!(pid in its) && (parent[pid] in its)) { its[pid]; more = 1 } } while (more); for (pid in its) print pid }'
}
over() { [ -z "$(started_at "$1")" ]; } # also when nobody has asked yet how it ended
has_room() { # where nobody can measure, nobody stops
  room=$(df -Pk "$BACKUP" 2>/dev/null | awk 'NR == 2 { print $4 }')
  case "$room" in '' | *[!0-9]*) ;; *) [ "$room" -ge $((LEAST_ROOM * 1024)) ] ;; esac
}

discard_backup() { # what nobody sealed is no backup, and takes the room of the next; whoever touched anything had sealed it
  [ ! -e "$BACKUP/complete" ] && [ ! -e "$RUN/stopped" ] && nothing_is_stuck || return 0
  rm -rf "$BACKUP"
}

nothing_is_stuck() { # whether every undo so far went well
  for mark in "$RUN"/steps/*.stuck; do [ ! -e "$mark" ] || return 1; done
}

end_cloning() { # SUFFIX: a server copies on when nobody asks any more, and lets nobody into what it copies
  until_deadline 120 1 nobody_clones "$1" || say "the server is still copying its databases"
}
nobody_clones() { # each look ends who does
  cloning=$(echo "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'CREATE DATABASE \"%$1\" TEMPLATE %'" | sql "$DB_CONTROL" 2>/dev/null) && [ "$cloning" = 0 ]
}
