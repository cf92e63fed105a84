# The fixed part of every runbook, for dash, bash and busybox ash: above it stand this run's literals, below it its steps.
# It knows nothing of Dify: it locks, arms undos, ends what overruns, keeps the journal and ends in one defined state.
# In $RUN: journal (`seq epoch step state rc base64`), state (one word), steps/NNN.{todo,armed,undone,stuck}, log.
umask 077
PATH="${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" LC_ALL=C
export PATH LC_ALL
JOURNAL="$RUN/journal" NAME=run CHILD='' WATCHER='' STOP='' UNDOING='' STUCK=''
BOOT=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo unknown)

# --- the journal: a long text becomes several rows, all but the last with a state that ends in `+`
encode() { base64 | tr -d '\n' | fold -w 3600; } # so that a row is one write
row() { rows "$1" "$2" "$3" "$(printf '%s' "$4" | head -c 10800 | encode)"; } # STEP STATE RC TEXT

# shellcheck disable=SC2094 # lines are counted before one is added
rows() { # STEP STATE RC LINES-OF-BASE64. A full disk never ends a run: the reserve is given up for what has to be said.
  (
    flock 9
    head="$(($(wc -l <"$JOURNAL") + 1)) $(date +%s) $1" state=$2 rc=$3
    # shellcheck disable=SC2086 # base64 has no blanks but those between its pieces
    set -- ${4:--}
    while [ $# -gt 0 ]; do
      if [ $# -gt 1 ]; then plus=+; else plus=''; fi
      printf '%s\n' "$head $state$plus $rc $1" >&9 ||
        { rm -f "$RUN/reserve" && printf '\n%s\n' "$head $state$plus $rc $1" >&9; }
      shift
    done
  ) 9>>"$JOURNAL" 2>/dev/null || :
}
audit() { # TEXT: a line for whoever looks after the host
  [ -z "$AUDIT_LOG" ] || printf '%s run %s of %s: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$RUN_ID" "$OWNER" "$1" >>"$AUDIT_LOG" || :
} 2>/dev/null

# --- what fragments may use, each in a process of its own
say() { row "$NAME" say 0 "$*"; }
fact() { row "$NAME" fact 0 "$*"; }             # KEY VALUE
fail() { row "$NAME" reason 70 "$*"; exit 70; } # ID TEXT
until_deadline() { # SECONDS SLEEP COMMAND...: looks until COMMAND succeeds; fails when the time is over
  rb_until=$(($(date +%s) + $1)) rb_sleep=$2
  shift 2
  until "$@"; do
    [ "$(date +%s)" -lt "$rb_until" ] || return 1
    sleep "$rb_sleep" 2>/dev/null || sleep 1 # not every sleep knows parts of a second
  done
}

# --- processes
# shellcheck disable=SC2086 # the shell may be two words
detached() { exec setsid $SHELL_WORDS "$RUN/runbook.sh" "$@"; }

started_at() { # PID: when that process began, in the kernel's ticks; nothing when it is gone or a zombie
  sed -e 's/.*) //' -e '/^[ZX]/d' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}
alive() { # FOLDER with pid, start and boot
  [ -s "$1/pid" ] && [ "$(cat "$1/boot")" = "$BOOT" ] && [ "$(started_at "$(cat "$1/pid")")" = "$(cat "$1/start")" ]
} 2>/dev/null
sign() { # FOLDER: it is this process's from now on; pid comes last, for it is what is looked at first
  rm -f "$1/pid" && echo "$BOOT" >"$1/boot" && started_at "$$" >"$1/start" && echo "$$" >"$1/pid.new" && mv "$1/pid.new" "$1/pid"
}
end_group() { # PGID: TERM, some time, KILL. The leader may not have made its group yet.
  kill -TERM "-$1" || kill -TERM "$1" || return 0
  waited=0
  while kill -0 "-$1" && [ "$((waited += 1))" -le "$GRACE" ]; do sleep 1; done
  kill -KILL "-$1" || :
} 2>/dev/null

no_strays() { [ -z "$(strays)" ]; }
strays() { grep -lF "DIFY_UPGRADE_RUN=$RUN." /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3; }
# shellcheck disable=SC2046 # process ids
end_strays() { # nothing that a dead run started may still be at work
  kill -TERM $(strays)
  until_deadline "$GRACE" 1 no_strays || kill -KILL $(strays)
  until_deadline "$GRACE" 1 no_strays
} 2>/dev/null

# --- a fragment at work: its own process group, a watch over it; the end of its output stays in memory until it is over
part() { # do|undo NUMBER SECONDS: leaves the exit code in RC
  rm -f "$RUN/output"
  collect <"$RUN/pipe" &
  collector=$!
  detached "$1" "$2" >"$RUN/pipe" 2>&1 </dev/null &
  CHILD=$!
  detached watch "$1" "$2" "$3" "$CHILD" >/dev/null 2>&1 </dev/null &
  WATCHER=$!
  [ -z "$STOP" ] || stopped "$STOP"
  await "$CHILD"
  kill -KILL "-$WATCHER" 2>/dev/null || kill -KILL "$WATCHER" 2>/dev/null
  ! kill -0 "-$CHILD" 2>/dev/null || end_group "$CHILD"
  CHILD='' waited=0
  until [ -e "$RUN/output" ] || [ "$((waited += 1))" -gt 40 ]; do # a process that left the group may hold the pipe
    sleep 0.05 2>/dev/null || sleep 1
  done
  kill -KILL "$collector" 2>/dev/null
  wait "$WATCHER" "$collector" 2>/dev/null
  { echo "--- $1 $NAME: $RC" && base64 -d "$RUN/output"; } >>"$RUN/log" 2>/dev/null || :
}
collect() {
  said=$(tail -c 10800 | encode)
  echo "$said" >"$RUN/output.new" || { rm -f "$RUN/reserve" && echo "$said" >"$RUN/output.new"; }
  mv "$RUN/output.new" "$RUN/output"
} 2>/dev/null
await() { # PID: its exit code in RC, however often a signal interrupts the waiting
  RC=127 HEARD=again
  while [ -n "$HEARD" ]; do
    HEARD='' got=0
    wait "$1" 2>/dev/null || got=$?
    [ "$got" -eq 127 ] && [ "$RC" -ne 127 ] || RC=$got
  done
}
watch() { # do|undo NUMBER SECONDS PGID: ends what overruns; tells how far it is; renews the lock
  about "$2"
  [ -z "$3" ] || { sleep "$3" && row "$NAME" reason 124 "step-timeout It was not over after $3 s." && end_group "$4"; } &
  told=''
  while sleep "$LIVE_EVERY" && kill -0 "$PPID"; do
    renew_lock
    [ "$1" = undo ] || text=$("live_$2" 2>/dev/null | tail -n 1 | head -c 300)
    [ "${text:-}" = "$told" ] || row "$NAME" live 0 "$text"
    told=${text:-}
  done
}
stopped() { # SIGNAL: the running step ends, and its undos follow; an undo is left to finish
  HEARD=1
  [ -n "$UNDOING" ] || STOP=$1
  [ -n "$UNDOING" ] || [ -z "$CHILD" ] || detached end "$CHILD" >/dev/null 2>&1 </dev/null &
}

# --- the lock: a directory that says whose it is. Two who find it dead at once are kept apart by flock.
renew_lock() { echo $(($(date +%s) + LOCK_EXPIRY)) >"$LOCK/expiry.new" && mv "$LOCK/expiry.new" "$LOCK/expiry"; }
held() { # by a process that lives; where nobody can tell (another user's, or a lock made by hand), until it expires
  alive "$LOCK" && return 0
  [ "$(cat "$LOCK/boot")" = "$BOOT" ] || return 1
  [ ! -s "$LOCK/pid" ] || case "$(id -u)" in 0 | "$(cat "$LOCK/uid")") return 1 ;; esac
  [ "$(cat "$LOCK/expiry")" -gt "$(date +%s)" ]
} 2>/dev/null
take_lock() { # leaves in WHY what is in the way
  WHY=$(
    mkdir -p "$(dirname "$LOCK")" && exec 8>>"$LOCK.guard" && flock 8 || exit 1
    if ! mkdir "$LOCK"; then
      theirs=$(cat "$LOCK/folder") whose="$(cat "$LOCK/owner"), run $(cat "$LOCK/run")"
      if [ "$theirs" != "$RUN" ]; then
        held && { echo "lock-held Another run is at work here: $whose."; exit; }
        [ "$(cat "$theirs/state")" != going ] || { echo "run-unfinished A run died here before it was over: $whose, in $theirs."; exit; }
      fi
      rm -rf "$LOCK" && mkdir "$LOCK" || exit 1
    fi
    echo "$OWNER" >"$LOCK/owner" && echo "$RUN_ID" >"$LOCK/run" && echo "$RUN" >"$LOCK/folder" && id -u >"$LOCK/uid" &&
      renew_lock && sign "$LOCK" && echo taken
  ) 2>/dev/null
  [ "$WHY" = taken ] || { WHY=${WHY:-lock-unusable The lock $LOCK cannot be written.} && return 1; }
  # other users have other locks: the folder itself is held for as long as this process, or one that it started, lives
  code=0 && [ -r "$WORKDIR" ] && exec 7<"$WORKDIR" && { flock -n 7 2>/dev/null || code=$?; } # not every file system can
  [ "$code" != 1 ] || { WHY="lock-held A run of another user is at work in $WORKDIR." && return 1; }
}

# --- the story. A step's mark changes by a rename: that needs no room, and is there after a power cut.
mark() { mv "$RUN/steps/$1.$2" "$RUN/steps/$1.$3" 2>/dev/null && { sync "$RUN/steps" "$JOURNAL" 2>/dev/null || sync; }; }
forward() {
  for number in $STEPS; do
    about "$number"
    [ -z "$STOP" ] || { row "$NAME" reason 143 "interrupted It was stopped by SIG$STOP."; return 1; }
    mark "$number" todo armed || { row "$NAME" reason 74 "folder-unwritable $RUN cannot be written."; return 1; }
    row "$NAME" began 0 "$TITLE"
    part 'do' "$number" "$TIMEOUT"
    [ "$RC" -ne 0 ] || { row "$NAME" 'done' 0 ''; continue; }
    [ -z "$STOP" ] || row "$NAME" reason 143 "interrupted It was stopped by SIG$STOP."
    rows "$NAME" failed "$RC" "$(cat "$RUN/output" 2>/dev/null)"
    return 1
  done
}
begun() { [ -e "$RUN/steps/$1.armed" ] || [ -e "$RUN/steps/$1.undone" ] || [ -e "$RUN/steps/$1.stuck" ]; }

backward() { # the armed undos, last first; one that fails does not stop the next. Leaves the final state in STATE.
  UNDOING=1 STATE=failed && rm -f "$RUN/reserve" # where the disk is full, an engine needs room to start what it stopped
  for number in $BACKWARDS; do
    begun "$number" || continue
    about "$number"
    [ -z "$TOUCHES" ] || STATE=rolled-back
    [ ! -e "$RUN/steps/$number.armed" ] || undo_one "$number"
    [ -z "$TOUCHES" ] || [ ! -e "$RUN/steps/$number.stuck" ] || STUCK=1
    [ -z "$NO_RETURN" ] || { STATE=degraded && break; } # what lies before is never undone again
  done
  [ -z "$STUCK" ] || STATE=stranded
}
undo_one() { # NUMBER. As after a power cut, it can be done again: one that fails soon is, for what it needs may just be starting anew.
  [ -n "$HAS_UNDO" ] || return 0
  undoing=$(date +%s)
  for again in '' ', once more'; do
    row "$NAME" undoing 0 "$TITLE$again"
    part undo "$1" "$UNDO_TIMEOUT"
    if [ "$RC" -eq 0 ]; then row "$NAME" undone 0 '' && mark "$1" armed undone && return; fi
    rows "$NAME" undo-failed "$RC" "$(cat "$RUN/output" 2>/dev/null)"
    [ -z "$again" ] && [ $(($(date +%s) - undoing)) -le "$AGAIN_WITHIN" ] || break
    sleep "$AGAIN_AFTER"
  done
  mark "$1" armed stuck
}

finish() { # STATE TEXT: the secrets are gone first, then the state is true, then it is told
  rm -rf "$FILES" "$RUN/reserve"
  mv "$RUN/states/$1" "$RUN/state" 2>/dev/null || echo "$1" >"$RUN/state"
  sync "$RUN" 2>/dev/null || sync
  row end "$1" 0 "$2"
  audit "$1" && let_go
}
let_go() {
  rm -rf "$FILES" "$RUN/pipe" "$RUN/states" "$RUN/output"
  [ ! -e "$RUN/at-boot" ] || xargs rm -f <"$RUN/at-boot"
  [ "$(cat "$LOCK/folder" 2>/dev/null)" != "$RUN" ] || rm -rf "$LOCK"
  exit 0
}
claim() { (flock 8 && ! alive "$RUN" && sign "$RUN") 8>>"$RUN/guard"; } # no second process may carry out this run
# shellcheck disable=SC2086 # as above. The same process, but one that can be told by its environment.
marked() { DIFY_UPGRADE_RUN="$RUN." exec $SHELL_WORDS "$RUN/runbook.sh" "$1"; }
prepare() {
  for word in 'done' failed rolled-back stranded degraded; do echo "$word" >"$RUN/states/$word" || return 1; done
  for number in $STEPS; do : >"$RUN/steps/$number.todo" || return 1; done
  mkfifo "$RUN/pipe" && dd if=/dev/zero of="$RUN/reserve" bs=65536 count=256 && echo going >"$RUN/state"
} 2>/dev/null
run() {
  claim && mkdir "$RUN/steps" "$RUN/states" 2>/dev/null || exit 0 # nothing runs twice
  row run began 0 "$SUMMARY"
  prepare || finish failed "folder-unwritable $RUN cannot be written; is the disk full?"
  take_lock || finish failed "$WHY"
  audit "begins: $SUMMARY" && marked forth
}

recover() { # finishes a run that died: killed, or the host was started anew
  { rm -f "$RUN/reserve"; claim; } || exit 0
  [ "$(cat "$RUN/state" 2>/dev/null || echo going)" = going ] || let_go
  echo >>"$JOURNAL"; row run recovering 0 "interrupted The run died before it was over." # a power cut may have torn the last row
  end_strays || { row run reason 75 "stray-process It left processes that cannot be ended: $(strays | tr '\n' ' ')"; exit 75; }
  take_lock || { row run reason 75 "$WHY"; exit 75; }
  mkdir -p "$RUN/steps" && { [ -p "$RUN/pipe" ] || mkfifo "$RUN/pipe"; }
  marked back
}

main() {
  case $1 in
    do | undo) about "$2" && { cd "$WORKDIR" || fail folder-missing "$WORKDIR cannot be entered."; } && set -eu && "$1_$2" ;;
    watch) cd "$WORKDIR" && watch "$2" "$3" "$4" "$5" ;;
    end) end_group "$2" ;;
    run | recover) "$1" ;;
    forth | back)
      trap 'stopped TERM' TERM && trap 'stopped INT' INT && trap 'stopped HUP' HUP
      if [ "$1" = forth ] && forward; then finish 'done' ''; fi
      backward
      finish "$STATE" ''
      ;;
    *) echo "Say run or recover." >&2 && exit 64 ;;
  esac
}
