"""The steps while the old release serves: everything is fetched, saved and proved, and nothing of Dify is touched."""

from __future__ import annotations

import re
from collections.abc import Iterator

from difyaction.compose.estimates import CLONE_SPEED, DUMP_SPEED, estimated_again, standing
from difyaction.compose.folder import LEFT_OUT, is_apart
from difyaction.compose.roles import Role
from difyaction.compose.shift import Shift
from difyaction.compose.steps import Step
from difyaction.compose.words import call

_KEPT_RUNS = 10  # folders of runs that ended, for whoever wants to read a log
_PULLED = """echo "pulling $(cat "$RUN/pulling"), images take $(dk system df --format '{{.Size}}' | head -n 1)\""""


# how far what writes into the backup has come
SAVED = 'echo "$(du -sk "$BACKUP" | cut -f 1) KiB are in the backup"'


def backup_steps(shift: Shift) -> Iterator[Step]:
    """Yield them in order. A failure among these leaves the machine as it was."""
    yield Step("check", _check(shift), title="Check that nothing moved since the plan")
    pull = "\n".join(call("pull_image", image) for image in shift.images)
    yield Step("pull", pull, timeout=shift.wishes.pull_timeout, title="Pull and check every image", live=_PULLED)
    title = f"Read the schema that Dify {shift.wanted} expects"
    # a backup is proven whole by reading all of it, however large it is
    yield Step("read-head", _read_head(shift), timeout=None if shift.back_to else 300, title=title)
    if shift.install.checkout is not None and not shift.back_to:
        fetch = call("fetch_tag", shift.wanted.tag)
        title = "Fetch the release's tag into the checkout"
        yield Step("fetch-tag", fetch, timeout=shift.wishes.pull_timeout, title=title)
    yield from _dumps(shift)
    yield Step("save-files", _save_files(shift), title="Save configuration, keys and volumes", live=SAVED)
    if estimated_again(shift):
        share = (CLONE_SPEED // DUMP_SPEED, CLONE_SPEED) if shift.clone else ()
        hold = call("hold_estimate", standing(shift), shift.wishes.max_downtime, *share)
        yield Step("estimate", hold, title="Estimate the time without service by the first dump")
    yield Step("seal", "seal", title="Write the checksums of the backup")


def _dumps(shift: Shift) -> Iterator[Step]:
    for name in shift.database.names:
        which = "" if name == shift.database.main else "-plugins"
        file = f'"$BACKUP/{name}.dump"'
        dump = f"{_guarded(shift)}{call('dump', name)} {file}"
        live = f'echo "$(wc -c <{file}.part | tr -d " ") bytes of the dump are written"'
        undo = "" if which else "discard_backup"  # of all that is written from here on
        yield Step(f"dump{which}", dump, undo, title=f"Dump the database {name}", live=live, touches=False)
        test = f"{call('test_restore', name)} {file}"
        if name == shift.database.names[-1]:
            test += "\nremove_scratch"
        title = f"Read the dump of {name} back"
        yield Step(f"test{which}", test, "undo_scratch", title=title, touches=False)


def _guarded(shift: Shift) -> str:
    """Return what stands before a command that fills the disk; nobody is kept from going back for want of a reserve."""
    return "" if shift.back_to else "with_room "


def _check(shift: Shift) -> str:
    lines = [call("prune_runs", _KEPT_RUNS), "begin_backup"]
    if shift.switched:
        lines.append(call("may_write", *sorted(shift.switched)))
    if shift.install.checkout is not None:
        lines.append("may_check_out")
    for file in shift.files:
        if not file.before:
            packed = shift.back_to and not is_apart(file.path, shift.data_folders)  # an undo finds it in the copy
            lines.append(call("is_no_link" if packed else "is_absent", file.path))
        elif not shift.back_to:  # else what was edited since is saved, and an undo puts it back
            lines.append(call("is_unchanged", file.path, file.before))
    # whoever goes back may do so because the api crashes, or stands still
    needed = {name: found for name, (role, found) in shift.before.items() if role is Role.API and not shift.back_to}
    if shift.database.container:
        needed[shift.database.service] = shift.database.container
    lines.append(call("check_containers", *(f"{name}={found}" for name, found in needed.items())))
    if not shift.back_to and f"broken-before@{shift.wanted}" not in shift.wishes.acknowledge:
        lines.append("serves_before")
    return "\n".join(lines)


def _read_head(shift: Shift) -> str:
    if shift.back_to:
        others = sorted({file.kept_in for file in shift.files} - {"", shift.back_to})
        sealed = [call("is_sealed", shift.back_to), *(call("has_files_sealed", folder) for folder in others)]
        return "\n".join([*sealed, f'{call("printf", "%s", shift.head_after)} >"$RUN/wanted-head"'])
    return call("read_head", shift.after[shift.api].image, shift.head_after)


def _save_files(shift: Shift) -> str:
    exclude = (*LEFT_OUT, *(re.sub(r"([\\[\]*?])", r"\\\1", path) for path in shift.data_folders))
    pack = f"{_guarded(shift)}pack"
    lines = [f'{pack} "$FOLDER" "$BACKUP/config.tar" {call(*(f"--exclude=./{name}" for name in exclude))}']
    if shift.install.main in shift.install.files:
        lines.append(f'holds "$BACKUP/config.tar" {call(shift.install.main)}')
    held = (path for path in shift.switched if path in shift.install.files)
    if named := sorted(path for path in held if is_apart(path, shift.data_folders)):
        lines.append(f'pack_named "$BACKUP/named.tar" {call(*(f"./{path}" for path in named))}')
    if shift.storage:
        lines.append(call("save_keys", shift.storage))
    lines += [f'{pack} {call(source)} "$BACKUP/{name}.tar"' for name, source in shift.saved.items()]
    if shift.install.checkout is not None:
        lines.append("save_checkout")
    return "\n".join(lines)
