"""The steps that change the machine. Each says first how it is undone."""

from __future__ import annotations

from collections.abc import Iterator

from difyaction.compose.extra_steps import extra_steps
from difyaction.compose.roles import Role
from difyaction.compose.shift import Shift
from difyaction.compose.steps import Step
from difyaction.compose.words import words

_CLONE = "_before_upgrade"
_STOP_SECONDS = 30
_USER_1001 = (1, 10, 1)  # from here on Dify's containers run as this user


def change_steps(shift: Shift) -> Iterator[Step]:
    """Yield them in order, from the first that users notice to the last before the checks."""
    yield Step(
        "drain",
        _drain(shift),
        _undrain(shift),
        timeout=shift.wishes.drain_timeout + 120,
        title="Let the workers finish",
    )
    yield Step("stop", _stop(shift), serve_again(shift), timeout=600, title="Stop whatever writes")
    if shift.schema_changes:
        yield Step("final-backup", *_final_backup(shift), title="Back up once more, with nobody writing")
    if shift.one_way:
        yield Step("save-volumes", *_save_volumes(shift), title="Save the volumes whose format changes")
    yield Step("switch", _switch(shift), switch_back(shift), title="Switch the files")
    if shift.moves_database:
        yield Step("move-database", *_move_database(shift), timeout=300, title="Start the database as its new service")
    if shift.restores:
        yield Step("restore", restore(shift), _restore(shift), title="Read the backup back")
    elif shift.schema_changes:
        yield Step("migrate", _migrate(shift), _restore(shift), title="Migrate the database", live=_MIGRATING)
    yield Step("own", _own(shift), timeout=1800, title="Give the storage to the user that Dify runs as")
    yield Step(
        "start", _start(shift), stop_new(shift), timeout=shift.wishes.start_timeout, title="Start the new release"
    )
    if not shift.back_to:
        yield from extra_steps(shift)


_MIGRATING = "schema_head 2>/dev/null"


def _workers(shift: Shift) -> list[str]:
    return [container for role, container in shift.before.values() if role is Role.WORKER and container in shift.stops]


def _drain(shift: Shift) -> str:
    workers = words(_workers(shift))
    if not workers:
        return "say no worker runs"
    return f"""\
: >"$RUN/queues"
for worker in {workers}; do
  queues_of "$worker" >"$RUN/queues-of-$worker"
  sort -u "$RUN/queues" "$RUN/queues-of-$worker" >"$RUN/queues.all" && mv "$RUN/queues.all" "$RUN/queues"
done
say "queues: $(tr '\\n' ' ' <"$RUN/queues")"
for worker in {workers}; do
  while read -r queue; do celery_in "$worker" control cancel_consumer "$queue" >/dev/null || true; done <"$RUN/queues-of-$worker"
done
idle() {{ for worker in {workers}; do [ "$(active_in "$worker")" = 0 ] || return 1; done; }}
until_deadline {shift.wishes.drain_timeout} 1 idle || true
cut=0
for worker in {workers}; do cut=$((cut + $(active_in "$worker"))); done
fact tasks-cut "$cut"
say "$cut tasks were still running\""""


def _undrain(shift: Shift) -> str:
    """Workers that were only told to stop listening forget it when they start anew."""
    return (
        f'for worker in {words(_workers(shift))}; do ! running "$worker" || dk restart "$worker" >/dev/null || exit 1; done'
        if _workers(shift)
        else "true"
    )


def _stop(shift: Shift) -> str:
    return f"""\
service_stops
keep_stopped {words(shift.stops)} || fail stop-failed "The restart policy of a container could not be changed."
stop_by_id {_STOP_SECONDS} {words(shift.stops)} || fail stop-failed "A container could not be stopped."
fingerprint >"$RUN/fingerprint" || fail database-gone "The database cannot be read."
schema_head >"$RUN/head-before\""""


def serve_again(shift: Shift) -> str:
    """Start the old containers, or make them anew where they are gone; prove that users get what they had."""
    services = words(
        name for name in shift.before if name and name not in shift.untouched and name != shift.database.service
    )
    return f"""\
until_deadline 120 1 database_answers || {{ say "the database does not answer"; exit 1; }}
if [ -s "$RUN/fingerprint" ]; then
  fingerprint >"$RUN/fingerprint.now" && cmp -s "$RUN/fingerprint" "$RUN/fingerprint.now" || {{ say "the data are not what they were"; exit 1; }}
  [ ! -s "$RUN/head-before" ] || [ "$(schema_head)" = "$(cat "$RUN/head-before")" ] || {{ say "the schema is not what it was"; exit 1; }}
fi
restart_as_before || exit 1
if dk inspect {words(shift.stops)} >/dev/null 2>&1; then
  start_by_id {words(reversed(shift.stops))} || exit 1
else
  dc up -d --no-deps --no-build {services} || exit 1
fi
[ -z "$(of_service {words([_proxy_before(shift)])})" ] || dk restart "$(of_service {words([_proxy_before(shift)])})" >/dev/null
if three_times 300 serves_users; then
  service_is_back
  say "the old release serves, with the data that it had"
else
  say "the old release does not serve: $(reason)"
  exit 1
fi"""


def _proxy_before(shift: Shift) -> str:
    return next((name for name, (role, _) in shift.before.items() if role is Role.PROXY), "none")


def _final_backup(shift: Shift) -> tuple[str, str]:
    if shift.clone:
        return f"clone_databases {_CLONE}", f"drop_clones {_CLONE}"
    return "\n".join(
        f'dump {words([name])} "$BACKUP"/{words([f"{name}.final"])}' for name in shift.database.names
    ), "true"


def _save_volumes(shift: Shift) -> tuple[str, str]:
    do = [f'pack {words([source])} "$BACKUP"/{words([f"{name}.tar"])}' for name, source in shift.one_way.items()]
    undo = [
        f'[ ! -e "$RUN/started" ] || unpack {words([source])} "$BACKUP"/{words([f"{name}.tar"])} || exit 1'
        for name, source in shift.one_way.items()
    ]
    return "\n".join(do), "\n".join(undo)


def _switch(shift: Shift) -> str:
    if shift.back_to:
        return _switch_to_backup(shift)
    lines = []
    if shift.install.checkout is not None:
        lines.append(
            '[ ! -s "$RUN/target-commit" ] || git_there checkout -q -f --detach "$(cat "$RUN/target-commit")" >"$RUN/checkout.said" 2>&1 ||'
            " fail switch-failed \"git checkout failed: $(tail -n 2 \"$RUN/checkout.said\" | tr '\\n' ' ')\""
        )
        # The checkout put upstream's files there: every file of theirs goes back, merged or as it was.
        paths = sorted({*(file.path for file in shift.files), *shift.install.checkout.edited})
    else:
        paths = [file.path for file in shift.files]
    modes = {file.path: file.mode for file in shift.files}
    lines += [
        f'put_file "$FILES"/{words([path])} {words([path])} {modes.get(path, 0o644):o} || fail switch-failed "{path} cannot be written."'
        for path in paths
    ]
    return "\n".join(lines)


def _switch_to_backup(shift: Shift) -> str:
    lines = [
        f'put_back {words([file.path, shift.back_to])} || fail switch-failed "{file.path} cannot be written."'
        for file in shift.files
    ]
    if shift.install.checkout is None:
        return "\n".join(lines)
    head = f"{shift.back_to}/git-head"
    checkout = (
        f"commit=$(head -n 1 {words([head])}) branch=$(sed -n 's|^refs/heads/||p' {words([head])})\n"
        'if [ -n "$branch" ]; then git_there checkout -q -f "$branch"; else git_there checkout -q -f --detach "$commit"; fi'
        ' || fail switch-failed "The checkout does not go back."'
    )
    return "\n".join([checkout, *lines])


def switch_back(shift: Shift) -> str:
    lines = []
    if shift.install.checkout is not None:
        commit, branch = shift.install.checkout.commit, shift.install.checkout.branch
        lines.append(f"git_there checkout -q -f {words([branch] if branch else ['--detach', commit])} || exit 1")
    paths = {file.path for file in shift.files} | set(shift.install.checkout.edited if shift.install.checkout else ())
    lines += [f"put_back {words([path])} || exit 1" for path in sorted(paths)]
    return "\n".join(lines)


def _move_database(shift: Shift) -> tuple[str, str]:
    old, new = shift.database.service, shift.database_service
    do = f"""\
dk stop -t 60 {shift.database.container} >/dev/null || fail stop-failed "The old container of the database could not be stopped."
dc up -d --no-deps --no-build {words([new])} || fail start-failed "{new} did not start."
printf %s {words([new])} >"$RUN/db-service"
until_deadline 240 1 database_answers || fail start-failed "The database does not answer as {new}: $(last_words {words([new])})\""""
    undo = f"""\
[ -z "$(of_service {words([new])})" ] || dk rm -f "$(of_service {words([new])})" >/dev/null || exit 1
rm -f "$RUN/db-service"
dk start {shift.database.container} >/dev/null && say "the database is {old} again" && until_deadline 120 1 database_answers"""
    return do, undo


def _migrate(shift: Shift) -> str:
    limit = shift.wishes.migration_timeout
    return f"""\
dk rm -fv "$MIGRATION" >/dev/null 2>&1 || true
began=$(date +%s)
seen="$began"
{{
  code=0
  dc run --rm --no-deps -T --name "$MIGRATION" -e MIGRATION_ENABLED=false --entrypoint flask {words([shift.api])} db upgrade >"$RUN/migration.log" 2>&1 </dev/null || code=$?
  echo "$code" >"$RUN/migration.code"
}} &
until [ -e "$RUN/migration.code" ]; do
  sleep 1
  now=$(date +%s)
  ! database_works || seen="$now"
  {f'[ $((now - began)) -lt {limit} ] || fail migration-timeout "The migration took longer than {limit} s."' if limit else ":"}
  [ $((now - seen)) -lt {shift.wishes.migration_idle} ] || fail migration-hangs "The migration has not touched the database for {shift.wishes.migration_idle} s."
done
code=$(cat "$RUN/migration.code")
fact migration-seconds $(($(date +%s) - began))
[ "$code" = 0 ] || fail migration-failed "flask db upgrade ended with exit code $code: $(grep -v '^ ' "$RUN/migration.log" | tail -n 2 | tr '\\n' ' ')"
[ "$(schema_head)" = "$(cat "$RUN/wanted-head")" ] || fail migration-incomplete "flask db upgrade ended well, but the schema is $(schema_head) and not $(cat "$RUN/wanted-head")."
say "the schema is $(cat "$RUN/wanted-head")\""""


def _restore(shift: Shift) -> str:
    back = f"restore_clones {_CLONE}" if shift.clone else 'restore_dumps "$BACKUP" final'
    same = "" if shift.database.kind == "mysql" else (
        'if [ ! -e "$RUN/started" ] && [ "$(schema_head)" = "$(cat "$RUN/head-before")" ] && fingerprint >"$RUN/fingerprint.now" && cmp -s "$RUN/fingerprint" "$RUN/fingerprint.now"; then\n'
        '  say "the database did not change"\n  exit 0\nfi\n'
    )  # fmt: skip
    return (
        f'dk rm -fv "$MIGRATION" >/dev/null 2>&1 || true\nuntil_deadline 120 1 database_answers || exit 1\n{same}{back}'
    )


def restore(shift: Shift) -> str:
    """Read the databases and one-way volumes back from the backup that was asked for."""
    lines = [
        f'restore_backup {words([shift.back_to])} || fail restore-failed "The databases could not be read back."',
        *(
            f'unpack {words([source, f"{shift.back_to}/{name}.tar"])} || fail restore-failed "{source} could not be read back."'
            for name, source in shift.one_way.items()
        ),
        '[ "$(schema_head)" = "$(cat "$RUN/wanted-head")" ] || fail restore-failed "The schema of the backup is $(schema_head)."',
    ]
    return "\n".join(lines)


def _own(shift: Shift) -> str:
    if shift.wanted.numbers < _USER_1001:
        return "say this release runs as root"
    api = words([shift.api])
    crossing = "false" if shift.installed.numbers < _USER_1001 else "writes_as_1001"
    return f"""\
in_storage() {{ user="$1"; shift; dc run --rm --no-deps -T --user "$user" --entrypoint sh {api} -c "$1" >"$RUN/own.said" 2>&1 </dev/null; }}
writes_as_1001() {{ in_storage 1001:1001 'touch /app/api/storage/.upgrade-check && rm /app/api/storage/.upgrade-check'; }}
if ! {crossing}; then
  in_storage 0:0 'find /app/api/storage ! -user 1001 -exec chown 1001:1001 {{}} +' || fail storage-not-owned "The storage cannot be given to user 1001: $(tail -n 2 "$RUN/own.said" | tr '\\n' ' ')"
  writes_as_1001 || fail storage-not-owned "User 1001 cannot write to the storage: $(tail -n 2 "$RUN/own.said" | tr '\\n' ' ')"
fi"""


def _start(shift: Shift) -> str:
    once = "".join(
        f"dc up -d --no-deps --no-build {words([name])} && "
        f'until_deadline 600 1 ended {words([name])} || fail start-failed "{name} did not end well: $(last_words {words([name])})"\n'
        for name in shift.once
    )
    return f"""\
: >"$RUN/started"
ended() {{ [ "$(dk inspect --format '{{{{.State.Status}}}} {{{{.State.ExitCode}}}}' "$(of_service "$1")")" = 'exited 0' ]; }}
{once}dc up -d --no-deps --no-build {words(shift.started)} || fail start-failed "Compose could not start the new release.\""""


def stop_new(shift: Shift) -> str:
    """Take away what only the new release has, stop what both have."""
    new = [name for name in shift.after if name not in shift.before and name != shift.database_service]
    both = [name for name in (*shift.started, *shift.late, shift.proxy) if name and name in shift.before]
    return f"""\
remove_held
for each in {words([*both, *new])}; do
  id=$(of_service "$each")
  [ -z "$id" ] || dk stop -t 10 "$id" >/dev/null || exit 1
done
for each in {words(new) or "''"}; do
  id=$(of_service "$each")
  [ -z "$id" ] || dk rm -fv "$id" >/dev/null || exit 1
done"""
