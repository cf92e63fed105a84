# What a controller asks of a run's folder: to start its script, and how far it is. RUN and SHELL_WORDS stand above.
PATH="${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" LC_ALL=C
export PATH LC_ALL
: "${SYSTEMD:=/run/systemd/system}" "${UNITS:=/etc/systemd/system}"

going() { # whether the run's process lives, on this boot of the host
  [ -s "$RUN/pid" ] && [ "$(cat "$RUN/boot")" = "$(cat /proc/sys/kernel/random/boot_id || echo unknown)" ] &&
    [ "$(sed -e 's/.*) //' -e '/^[ZX]/d' "/proc/$(cat "$RUN/pid")/stat" | cut -d ' ' -f 20)" = "$(cat "$RUN/start")" ]
} 2>/dev/null

look() { # OFFSET SECONDS [GATHER]: `dify-run STATE SIZE`, then what the journal holds after OFFSET; waits so long for news,
  # and gathers them for GATHER seconds, unless it is answered that they are waited for
  waited=0
  while :; do
    state=going
    if ! going; then
      state=$(cat "$RUN/state" || { [ ! -e "$RUN/steps" ] && echo absent; })
      case $state in going | '') state=dead ;; esac
    fi
    size=$(($(wc -c <"$RUN/journal" || echo 0)))
    [ "$state" = going ] || break
    if [ "$size" -gt "$1" ] && [ -e "$RUN/awaiting" ]; then break; fi
    if [ "$size" -gt "$1" ] || [ "$waited" -ge "$2" ]; then [ "$waited" -lt "${3:-0}" ] || break; fi
    waited=$((waited + 1))
    sleep 1
  done
  echo "dify-run $state $size"
  tail -c "+$(($1 + 1))" "$RUN/journal" | head -c 65536
} 2>/dev/null

lives_on() { # whether systemd would let a process of ours outlive our session
  [ -d "$SYSTEMD" ] && { [ "$(id -u)" = 0 ] || [ -e "/var/lib/systemd/linger/$(id -un)" ]; }
}

by_systemd() { # run|recover: stopped with the host, it has time to undo what it did
  as=''
  [ "$(id -u)" = 0 ] || as=--user
  # shellcheck disable=SC2086 # nothing, or one word; the shell may be two
  lives_on && systemd-run $as --quiet --collect --unit="dify-upgrade-$(basename "$RUN")-$1-$$" \
    --property=Type=exec --property=KillMode=mixed --property=TimeoutStopSec=900 --property=After=docker.service \
    --setenv=PATH="$PATH" --setenv=HOME="${HOME:-/}" $SHELL_WORDS "$RUN/runbook.sh" "$1"
} </dev/null >/dev/null 2>&1

by_itself() { # run|recover
  # shellcheck disable=SC2086 # the shell may be two words
  setsid $SHELL_WORDS "$RUN/runbook.sh" "$1" </dev/null >/dev/null 2>&1 &
}

took_hold() { # run|recover: within some seconds
  waited=0
  until if [ "$1" = run ]; then [ -s "$RUN/pid" ]; else going || [ "$(cat "$RUN/state" || echo going)" != going ]; fi; do
    [ "$((waited += 1))" -le 100 ] || return 1
    sleep 0.1 || sleep 1
  done
} 2>/dev/null

arm_boot() { # root's run that dies with the host is undone when the host comes back; the run itself removes this
  unit="$UNITS/dify-upgrade-$(basename "$RUN").service" wants="$UNITS/multi-user.target.wants"
  [ "$(id -u)" = 0 ] && lives_on && mkdir -p "$wants" && printf '%s\n' "$unit" "$wants/$(basename "$unit")" >"$RUN/at-boot" &&
    printf '%s\n' '[Unit]' 'Description=Undo an upgrade of Dify that died with the host' 'After=docker.service' \
      "RequiresMountsFor=$RUN" '[Service]' 'Type=oneshot' "ExecStart=/bin/sh $RUN/runbook.sh recover" >"$unit" &&
    ln -sf "$unit" "$wants/"
} 2>/dev/null

launch() { # run|recover: exit code 69: a tool is missing, and named; 75: it did not take hold
  for tool in setsid flock base64 fold mkfifo; do
    command -v "$tool" >/dev/null || { echo "$tool" && exit 69; }
  done
  [ "$1" = recover ] || [ -e "$RUN/steps" ] || arm_boot
  { by_systemd "$1" && took_hold "$1"; } || { by_itself "$1" && took_hold "$1"; } || exit 75
}

forget() { # what was delivered half an hour ago and never started, for its controller died; there may be secrets in it
  [ -e "$RUN/steps" ] || [ -z "$(find "$RUN" -maxdepth 0 -mmin +30)" ] || {
    [ ! -e "$RUN/at-boot" ] || xargs rm -f <"$RUN/at-boot"
    rm -rf "$RUN"
  }
}

stop() { ! going || kill -TERM "$(cat "$RUN/pid")"; }
