"""Which backup `mode: rollback` goes back to, through which others, and what of the folder each of them has. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from difyaction.compose.answers import mapping, sequence, string
from difyaction.compose.facts import Backup, Machine
from difyaction.compose.roles import Role
from difyaction.errors import Failed
from difyaction.releases.version import Version


def chosen(machine: Machine, name: str, installed: Version) -> Backup:
    """Return the backup of that id; without one, the last of an upgrade that led to another release from there.

    :raises Failed: ``backup-unknown``, ``backup-incomplete``, ``backup-unreadable`` or ``backup-elsewhere``.
    """
    folder = machine.install.folder if machine.install else ""
    found = next((b for b in machine.backups if b.id == name), None) if name else _last(machine, installed)
    if found is None:
        raise Failed(
            "backup-unknown",
            "There is no backup {name} in {folder}; there are {known}.",
            next_step="Correct rollback-to or backup-dir.",
            name=name or "to go back to",
            folder=machine.backup_folder,
            known=", ".join(backup.id for backup in machine.backups) or "none",
        )
    if not found.complete or not found.manifest:
        raise Failed(
            "backup-incomplete",
            "The backup {name} was never finished, so that nobody may rely on it.",
            next_step="Choose another one in rollback-to.",
            name=found.id,
        )
    if unread := _unread(found.manifest):
        raise Failed(
            "backup-unreadable",
            "The manifest of the backup {name} cannot be made out ({key}); another version of this Action may have"
            " made it.",
            next_step="Go back with the version of this Action that made it, or choose another backup in rollback-to.",
            name=found.id,
            key=unread,
        )
    if machine.install is None or found.of != folder:
        raise Failed(
            "backup-elsewhere",
            "The backup {name} is of {folder}, and another Dify is looked at.",
            next_step="Name that folder in dify-folder, or choose another backup.",
            name=found.id,
            folder=found.of or "nowhere",
        )
    return found


def way_back(machine: Machine, backup: Backup, installed: Version) -> tuple[Backup, ...]:
    """Return the backups by which one goes back step by step: the newest first, this one last.

    Each is of the upgrade to what the one before it leads back to, so that what was undone, or taken back since, is
    none of them. Empty: those that are there do not lead to this one.
    """
    way, leads = _down(machine, backup, installed)
    return (*way, backup) if leads else ()


def files_back(machine: Machine, backup: Backup, installed: Version, tracked: Collection[str]) -> dict[str, Backup]:
    """Return the files that go back: by path, the first backup whose upgrade changed it, which has it as it was.

    Where those that are there do not lead to this backup, they have files of another state: this one has its own.
    ``tracked`` are those of a checkout: of upgrades after this one's, its commit brings them back.
    """
    way, leads = _down(machine, backup, installed)
    found: dict[str, Backup] = {}
    for each in (backup, *reversed(way)):
        for path in _paths(sequence(each.manifest, "files")):
            if each == backup or path not in tracked:
                found.setdefault(path, each if leads else backup)
    return found


def is_its_own(path: str, backup: Backup) -> bool:
    """Whether the upgrade that this backup is of changed a file: then the backup tells whether it was there."""
    return path in sequence(backup.manifest, "files")


def was_brought(path: str, backup: Backup) -> bool:
    """Whether a file was not there before the upgrade that this backup is of."""
    return path in sequence(backup.manifest, "created")


def _unread(manifest: Mapping[str, object]) -> str:
    """Return the key of a manifest that says nothing one could go back to; empty when there is none."""
    try:
        Version.parse(string(manifest, "from"))
    except ValueError:
        return "from"
    records = mapping(manifest, "services")
    for name, record in records.items():
        if not isinstance(record, dict) or not string(record, "image") or string(record, "role") not in {*Role}:
            return f"services.{name}"
    return "" if any(record["role"] == Role.API for record in records.values()) else "services"


def _last(machine: Machine, installed: Version) -> Backup | None:
    """Return what is meant when no backup is named: that of the last upgrade to what runs.

    Where there is none, Dify was upgraded by hand since: then the last one of another release that was not taken back.
    """
    folder = machine.install.folder if machine.install else ""
    whole = sorted((each for each in machine.backups if each.complete and each.of == folder), key=_time)
    upgrades = [each for each in whole if not _of_a_rollback(each) and _from(each) != str(installed)]
    found = [each for each in upgrades if _to(each) == str(installed)]
    found = found or [each for each in upgrades if not _taken_back(each, whole)]
    if whole and not found:
        raise Failed(
            "backup-unknown",
            "Going back without rollback-to takes the last upgrade to Dify {installed}, which runs, or else the last"
            " one that was not taken back, and {folder} has neither; there are {known}.",
            next_step="Name the backup that is meant in rollback-to.",
            folder=machine.backup_folder,
            installed=installed,
            known=", ".join(backup.id for backup in whole),
        )
    return found[-1] if found else None


def _taken_back(backup: Backup, whole: Sequence[Backup]) -> bool:
    """Whether somebody went back from there since, to before it; where to is gone, it was older than all others."""
    later = [each for each in whole if _time(each) > _time(backup) and _of_a_rollback(each)]
    return any(_time(backup) >= _target(each, whole) for each in later)


def _target(made: Backup, whole: Sequence[Backup]) -> tuple[int, str]:
    """Return the time of the backup that somebody went back to when this one was made."""
    name = string(made.manifest, "back-to")
    earlier = [each for each in whole if _time(each) < _time(made)]
    fitting = [each for each in earlier if (each.id == name if name else _from(each) == _to(made))]
    return _time(fitting[-1]) if fitting else (0, "")


def _down(machine: Machine, backup: Backup, installed: Version) -> tuple[list[Backup], bool]:
    """Return the upgrades that led from before to what runs, the newest first, and whether they came from here.

    They did where the first of them began at one of the two releases that this backup's upgrade was between.
    """
    at, way = str(installed), []
    for each in reversed(_since(machine, backup)):
        if at in {_from(backup), _to(backup)}:
            break
        if _to(each) == at and not _of_a_rollback(each):
            way.append(each)
            at = _from(each)
    return way, at in {_from(backup), _to(backup)}


def _since(machine: Machine, backup: Backup) -> tuple[Backup, ...]:
    """Return the whole backups of the same Dify from this one on, the oldest first."""
    own = sorted((each for each in machine.backups if each.complete and each.of == backup.of), key=_time)
    return tuple(each for each in own if _time(each) >= _time(backup))


def _time(backup: Backup) -> tuple[int, str]:
    return backup.epoch, backup.id


def _of_a_rollback(backup: Backup) -> bool:
    """Whether going back made it. Those that do not say so yet are told by their releases."""
    if "back-to" in backup.manifest:
        return string(backup.manifest, "back-to") != ""
    try:
        return Version.parse(_to(backup)) < Version.parse(_from(backup))
    except ValueError:
        return False


def _from(backup: Backup) -> str:
    return string(backup.manifest, "from")


def _to(backup: Backup) -> str:
    return string(backup.manifest, "to")


def _paths(named: Sequence[object]) -> Iterator[str]:
    """Yield what is a path inside the folder."""
    for path in named:
        if isinstance(path, str) and not path.startswith("/") and ".." not in path.split("/"):
            yield path
