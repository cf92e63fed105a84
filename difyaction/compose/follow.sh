# What a controller asks of a run's folder: to start its script, and how far it is. RUN and SHELL_WORDS stand above.
PATH="${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" LC_ALL=C
export PATH LC_ALL

going() { # whether the run's process lives, on this boot of the host
  [ -s "$RUN/pid" ] && [ "$(cat "$RUN/boot")" = "$(cat /proc/sys/kernel/random/boot_id || echo unknown)" ] &&
    [ "$(sed -e 's/.*) //' -e '/^[ZX]/d' "/proc/$(cat "$RUN/pid")/stat" | cut -d ' ' -f 20)" = "$(cat "$RUN/start")" ]
} 2>/dev/null

look() { # OFFSET SECONDS: `dify-run STATE SIZE`, then what the journal holds after OFFSET; waits so long for news
  waited=0
  while :; do
    state=going
    if ! going; then
      state=$(cat "$RUN/state" || { [ ! -e "$RUN/steps" ] && echo absent; })
      case $state in going | '') state=dead ;; esac
    fi
    size=$(($(wc -c <"$RUN/journal" || echo 0)))
    [ "$state" = going ] && [ "$size" -le "$1" ] && [ "$waited" -lt "$2" ] || break
    waited=$((waited + 1))
    sleep 1
  done
  echo "dify-run $state $size"
  tail -c "+$(($1 + 1))" "$RUN/journal" | head -c 65536
} 2>/dev/null

lives_on() { # whether systemd would let a process of ours outlive our session
  [ -d /run/systemd/system ] && { [ "$(id -u)" = 0 ] || [ -e "/var/lib/systemd/linger/$(id -un)" ]; }
}

detach() { # run|recover: away from whoever asks, and from that session
  as=''
  [ "$(id -u)" = 0 ] || as=--user
  # shellcheck disable=SC2086 # nothing, or one word; the shell may be two
  if lives_on && systemd-run $as --quiet --collect --unit="dify-upgrade-$(basename "$RUN")-$1-$$" \
    --property=Type=exec --property=KillMode=mixed --property=TimeoutStopSec=900 --property=After=docker.service \
    --setenv=PATH="$PATH" --setenv=HOME="${HOME:-/}" $SHELL_WORDS "$RUN/runbook.sh" "$1"; then
    return
  fi
  # shellcheck disable=SC2086
  setsid $SHELL_WORDS "$RUN/runbook.sh" "$1" &
} </dev/null >/dev/null 2>&1

begun() { # run|recover: whether it took hold
  if [ "$1" = run ]; then [ -s "$RUN/pid" ]; else going || [ "$(cat "$RUN/state" 2>/dev/null || echo going)" != going ]; fi
}

launch() { # run|recover: exit code 69: a tool is missing, and named; 75: it did not take hold
  for tool in setsid flock base64 fold mkfifo; do
    command -v "$tool" >/dev/null || { echo "$tool" && exit 69; }
  done
  detach "$1"
  waited=0
  until begun "$1"; do
    [ "$((waited += 1))" -le 100 ] || exit 75
    sleep 0.1 2>/dev/null || sleep 1
  done
}

stop() { ! going || kill -TERM "$(cat "$RUN/pid")"; }
