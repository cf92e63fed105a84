# Reads everything about a machine that runs Dify, and changes nothing. Before this text stand assignments of
# want_folder, want_project, want_backup, want_state, want_docker_host and want_api (the api's image in a mirror), all of
# which may be empty.
# Each answer is a line "name base64"; a fact that cannot be read has no line. Nothing else is printed.
set -u
: "${want_folder=}" "${want_project=}" "${want_backup=}" "${want_state=}" "${want_docker_host=}" "${want_api=}"
LC_ALL=C
export LC_ALL
PATH="$PATH:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
[ -z "$want_docker_host" ] || { DOCKER_HOST="$want_docker_host"; export DOCKER_HOST; }

newline='
'

emit() { printf '%s ' "$1"; head -c "${2:-65536}" | base64 | tr -d '\n'; echo; }
squeeze() { if xz -4 -c </dev/null >/dev/null 2>&1; then xz -4 -c; else gzip -c; fi; } # not every way here is wide; busybox's xz only unpacks
fact() { name="$1"; shift; printf '%s' "$*" | emit "$name"; }
within() { seconds="$1"; shift; if command -v timeout >/dev/null 2>&1; then timeout "$seconds" "$@"; else "$@"; fi; }
free_at() { # name path: bytes, number and name of the file system; of the nearest folder that exists
  place="$2"
  while [ ! -d "$place" ] && [ "$place" != / ]; do place=$(dirname "$place"); done
  free=$(df -Pk "$place" 2>/dev/null | awk 'NR == 2 { printf "%.0f %s\n", $4 * 1024, $1 }')
  # busybox's df is silent where a file system is mounted first in a folder that this user may not enter
  [ -n "$free" ] || free=$(stat -f -c '%a %S' "$place" 2>/dev/null | awk -v device="$(stat -c %d "$place")" '{ printf "%.0f %s\n", $1 * $2, device }')
  [ -z "$free" ] || free="${free%% *} $(stat -c %d "$place" 2>/dev/null) ${free#* }"
  printf '%s' "$free" | emit "$1"
}

look_at_host() {
  fact system "$(uname -s) $(uname -r)"
  fact machine "$(uname -m)"
  fact user "$(id -un)"
  fact uid "$(id -u)"
  fact home "${HOME:-/}"
  fact epoch "$(date +%s)"
  fact boot "$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"
  fact nonce "$(cat /proc/sys/kernel/random/uuid 2>/dev/null)"
  awk '$1 == "MemAvailable:" { m = $2 } $1 == "SwapFree:" { s = $2 } END { printf "%.0f %.0f\n", m * 1024, s * 1024 }' /proc/meminfo | emit memory
  for tool in awk basename cat cmp cp cut date dd df dirname find flock fold grep gzip head mkdir mkfifo mv rm sed setsid sha256sum sort sync tail tar tee tr uniq wc xargs; do
    command -v "$tool" >/dev/null 2>&1 || printf '%s ' "$tool"
  done | emit lacking
  { ss -ltnH 2>/dev/null || netstat -ltn 2>/dev/null; } | awk '{ print $4 }' | sed 's/.*[:.]//' | grep '^[0-9]' | sort -un | emit listening
}

look_at_engine() {
  if [ -z "${DOCKER_HOST:-}" ] && [ "$(id -u)" != 0 ] && ! [ -w /var/run/docker.sock ]; then
    for socket in "${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/docker.sock" "$HOME/.docker/run/docker.sock"; do
      [ -S "$socket" ] && { DOCKER_HOST="unix://$socket"; export DOCKER_HOST; break; }
    done
  fi
  fact docker-host "${DOCKER_HOST:-}"
  fact docker-config "${DOCKER_CONFIG:-}"
  fact sudo "${SUDO_USER:-}"
  answer=$(docker version --format '{{.Server.Version}}' 2>&1)
  printf '%s' "$answer" | emit docker 2000
  case "$(printf '%s' "$answer" | tail -n 1)" in
    [0-9]*) ;;
    *) [ "$(id -u)" = 0 ] || sudo -n sh -c : 2>&1 | head -n 3 | emit sudo-says 600 ;;
  esac
  docker info --format '{{.DockerRootDir}}
{{join .SecurityOptions ","}}' 2>/dev/null | emit info
  compose_version=$(docker compose version --short 2>/dev/null)
  if [ -n "$compose_version" ]; then
    fact compose "docker compose"
  elif command -v docker-compose >/dev/null 2>&1; then
    compose_version=$(docker-compose version --short 2>/dev/null)
    fact compose docker-compose
  fi
  fact compose-version "$compose_version"
}

compose_files() { # FOLDER: the names in it that Compose looks for, upstream's first
  for each in docker-compose.yaml docker-compose.yml compose.yaml compose.yml; do [ ! -f "$1/$each" ] || echo "$each"; done
}

with_api() { # AWK...: of lines of words and bars, where api(image) tells the api's, in upstream's name or in the mirror's
  awk -F'|' -v mirror="$want_api" -v folder="${folder:-}" 'function api(image) {
    sub(/^docker\.io\//, "", image)
    if (image ~ /dify-api/) return 1
    return mirror != "" && index(image, mirror) == 1 && substr(image, length(mirror) + 1) ~ /^(:[^\/]*)?(@.*)?$/
  } '"$1"
}

# shellcheck disable=SC2016 # awk's own
find_install() {
  api=$(docker ps -a --format '{{.ID}}|{{.Image}}|{{.Label "com.docker.compose.project.working_dir"}}' 2>/dev/null |
    with_api 'api($2) && $3 != "" { print $3 }' | sort -u)
  if [ -n "$want_folder" ]; then
    places="$want_folder"
    case "$(compose_files "$want_folder" | head -n 1) $(compose_files "$want_folder/docker" | head -n 1)" in
      docker-compose.yaml\ *) ;;
      ' '?* | *' docker-compose.yaml') places="$want_folder/docker" ;;
    esac
  else
    places="$api"
    [ -n "$places" ] || for place in /opt/www/dify/docker /opt/dify/docker "$HOME/dify/docker"; do
      [ -n "$(compose_files "$place")" ] && places="$places
$place"
    done
    places=$(printf '%s\n' "$places" | sed '/^$/d')
  fi
  printf '%s\n' "$places" | emit folders
  printf '%s\n' "$api" | emit started
  folder=$(printf '%s\n' "$places" | head -n 1)
  real=$folder
  [ -n "$folder" ] && [ -d "$folder" ] && real=$(cd "$folder" && pwd -P) && folder=$(as_containers_say)
  project="$want_project"
  # what upstream calls the api is looked at too: by its image's name, people are told what they have to say of it
  [ -n "$project" ] || project=$(docker ps -a --format '{{.Label "com.docker.compose.project"}}|{{.Label "com.docker.compose.project.working_dir"}}|{{.Image}}|{{.Label "com.docker.compose.service"}}' 2>/dev/null |
    with_api '$2 == folder && (api($3) || $4 == "api") { print (api($3) ? 0 : 1), $1 }' | sort | awk 'NR == 1 { print $2 }')
  fact folder "$folder"
  [ -n "$folder" ] && [ -w "$folder" ] && { [ ! -e "$folder/.env" ] || [ -w "$folder/.env" ]; } && fact writable yes
  fact project "$project"
}

as_containers_say() { # the same folder, by the path that mounts and labels have, which may lead through a link
  printf '%s\n' "$api" | while read -r place; do
    [ -n "$place" ] && [ "$(cd "$place" 2>/dev/null && pwd -P)" = "$real" ] && echo "$place" && return
  done | grep . || echo "$real"
}

look_at_files() {
  [ -n "$folder" ] && [ -n "$(compose_files "$folder")" ] || return 0
  compose_files "$folder" | emit compose-files
  cd "$folder" || return 0
  listed=$({
    # what no number of other files keeps from being seen
    find . -maxdepth 1 -type f -size -700k \( -name '.env*' -o -name '*.y*ml' -o -name '*.example' -o -name '*.sh' -o -name '*.py' -o -name '*.md' -o -name 'generate*' \)
    small_files . 2
    find volumes/sandbox/conf volumes/sandbox/dependencies volumes/myscale/config volumes/oceanbase volumes/opensearch -maxdepth 2 -type f -size -200k
  } 2>/dev/null | awk 'NR > 6000 { print "!."; exit } !told[$0]++')
  printf '%s\n' "$listed" | sed -n 's/^!//p' | emit unseen
  listed=$(printf '%s\n' "$listed" | sed '/^!/d')
  # as arguments: busybox's tar reads no list
  # shellcheck disable=SC2086 # a name a line
  (IFS="$newline" && set -f && tar -cf - $listed) 2>/dev/null | squeeze | emit files 8000000
  {
    find . \( -path ./volumes -o -name .git -o -name node_modules -o -path ./env-backup \) -prune -o -type l -print
    find volumes -maxdepth 2 -type l
  } 2>/dev/null | head -n 300 | emit links
  command -v git >/dev/null 2>&1 || return 0
  # git before 2.38 hears of safe.directory from no command line, but knows whom sudo speaks for
  # shellcheck disable=SC2012 # the owner's number stands where names with blanks cannot shift it
  g() { SUDO_UID=$(ls -nd "$folder" | awk '{ print $3 }') git -c safe.directory='*' -C "$folder" "$@" 2>/dev/null; }
  top=$(g rev-parse --show-toplevel) || return 0
  g cat-file -e "HEAD:${real#"$top"/}/docker-compose.yaml" || return 0
  fact git-top "$top"
  fact git-folder "$real"
  fact git-commit "$(g rev-parse HEAD)"
  fact git-branch "$(g symbolic-ref -q --short HEAD)"
  g tag --points-at HEAD | emit git-tags
  fact git-remote "$(g remote get-url origin | sed 's|//[^/@]*@|//|')"
  g ls-files -z | emit git-tracked 500000
  g -c core.quotePath=false -c core.fileMode=false status --porcelain --untracked-files=no | emit git-status # a mode that somebody gave all files is no edit
}

small_files() { # FOLDER LEVELS: those in it, or `!FOLDER` where they are more than people write; further down they are told apart
  few=$(small "$1" | head -n 601)
  if is_little "$few"; then printf '%s\n' "$few" | sed '/^$/d' && return 0; fi
  folders=$(find "$1" -maxdepth 1 \( -path ./volumes -o -path ./env-backup -o -name .git -o -name node_modules \) -prune -o -type d ! -path "$1" -print | head -n 61)
  few=$(small "$1" -maxdepth 1 | head -n 601)
  if [ "$2" = 0 ] || [ "$(printf '%s\n' "$folders" | wc -l)" -gt 60 ]; then echo "!$1" && return 0; fi
  if is_little "$few"; then printf '%s\n' "$few"; else echo "!$1"; fi
  printf '%s\n' "$folders" | while IFS= read -r each; do [ -z "$each" ] || small_files "$each" $(($2 - 1)); done
}

small() { # FOLDER [OPTION...] of find
  find "$@" \( -path ./volumes -o -path ./env-backup -o -name .git -o -name node_modules \) -prune -o -type f -size -700k ! -name '*.tgz' ! -name '*.tar' ! -name '*.gz' ! -name '*.dump' -print
}

# shellcheck disable=SC2086 # a name a line
is_little() { # FILES, a line each: no more than settings are, by number and size
  [ "$(printf '%s\n' "$1" | wc -l)" -le 600 ] && { [ -z "$1" ] || (IFS="$newline" && set -f && du -k $1) | awk '{ kib += $1 } END { exit (kib > 6000) }'; }
}

look_at_containers() {
  ids=$(docker ps -aq --no-trunc --filter "label=com.docker.compose.project=${project:-none}" 2>/dev/null | head -n 200)
  [ -n "$ids" ] || return 0
  # shellcheck disable=SC2086 # one argument for each id
  docker inspect --format '{"id":{{json .ID}},"name":{{json .Name}},"image":{{json .Config.Image}},"image_id":{{json .Image}},"env":{{json .Config.Env}},"command":{{json .Args}},"labels":{{json .Config.Labels}},"state":{{json .State.Status}},"exit":{{.State.ExitCode}},"created":{{json .Created}},"started":{{json .State.StartedAt}},"health":{{if .State.Health}}{{json .State.Health.Status}}{{else}}""{{end}},"restarts":{{.RestartCount}},"mounts":{{json .Mounts}},"networks":{{json .NetworkSettings.Networks}},"ports":{{json .NetworkSettings.Ports}}}' $ids 2>/dev/null | squeeze | emit containers 4000000
  docker image ls -q --no-trunc 2>/dev/null | sort -u | head -n 500 | xargs docker image inspect --format '{"id":{{json .ID}},"size":{{.Size}},"tags":{{json .RepoTags}},"digests":{{json .RepoDigests}}}' 2>/dev/null | squeeze | emit images 1000000
  # shellcheck disable=SC2086 # as above. Of those that share a mount, one that runs can be asked.
  mounts=$(docker inspect --format '{{range .Mounts}}{{if or (eq .Type "bind") (eq .Type "volume")}}{{if $.State.Running}}0{{else}}1{{end}}|{{.Source}}|{{$.ID}}|{{.Destination}}
{{end}}{{end}}' $ids 2>/dev/null | sort -u | awk -F'|' 'NF == 4 && !seen[$2]++' | head -n 60)
  weigh_until=$(($(date +%s) + 40))
  printf '%s\n' "$mounts" | while IFS='|' read -r _ source id target; do
    kib=$(weighed "$source" "$id" "$target")
    [ -z "$kib" ] || printf '%s %s\n' "$((kib * 1024))" "$source"
  done | emit sizes
}

weighed() { # SOURCE ID TARGET: kibibytes of a mount; nothing when nobody could see all of it in time
  left=$((weigh_until - $(date +%s))) code=0
  [ "$left" -lt 10 ] || left=10
  [ "$left" -gt 0 ] && [ -n "$1" ] || return 0
  told=$(within "$left" du -sk "$1" 2>&1) || code=$?
  case "$code" in 124 | 137 | 143) return 0 ;; esac # inside it would take as long
  told_all "$told" || told_all "$(within "$left" docker exec -u 0 "$2" timeout "$left" du -sk "$3" 2>&1)"
}

told_all() { # WHAT-DU-SAID: its sum; fails when it was not let in everywhere. What went meanwhile does not matter.
  case "$1" in *enied*) return 1 ;; esac
  printf '%s\n' "$1" | awk '{ kib = $1 } END { if (kib !~ /^[0-9]+$/) exit 1; print kib }'
}

weigh_folder() { # what is copied as configuration; what containers mount is weighed for itself
  (
    cd "$folder" 2>/dev/null || exit
    set -- -path ./volumes -o -path ./env-backup
    while IFS='|' read -r _ source _; do
      case "$source" in "$folder"/?*) set -- "$@" -o -path ".${source#"$folder"}" ;; esac
    done <<MOUNTS
${mounts:-}
MOUNTS
    within 10 find . \( "$@" \) -prune -o -type f ! -name '*.tgz' ! -name '*.tar' ! -name '*.tar.gz' -exec du -k {} + 2>/dev/null && echo whole
  ) | awk 'NF == 1 && $1 == "whole" { whole = 1 } { kib += $1 } END { if (whole) printf "%.0f\n", kib * 1024 }' | emit folder-size
}

setting() { printf '%s\n' "$settings" | sed -n "s/^$1=//p" | head -n 1; }

# shellcheck disable=SC2016 # awk's own
look_at_database() {
  api=$(docker ps -a --no-trunc --filter "label=com.docker.compose.project=${project:-none}" --format '{{.ID}}|{{.Image}}|{{.State}}' 2>/dev/null |
    with_api 'api($2) { print ($3 == "running" ? 0 : 1), $1 }' | sort | awk 'NR == 1 { print $2 }')
  [ -n "$api" ] || return 0
  settings=$(docker inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$api" 2>/dev/null)
  host=$(setting DB_HOST)
  main=$(setting DB_DATABASE)
  DB_SECRET=$(setting DB_PASSWORD)
  user=$(setting DB_USERNAME)
  plugins=$(setting DB_PLUGIN_DATABASE)
  plugins=${plugins:-dify_plugin}
  main=${main:-dify}
  user=${user:-postgres}
  server=$(docker ps --no-trunc --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=${host:-none}" --format '{{.ID}}' 2>/dev/null | head -n 1)
  [ -n "$server" ] || server=$(container_called "$host")
  fact database-container "$server"
  [ -n "$server" ] || networks_of "$api" | emit networks
  case "$(setting DB_TYPE)" in
    mysql) look_at_mysql ;;
    *) look_at_postgresql ;;
  esac
}

container_called() { # HOST: the running container of the project that networks know by this name or address
  # shellcheck disable=SC2046 # one argument for each container
  [ -z "$1" ] || docker inspect --format '{{.ID}} {{.Name}}{{range .NetworkSettings.Networks}} {{.IPAddress}}{{range .Aliases}} {{.}}{{end}}{{end}}' \
    $(docker ps -q --no-trunc --filter "label=com.docker.compose.project=${project:-none}" 2>/dev/null) 2>/dev/null |
    awk -v host="$1" '{ for (i = 2; i <= NF; i++) if ($i == host || $i == "/" host) { print $1; exit } }' |
    while read -r it; do # a pooler is no server
      ! within 10 docker exec "$it" sh -c 'command -v pg_dump || command -v mysqldump || command -v mariadb-dump' >/dev/null 2>&1 </dev/null || echo "$it"
    done
}

networks_of() { # CONTAINER: name, whether nothing leads out of it, and addresses, of each network
  docker inspect --format '{{range $name, $its := .NetworkSettings.Networks}}{{println $name}}{{end}}' "$1" 2>/dev/null | while read -r network; do
    [ -z "$network" ] || docker network inspect --format '{{.Name}}|{{.Internal}}|{{range .IPAM.Config}}{{.Subnet}} {{end}}' "$network" </dev/null 2>/dev/null
  done
}

look_at_postgresql() { # rows are asked three ways, for the first two are 0 or -1 after a crash and in a copy; pages are a least
  # Pages of a table that somebody locks cannot be had (VACUUM FULL), so its own record of them has to do. Sizes come last: they take longest.
  postgresql_questions="select 'version|' || current_setting('server_version');
select 'head|' || version_num from alembic_version;
select 'creates|' || (rolsuper or rolcreatedb and not exists (select 1 from pg_database where datname in (current_database(), '$plugins') and not pg_has_role(datdba, 'USAGE'))) from pg_roles where rolname = current_user;
select 'extension|' || extname from pg_extension;
select 'there|' || datname from pg_database where not datistemplate and has_database_privilege(datname, 'CONNECT');
select 'table|' || relname || '|' || estimate from (select s.relname, greatest(s.n_live_tup, c.reltuples::bigint, case when exists (select 1 from pg_locks l where l.relation = c.oid and l.database = (select oid from pg_database where datname = current_database()) and l.mode = 'AccessExclusiveLock') then c.relpages else pg_relation_size(c.oid) / 8192 end) as estimate from pg_stat_user_tables s join pg_class c on c.oid = s.relid where pg_table_is_visible(c.oid)) as tables order by estimate desc limit 400;
select 'size|' || current_database() || '|' || pg_database_size(current_database());
select 'size|' || datname || '|' || pg_database_size(datname) from pg_database where datname <> current_database() and datname = '$plugins' and has_database_privilege(datname, 'CONNECT');"
  # the owner's limits are none for these, and theirs end with each: behind a pooler a session is somebody else's next
  limits="set local statement_timeout = 20000; set local lock_timeout = 3000"
  if [ -n "$server" ]; then
    {
      printf '%s\n' "$postgresql_questions" | sed "s/.*/begin; $limits; & commit;/" | within 30 docker exec -i "$server" psql -U "$user" -d "$main" -qAtX 2>&1
      within 10 docker exec "$server" psql -U "$user" -d postgres -qAtX -c 'select 1' >/dev/null 2>&1 || echo 'control|false'
    } | emit database
    # shellcheck disable=SC2016 # the container's own shell expands it
    look_beside_server pg_dump '"${PGDATA:-/var/lib/postgresql/data}"'
  else
    printf '%s\n' "import os, socket, psycopg2
e = os.environ
print('address|' + socket.gethostbyname(e['DB_HOST']))
def enter(name):
    return psycopg2.connect(host=e['DB_HOST'], port=e.get('DB_PORT', '5432'), user=e['DB_USERNAME'], password=e.get('DB_PASSWORD', ''), dbname=name, connect_timeout=10)
c = enter(e['DB_DATABASE'])
k = c.cursor()
for q in filter(str.strip, '''$postgresql_questions'''.split(';')):
    try:
        k.execute('$limits')
        k.execute(q)
        print(*(r[0] for r in k.fetchall()), sep='\n')
    except psycopg2.Error as why:
        print('error|' + str(why).splitlines()[0])
    c.rollback()
try:
    enter('postgres')
except psycopg2.Error:
    print('control|false')" | within 40 docker exec -i "$api" python3 -u - 2>/dev/null | emit database
  fi
}

look_beside_server() { # CLIENT DATA: its clients' version; and what is free where the data are, which may be a disk of its own
  beside=$(docker exec "$server" sh -c "$1 --version; cd $2 && df -Pk . && stat -c %d ." 2>/dev/null)
  printf '%s\n' "$beside" | head -n 1 | emit database-client
  printf '%s\n' "$beside" | awk '{ df = number; number = $0 }
    END { split(df, of); if (number ~ /^[0-9]+$/ && of[4] ~ /^[0-9]+$/) printf "%.0f %s %s\n", of[4] * 1024, number, of[1] }' | emit free-database
}

look_at_mysql() {
  mysql_questions="select concat('version|', version());
select concat('size|', schema_name, '|', coalesce(sum(data_length + index_length), 0)) from information_schema.schemata left join information_schema.tables on table_schema = schema_name group by schema_name;
select concat('table|', table_name, '|', coalesce(table_rows, 0)) from information_schema.tables where table_schema = database() limit 400;
select concat('head|', version_num) from alembic_version;
select concat('there|', schema_name) from information_schema.schemata;"
  if [ -n "$server" ]; then
    export DB_SECRET
    # shellcheck disable=SC2016 # the container's own shell expands it
    printf '%s\n' "$mysql_questions" | within 30 docker exec -i -e DB_SECRET "$server" sh -c 'MYSQL_PWD="$DB_SECRET" exec mysql -u"$0" -N -B --force "$1"' "$user" "$main" 2>/dev/null | emit database
    look_beside_server mysqldump /var/lib/mysql
  else
    printf '%s\n' "import os, socket, pymysql
e = os.environ
print('address|' + socket.gethostbyname(e['DB_HOST']))
c = pymysql.connect(host=e['DB_HOST'], port=int(e.get('DB_PORT', '3306')), user=e['DB_USERNAME'], password=e.get('DB_PASSWORD', ''), database=e['DB_DATABASE'], connect_timeout=10)
k = c.cursor()
for q in '''$mysql_questions'''.split(';'):
    try:
        k.execute(q) if q.strip() else None
        print(*(r[0] for r in k.fetchall()), sep='\n') if q.strip() else None
    except pymysql.Error as why:
        print('error|' + str(why))" | within 40 docker exec -i "$api" python3 - 2>/dev/null | emit database
  fi
}

look_at_past() {
  state="$want_state"
  if [ -z "$state" ]; then
    state="${XDG_STATE_HOME:-${HOME:-/root}/.local/state}/dify-upgrade-action"
    [ "$(id -u)" != 0 ] || state=/var/lib/dify-upgrade-action
  fi
  fact state "$state"
  backup="${want_backup:-$state/backups}"
  fact backup "$backup"
  free_at free-backup "$backup"
  [ -z "$folder" ] || free_at free-folder "$folder"
  free_at free-engine "$(docker info --format '{{.DockerRootDir}}' 2>/dev/null || echo /)"
  for past in "$backup"/*/manifest.json; do
    [ -f "$past" ] || continue
    past=$(dirname "$past")
    whole=no
    [ ! -f "$past/complete" ] || whole=yes
    printf '%s|%s|%s|%s\n' "$(basename "$past")" "$whole" "$(du -sk "$past" 2>/dev/null | awk '{ print $1 }')" "$(head -c 65536 "$past/manifest.json" | base64 | tr -d '\n')"
  done 2>/dev/null | tail -n 100 | emit backups 4000000
  look_at_runs
}

look_at_runs() { # how far each is, as a run that is followed is asked too: look is follow.sh's
  for run in "$state"/runs/*/; do
    [ -f "$run/runbook.sh" ] || continue
    printf '%s|%s|%s\n' "$(basename "$run")" "$(RUN=${run%/} && look 0 0 | awk 'NR == 1 { print $2 }')" "$([ -f "$run/read" ] && echo read)"
  done 2>/dev/null | tail -n 50 | emit runs
  [ -d "$state/lock" ] || return 0
  for each in owner run expiry boot pid start; do printf '%s=%s\n' "$each" "$(head -c 500 "$state/lock/$each" 2>/dev/null | tr '\n' ' ')"; done | emit lock
  pid=$(cat "$state/lock/pid" 2>/dev/null)
  sed -e 's/.*) //' -e '/^[ZX]/d' "/proc/${pid:-none}/stat" 2>/dev/null | cut -d ' ' -f 20 | emit lock-started
}

command -v base64 >/dev/null 2>&1 || { echo probe-lacks-base64 && exit 0; } # nothing could be told without it
look_at_host
if command -v docker >/dev/null 2>&1; then
  look_at_engine
  find_install
  look_at_files
  look_at_containers
  [ -z "$folder" ] || weigh_folder
  look_at_database
  look_at_past
fi
fact end whole
