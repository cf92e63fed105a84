"""The steps that change the machine. Each says first how it is undone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from difyaction.compose.backup_steps import SAVED
from difyaction.compose.estimates import USER_1001, copies_files
from difyaction.compose.extra_steps import extra_steps
from difyaction.compose.roles import Role
from difyaction.compose.shift import Shift
from difyaction.compose.steps import Step
from difyaction.compose.tables import shrinking_tables
from difyaction.compose.wishes import SNAPSHOT_WAIT
from difyaction.compose.words import Variable, call

BACKUP = Variable('"$BACKUP"')
CLONE = "_before_upgrade"
_STOP_SECONDS = 30
_ONCE = 600  # seconds that each service has which prepares something and exits (run_once)
_READ_BACK = 'echo "the databases take $(databases_take 2>/dev/null | tr "\\n" " ")"'
_MIGRATED = 'echo "the schema is at $(schema_head 2>/dev/null | tr "\\n" " ")"'


def change_steps(shift: Shift) -> Iterator[Step]:
    """Yield them in order, from the first that users notice to the last before the checks."""
    workers = _workers(shift)
    drain = shift.wishes.drain_timeout
    if workers:
        do, undo = call("drain", drain, *workers), call("listen_again", *workers)
        yield Step("drain", do, undo, timeout=drain + 300, title="Let the workers finish")
    stop = call("stop_writers", _STOP_SECONDS, *(" ".join(wave) for wave in shift.stops))
    yield Step("stop", stop, serving_again(shift), timeout=600, title="Stop whatever writes")
    if shift.wishes.final_backup == "snapshot":
        wait = call("await_snapshot", SNAPSHOT_WAIT)
        yield Step("snapshot", wait, timeout=SNAPSHOT_WAIT + 60, title="Wait until the disks are kept")
    if shift.data_change:
        # what takes as long as service may be away altogether was estimated wrongly; nobody is kept from going back
        most = None if shift.back_to else shift.wishes.max_downtime or None
        title, live = "Back up once more, with nobody writing", "" if shift.clone else SAVED
        yield Step("final-backup", *_final_backup(shift), timeout=most, title=title, live=live)
    if shift.one_way:
        yield Step("save-volumes", *_save_volumes(shift), title="Save the volumes whose format changes", live=SAVED)
    yield Step("switch", _switch(shift), switch_back(shift), title="Switch the files")
    yield from _database_steps(shift)
    if shift.wanted.numbers >= USER_1001:
        how = "crossing" if shift.installed.numbers < USER_1001 else "after"
        own = call("own_storage", shift.api, how)
        yield Step(
            "own",
            own,
            timeout=max(1800, shift.wishes.start_timeout),
            title="Give the storage to the user that Dify runs as",
        )
    most = max(900, shift.wishes.patience + 300) + _ONCE * len(_prepares(shift))
    yield Step("start", _start(shift), _unstart(shift), timeout=most, title=f"Start Dify {shift.wanted}")
    yield from extra_steps(shift)


def serving_again(shift: Shift) -> str:
    """Return what starts the old release again, and proves that users get what they had."""
    held = {*shift.untouched, shift.database.service, ""}
    known = (name for name, (_, found) in shift.before.items() if name not in held and found not in shift.unnamed)
    proxy = next((name for name, (role, _) in shift.before.items() if role is Role.PROXY), "")
    serve = call("serve_again", shift.wishes.patience, proxy, " ".join(known), *reversed(_stopped(shift)))
    rest = [found for found in _stopped(shift) if found in shift.unnamed]
    return f"{{ {serve} && {call('start_by_id', *rest)}; }}" if rest else serve


def switch_back(shift: Shift) -> str:
    """Return what puts every file back as it was packed."""
    lines = []
    checkout = shift.install.checkout
    if checkout is not None:
        lines.append(f"{call('checkout_of_backup', BACKUP)} || exit 1")
    missing = {file.path for file in shift.files if not file.before}
    gone = missing | set(checkout.deleted if checkout else ())
    gone -= set(shift.install.files)  # `git rm --cached` leaves the file where it is
    for path in sorted({*shift.switched, *gone}):
        if path not in gone:
            line = call("put_back", path)
        elif shift.back_to and path in missing:  # or only not seen: the copy knows
            line = call("switch_as_packed", path, BACKUP)
        else:
            line = call("take_away", path)
        lines.append(f"{line} || exit 1")
    return "\n".join([*lines, *_handed_over(shift), 'rm -f "$RUN/switched"'])


def stopping_new(shift: Shift) -> str:
    """Return what takes away what only the new release has, and stops what both have."""
    new = [name for name in shift.after if name not in shift.before and name != shift.database_service]
    both = [name for name in (*shift.started, *shift.late, shift.proxy) if name and name in shift.before]
    return call("stop_new", " ".join(both), " ".join(new))


def _workers(shift: Shift) -> list[str]:
    stopped = _stopped(shift)
    return [container for role, container in shift.before.values() if role is Role.WORKER and container in stopped]


def _stopped(shift: Shift) -> tuple[str, ...]:
    return tuple(itertools.chain.from_iterable(shift.stops))


def _final_backup(shift: Shift) -> tuple[str, str]:
    if shift.clone:
        undo = f"{call('end_cloning', CLONE)}\n{call('drop_clones', CLONE)}"
        return f"nobody_writes\n{call('clone_databases', CLONE, *(['FILE_COPY'] if copies_files(shift) else []))}", undo
    dumps = (f'{call("dump", name)} "$BACKUP/{name}.final"' for name in shift.database.names)
    return "\n".join(["nobody_writes", *dumps]), ""


def _save_volumes(shift: Shift) -> tuple[str, str]:
    do = [f'{call("pack", source)} "$BACKUP/{name}.tar"' for name, source in shift.one_way.items()]
    undo = [
        f'[ ! -e "$RUN/started" ] || {call("unpack", source)} "$BACKUP/{name}.tar" || exit 1'
        for name, source in shift.one_way.items()
    ]
    return "\n".join(do), "\n".join(undo)


def _switch(shift: Shift) -> str:
    checkout = shift.install.checkout
    if shift.back_to:
        lines = [call("checkout_of_backup", shift.back_to)] if checkout else []
        back = [file for file in shift.files if file.path not in shift.created]
        for file in back:
            verb = "switch_as_packed" if file.perhaps else "switch_file_back"
            lines.append(call(verb, file.path, file.kept_in or shift.back_to))
        lines += [call("take_away", path) for path in shift.created]
    else:
        lines = ["checkout_commit"] if checkout else []
        # a checkout puts upstream's files there: every file of theirs goes back on top, merged or as it was
        lines += [call("switch_file", path, f"{mode:o}") for path, mode in sorted(shift.switched.items())]
        deleted = set(checkout.deleted if checkout else ()) - set(shift.switched) - set(shift.install.files)
        lines += [call("take_away", path) for path in sorted(deleted)]
    return "\n".join(["from_here switched", *lines, *_handed_over(shift)]) if lines else ":"


def _handed_over(shift: Shift) -> list[str]:
    """Return what gives the files to whoever the folder belongs to, for a run by root makes them root's."""
    if shift.install.checkout is not None:
        return ['hand_over "$TOP"']
    return ['hand_over "$FOLDER"'] if shift.files else []


def _database_steps(shift: Shift) -> Iterator[Step]:
    if shift.moves_database:
        words = (shift.database.container, shift.database_service)
        do, undo = call("move_database", *words), call("move_database_back", *words)
        yield Step("move-database", do, undo, timeout=300, title="Start the database as its new service")
    undo = call("undo_migration", "clones", CLONE) if shift.clone else call("undo_migration", "dumps")
    if shift.back_to and shift.data_change:
        title = "Read the backup back" if shift.restores else "Keep the databases as they are"
        yield Step("restore", _restore(shift), undo, title=title, live=_READ_BACK if shift.restores else "")
    elif shift.data_change:
        limit = shift.wishes.migration_timeout or ""
        do = call("migrate", shift.api, limit, shift.wishes.migration_idle)
        yield Step("migrate", f"{do}\n{_proving_rows(shift)}", undo, title="Migrate the database", live=_MIGRATED)


def _proving_rows(shift: Shift) -> str:
    """Return what looks for lost rows while nothing runs that could write or delete: before the new release starts."""
    consent = f"rows-lost@{shift.wanted}"
    asked = "" if consent in shift.wishes.acknowledge else consent
    return call("prove_rows", asked, *shrinking_tables(shift.installed, shift.wanted))


def _restore(shift: Shift) -> str:
    """Read the databases and one-way volumes back from the backup that was asked for.

    Where only stores get an older image, over the data of now, the databases stay. An undo puts both as they were.
    """
    if not shift.restores:
        return "nobody_writes"
    held = {name: source for name, source in shift.one_way.items() if name not in shift.copyless}
    kept = [call("read_back", source, f"{shift.back_to}/{name}.tar") for name, source in held.items()]
    proven = ["prove_schema", call("prove_rows_of", shift.back_to)]  # nothing runs yet that could write
    return "\n".join(["nobody_writes", "from_here started", call("read_databases_back", shift.back_to), *kept, *proven])


def _unstart(shift: Shift) -> str:
    """Return what stops the new release. Where no database is put back, what it wrote by then stays: no loss."""
    if shift.data_change:
        return stopping_new(shift)
    return '[ ! -e "$RUN/started" ] || rm -f "$RUN/fingerprint"\n' + stopping_new(shift)


def _start(shift: Shift) -> str:
    return "\n".join([*(call("run_once", name) for name in _prepares(shift)), call("start_services", *shift.started)])


def _prepares(shift: Shift) -> list[str]:
    return [name for name in shift.once if name not in shift.untouched]
