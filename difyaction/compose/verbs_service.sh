# Containers and what users get from them. PROJECT, API, URL, CELERY and the like are literals of the plan.
of_service() { # SERVICE: its container's id, nothing when it has none; fails where the engine does not say
  of_it=$(dk ps -aq --no-trunc --filter "label=com.docker.compose.project=$PROJECT" --filter "label=com.docker.compose.service=$1" --filter label=com.docker.compose.oneoff=False) || return 1
  printf '%s\n' "$of_it" | head -n 1
}
containers_told() { # [-a]: the service and the id of every container of the project that runs, or of all
  dk ps "$@" --no-trunc --filter "label=com.docker.compose.project=$PROJECT" --filter label=com.docker.compose.oneoff=False --format '{{.Label "com.docker.compose.service"}} {{.ID}}'
}
of_services() { # SERVICE...: the ids of all their containers; fails where the engine does not say
  of_them=$(containers_told -a) || return 1
  printf '%s\n' "$of_them" | awk -v services=" $* " 'index(services, " " $1 " ") { print $2 }'
}
known() { # SERVICE: its container as the last look around found it, else as the engine says now
  awk -v service="$1" '$1 == service { print $6; found = 1; exit } END { exit !found }' "$RUN/seen" 2>/dev/null || of_service "$1"
}
engine_is_back() { # before anything is undone: an engine that is being started anew would not do it, and say of every container that it is gone
  until_deadline 300 1 engine_answers || { say "the engine does not answer"; return 1; }
  look_around
}
engine_answers() { dk version >/dev/null 2>&1; }
running() { [ "$(dk inspect --format '{{.State.Status}}' "$1" 2>/dev/null)" = running ]; }
# A check that fails says why: the id of the error, then a sentence; through a file, for it may be said in a pipe, and kept besides, for the
# disk may be full.
why() { WHY="$*" && printf '%s' "$*" >"$RUN/why"; return 1; }
reason() { if [ -s "$RUN/why" ]; then cat "$RUN/why"; else echo "${WHY:-unexplained}"; fi; }
last_said() { tail -n 2 | tr -d '\033' | tr '\n' ' ' | head -c 600; } # of a text: its last two lines as one, for a row of the journal
last_line() { [ ! -r "$1" ] || last_said <"$1"; }

is_here() { # IMAGE: one list answers for all that it names as the files do
  [ -e "$RUN/images" ] || dk image ls --format '{{.Repository}}:{{.Tag}}' >"$RUN/images" 2>/dev/null || true
  grep -qxF -e "$1" "$RUN/images" || dk image inspect "$1" >/dev/null 2>&1
}
pull_image() { # an image that is here already stays as it is: nginx:latest does not move under anybody's feet
  is_here "$1" && { say "$1 is here"; return 0; }
  say "pulling $1"
  said=$(dk pull -q "$1" 2>&1) && return 0 # in no file: a full disk would not take what says that it is full
  case "$said" in
    *'no space left'*) fail disk-full "The disk filled up while $1 was pulled." ;;
    *) fail image-missing "$1 cannot be pulled: $(printf '%s\n' "$said" | last_said)" ;;
  esac
}

asks() { # SERVICE OPTIONS-AND-URL: curl in a container, never through the proxy that Docker's client may give to every container
  asking=$(known "$1")
  shift
  dk exec "$asking" curl --noproxy '*' -fsS -m 10 "$@"
}

# shellcheck disable=SC2016 # the container's own shell expands it
asks_itself() { # SERVICE KEY PORT/PATH OPTION...: the same, of the container itself, at the port that KEY in its environment names, else at PORT
  asking=$(known "$1") named="$2" where="$3"
  shift 3
  dk exec "$asking" sh -c 'eval "port=\${$0:-}"; where="$1"; shift; exec curl --noproxy "*" -fsS -m 10 "$@" "http://localhost:${port:-${where%%/*}}/${where#*/}"' "$named" "$where" "$@"
}

port_of() { # CONTAINER KEY PORT: what KEY in its environment names, else PORT
  dk inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$1" | sed -n "s/^$2=\([0-9][0-9]*\)$/\1/p" | grep . || echo "$3"
}

fetch() { # URL: prints what is there; fails on anything but success
  # a proxy between companies and the world is none for this machine
  if command -v curl >/dev/null 2>&1; then curl --noproxy '*' -fsSLk -m 10 "$1"
  elif command -v wget >/dev/null 2>&1; then http_proxy='' https_proxy='' wget -q -T 10 --no-check-certificate -O - "$1"
  else asks "$API" -Lk "$(printf '%s' "$1" | sed "s|//[^/]*|//$PROXY|")"; fi 2>"$RUN/fetch.said"
}

is_set_up() { # reads an answer of /console/api/setup
  case "$(tr -d ' \n')" in
    *'"step":"finished"'*) return 0 ;;
    *'"step":"not_started"'*) why database-empty "Dify asks to be set up: its database is empty" ;;
    *) why setup-unanswered "/console/api/setup does not answer: $(tail -n 1 "$RUN/fetch.said" 2>/dev/null)" ;;
  esac
}

serves_users() { # as users get it: the page and the console's own question, through the proxy
  [ -n "$URL" ] || { api_healthy && asks_setup; return; }
  fetch "$URL/apps" >/dev/null || fetch "$URL/" >/dev/null || why page-unanswered "the page does not answer: $(tail -n 1 "$RUN/fetch.said")" || return 1
  fetch "$URL/console/api/setup" | is_set_up
}

serves_inside() { # NAME CONTAINER of a proxy: the same, asked from within
  inside="http://$1:$(port_of "$2" NGINX_PORT 80)"
  asks "$API" -Lk -o /dev/null "$inside/apps" 2>"$RUN/fetch.said" || why page-unanswered "the page does not answer: $(tail -n 1 "$RUN/fetch.said")" || return 1
  asks "$API" -Lk "$inside/console/api/setup" 2>"$RUN/fetch.said" | is_set_up
}

serves_held() { # the same of the held proxy, in one question; only where that fails, one after the other says what it is
  inside="http://$HELD:$(port_of "$HELD" NGINX_PORT 80)"
  asks "$API" --fail-early -Lk -o /dev/null "$inside/apps" "$inside/console/api/setup" 2>"$RUN/fetch.said" | is_set_up || { api_healthy && asks_setup && serves_inside "$HELD" "$HELD"; }
}

look_around() { # one look at every container of the project, a line each: service, image, its id, state, restarts, container
  # shellcheck disable=SC2046 # one argument for each container
  dk inspect --format '{{index .Config.Labels "com.docker.compose.service"}} {{.Config.Image}} {{.Image}} {{.State.Status}} {{.RestartCount}} {{.Id}}' \
    $(dk ps -aq --no-trunc --filter "label=com.docker.compose.project=$PROJECT" --filter label=com.docker.compose.oneoff=False) >"$RUN/seen.new" 2>/dev/null || true
  mv "$RUN/seen.new" "$RUN/seen" 2>/dev/null || forget
}
forget() { rm -f "$RUN/seen"; } # containers are made and removed: what the last look found is not true any more
seen() { awk -v service="$1" '$1 == service { print $2, $3, $4, $5; exit }' "$RUN/seen"; } # SERVICE: as the last look found it

crash_loops() { # whether a container that was started is restarted again and again, as the last look found it: nobody has to wait for it
  for each in $CRASHES; do
    count=$(seen "$each" | cut -d ' ' -f 4)
    [ "${count:-0}" -lt 5 ] || { why restarting "$each crashes again and again: $(last_words "$each")" || return 0; }
  done
  return 1
}

in_a_row() { # TIMES SECONDS COMMAND...: whether it succeeds so often in a row before so many seconds are over
  times="$1" deadline=$(($(date +%s) + $2)) well=0
  shift 2
  while :; do
    if "$@"; then well=$((well + 1)); else well=0; fi
    [ "$well" -lt "$times" ] || return 0
    [ "$(date +%s)" -lt "$deadline" ] || return 1
    [ -z "${CRASHES:-}" ] || ! crash_loops || return 1 # nobody has to wait for what crashes again and again
    sleep 1
  done
}

api_healthy() { asks_itself "$API" DIFY_PORT 5001/health >"$RUN/health" 2>/dev/null || why api-unhealthy "the api does not answer: $(last_words "$API")"; }
asks_setup() { asks_itself "$API" DIFY_PORT 5001/console/api/setup 2>"$RUN/fetch.said" | is_set_up; }
last_words() { dk logs --tail 5 "$(of_service "$1")" 2>&1 | last_said | head -c 300; }

answers_inside() { # SERVICE KEY PORT/PATH WHAT: its own probe; the api asks for one without curl, as the first plugin daemons are
  asks_itself "$1" "$2" "$3" -o /dev/null 2>/dev/null ||
    asks "$API" -o /dev/null "http://$1:$(port_of "$(known "$1")" "$2" "${3%%/*}")/${3#*/}" 2>/dev/null ||
    why "${4:-part}-unhealthy" "$1 does not answer: $(last_words "$1")"
}

# shellcheck disable=SC2016 # the container's own shell expands it
celery_in() { id="$1"; shift; dk exec "$id" sh -c 'celery -A "$0" "$@"' "$CELERY" "$@" 2>/dev/null; }
queues_of() { celery_in "$1" inspect active_queues | grep -o "[\"']name[\"']: [\"'][A-Za-z0-9_.-]*[\"']" | sed "s/.*: [\"']//; s/[\"']$//" | sort -u; }
active_in() { # ID: how many tasks it is at; fails when it does not say
  told=$(celery_in "$1" inspect active) && printf '%s\n' "$told" | grep -o "[\"']id[\"']: " | wc -l | tr -d ' '
}

# shellcheck disable=SC2046 # a queue is one word
cancel_consumers() { # ID: all its queues in one process, for celery's own command takes one and loads the whole release for it
  dk exec "$1" python3 -c 'import sys
from celery.app.utils import find_app
control = find_app(sys.argv[1]).control
for queue in sys.argv[2:]: control.cancel_consumer(queue)' "$CELERY" $(cat "$RUN/queues-of-$1") >/dev/null 2>&1 </dev/null ||
    while read -r queue; do celery_in "$1" control cancel_consumer "$queue" >/dev/null </dev/null || true; done <"$RUN/queues-of-$1"
}

worker_works() { # SERVICE: it answers, and takes from every queue that was taken from before. Asked until it did: each question loads the release.
  id=$(known "$1")
  [ ! -e "$RUN/works-$id" ] || return 0
  queues_of "$id" >"$RUN/queues.now"
  [ -s "$RUN/queues.now" ] || why worker-silent "the worker $1 does not answer: $(last_words "$1")" || return 1
  [ ! -f "$RUN/queues" ] || missing=$(sort "$RUN/queues" "$RUN/queues.now" "$RUN/queues.now" | uniq -u | tr '\n' ' ')
  [ -z "${missing:-}" ] || why queues-missing "the worker $1 takes nothing from $missing" || return 1
  : >"$RUN/works-$id"
}

image_id() { # IMAGE: what the tag means; in one run it is asked once
  awk -v image="$1" '$1 == image { print $2; found = 1; exit } END { exit !found }' "$RUN/image-ids" 2>/dev/null && return
  id=$(dk image inspect --format '{{.Id}}' "$1" 2>/dev/null) && echo "$1 $id" | tee -a "$RUN/image-ids" | cut -d ' ' -f 2
}

runs_image() { # SERVICE IMAGE: the container was made from it, and from what the tag means; as the last look found it
  [ "$(seen "$1" | cut -d ' ' -f 1,2)" = "$2 $(image_id "$2")" ] || why image-mismatch "$1 does not run $2"
}

stands_still() { # SERVICE...: running, and not restarted since they were made; as the last look found them
  for each in "$@"; do
    found=$(seen "$each" | cut -d ' ' -f 3,4)
    [ "$found" = 'running 0' ] || why restarting "$each is ${found% *}, restarted ${found##* } times: $(last_words "$each")" || return 1
  done
}

lasting() { sync "$@" 2>/dev/null || sync; } # FILE...: a way back looks at it, also after a power cut

# shellcheck disable=SC2046,SC2086 # one argument for each container
keep_stopped() { # ID...: not even a reboot starts them again; $RUN/restarts knows what they had
  dk inspect --format '{{.Id}} {{with .HostConfig.RestartPolicy}}{{.Name}}{{with .MaximumRetryCount}}:{{.}}{{end}}{{end}}' "$@" >"$RUN/policies" || return 1
  # Docker prints no number as 0, and a container that nobody gave a policy has a nameless one
  awk '{ sub(/:0$/, "", $2) } $2 != "" && $2 != "no"' "$RUN/policies" >"$RUN/restarting"
  [ -s "$RUN/restarting" ] || return 0
  cat "$RUN/restarting" >>"$RUN/restarts" && lasting "$RUN/restarts" &&
    until_deadline 30 1 dk update --restart=no $(cut -d ' ' -f 1 "$RUN/restarting") >/dev/null # one that crashes in this moment takes no update
}

# shellcheck disable=SC2013,SC2086 # a policy is one word; one argument for each container
policies_back() { # IDS: whether all of these have the restart policy that they had
  [ -f "$RUN/restarts" ] || return 0
  kept=0
  for policy in $(cut -d ' ' -f 2 "$RUN/restarts" | sort -u); do
    whose=''
    while read -r each theirs; do
      [ "$theirs" != "$policy" ] || case "$1" in *"$each"*) whose="$whose $each" ;; esac
    done <"$RUN/restarts"
    [ -z "$whose" ] || dk update --restart="$policy" $whose >/dev/null || { kept=1 && say "the restart policy of a container is not what it was, $policy:$whose"; }
  done
  return "$kept"
}
restart_as_before() { listed=$(dk ps -aq --no-trunc) && policies_back "$listed"; }
# what was stopped and goes on in the same container comes back after a reboot again; what was replaced stays down
restart_what_runs() { { listed=$(dk ps -q --no-trunc) && policies_back "$listed"; } || true; }

# shellcheck disable=SC2086 # as above
stop_by_id() { # SECONDS WAVE...: the containers of a wave side by side, those that run; so the slowest counts, not the sum
  seconds="$1"
  shift
  for wave in "$@"; do
    run_now=$(dk ps -q --no-trunc) || return 1 # an engine that does not answer has not said that nothing runs
    going=''
    for each in $wave; do case "$run_now" in *"$each"*) going="$going $each" ;; esac; done
    [ -z "$going" ] || dk stop -t "$seconds" $going >/dev/null || return 1
  done
}

# shellcheck disable=SC2086 # as above
start_by_id() { # ID...: those that are still there, in this order
  there=$(dk ps -aq --no-trunc) || return 1
  those=''
  for each in "$@"; do case "$there" in *"$each"*) those="$those $each" ;; esac done
  [ -z "$those" ] || dk start $those >/dev/null
}

remove_held() { dk rm -fv "$HELD" >/dev/null 2>&1 || true; }
service_stops() { [ -f "$RUN/stopped" ] || date +%s >"$RUN/stopped"; }
service_is_back() {
  away=$(($(date +%s) - $(cat "$RUN/stopped" 2>/dev/null || date +%s)))
  fact seconds-without-service "$away" && : >"$RUN/back"
  say "users were without service for $away s"
}
