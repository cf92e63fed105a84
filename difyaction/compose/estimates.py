"""What an upgrade will take of time and room: rough, said before anything is done. Bytes and seconds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from difyaction.compose.extra_steps import extras_of
from difyaction.compose.facts import Machine
from difyaction.compose.folder import folder_size
from difyaction.compose.shift import Shift

# Uncompressed, from what upstream's images weigh; an image that nobody weighed counts as one of the others.
_IMAGE_SIZES = {"dify-api": 3_000_000_000, "dify-web": 700_000_000, "dify-plugin-daemon": 1_500_000_000}
_OTHER_IMAGE = 600_000_000
_DUMP_SHARE = 0.5  # a compressed dump against the database's files
DUMP_SPEED = 25_000_000  # bytes of database a second, compressed while they are read
CLONE_SPEED = 150_000_000
_TAR_SPEED = 100_000_000
_START = 90  # the api of a release and its workers on two cores, measured
_STOP = 15
_SNAPSHOT = 30  # to ask for it, see it made, and say so
_MIGRATION = 30  # what nobody can know before: what it has to do, and with how many rows
_OWN = 30  # files of the storage: sixty thousand at two thousand a second
USER_1001 = (1, 10, 1)  # from here on Dify's containers run as this user
_RESERVE = 1_000_000_000
_STEP = 1024
_LARGE = 1024**3  # a copy of less is soon made, whichever way
_HAS_STRATEGY = 15


@dataclass(frozen=True, kw_only=True)
class Estimates:
    """What is needed at each place, and seconds without service.

    ``beside`` is the room that the database's own disk must have for databases beside those that serve: for the copy,
    or for the dump that would be read back before what is there goes.
    """

    images: int
    missing: tuple[str, ...]  # the images that are not there yet
    backup: int
    clone: int
    beside: int
    backup_seconds: int
    downtime: int
    guesses: Mapping[str, int]  # what of them is no more than a guess: seconds by what they are for
    drain: int  # the most that workers may take before
    again: bool  # whether the time without service is estimated once more before anything stops

    def lines(self) -> str:
        """Return them for a reader."""
        return "\n".join(
            (
                f"images to pull: about {sized(self.images)}: {', '.join(self.missing)}"
                if self.missing
                else "images to pull: none",
                f"backup: about {sized(self.backup)}, {self.backup_seconds} s while the old release serves",
                f"copy inside the database server: {sized(self.clone)}"
                if self.clone
                else "no copy inside the database server",
                f"without service: about {self.downtime} s"
                + (", estimated again by the first dump's throughput" if self.again else ""),
                *(f"of it guessed: {seconds} s {what}" for what, seconds in self.guesses.items()),
                *([f"before that: up to {self.drain} s in which workers take nothing new"] if self.drain else []),
            )
        )


def estimate(shift: Shift, machine: Machine) -> Estimates:
    """Estimate from the sizes that the probe read."""
    missing = [image for image in shift.images if not {image, f"{image}:latest"} & machine.images.keys()]
    kinds = {service.image: service.ref.known_name.rpartition("/")[2] for service in shift.after.values()}
    size = shift.database.size
    tars = {name: packed or 0 for name, packed in volumes(shift, machine).items()}
    away = sum(tars[name] for name in shift.one_way)
    final = 0 if not shift.data_change else size // (CLONE_SPEED if shift.clone else DUMP_SPEED)
    dumped = int(size * _DUMP_SHARE)
    return Estimates(
        missing=tuple(missing),
        images=sum(_IMAGE_SIZES.get(kinds.get(image, ""), _OTHER_IMAGE) for image in missing),
        backup=dumped * (2 if shift.data_change else 1) + sum(tars.values()),
        clone=size if shift.clone and shift.data_change else 0,
        beside=size if shift.database.kind == "postgresql" and shift.data_change else 0,
        backup_seconds=5 + 2 * size // DUMP_SPEED + (sum(tars.values()) - away) // _TAR_SPEED,
        again=estimated_again(shift),
        downtime=standing(shift) + final + away // _TAR_SPEED,
        guesses=dict(_guesses(shift)),
        drain=shift.wishes.drain_timeout,
    )


def standing(shift: Shift) -> int:
    """Return the seconds without service but for what is saved meanwhile.

    No size is in it, which is another one by the time that a plan is approved.
    """
    kept = _SNAPSHOT if shift.wishes.final_backup == "snapshot" else 0
    return _STOP + kept + sum(seconds for _, seconds in _guesses(shift)) + _START


def _guesses(shift: Shift) -> Iterator[tuple[str, int]]:
    """Yield what nobody can know before: what it is for, and seconds that an ordinary Dify needs for it."""
    if shift.restores:
        yield "to read the backup back; large databases take longer", _MIGRATION
    elif shift.data_change and not shift.back_to:
        yield "to migrate the database; large tables take longer", _MIGRATION
    if shift.installed.numbers < USER_1001 <= shift.wanted.numbers:
        yield "to give the storage to another user; many files take longer", _OWN
    for extra in extras_of(shift):
        yield f"to {extra.title[0].lower()}{extra.title[1:]}", extra.seconds


def copies_files(shift: Shift) -> bool:
    """Whether the server is told to copy files: from version 15 on it copies pages, and all of them into its log."""
    return shift.clone and shift.database.size > _LARGE and major(shift.database.server) >= _HAS_STRATEGY


def estimated_again(shift: Shift) -> bool:
    """Whether the first dump tells something of the time without service. Nobody is kept from going back by it."""
    tells = shift.database.size > _LARGE if shift.clone else True
    return bool(shift.data_change and shift.wishes.max_downtime and tells and not shift.back_to)


def major(server: str) -> int:
    """Return the first number of a server's version, 0 when it did not say."""
    return int(found[0]) if (found := re.match(r"[0-9]+", server)) else 0


def volumes(shift: Shift, machine: Machine) -> dict[str, int | None]:
    """Return what is packed, with its size; None where nobody could measure it."""
    sizes = {mount.source: mount.size for container in machine.containers for mount in container.mounts}
    packed = {name: sizes.get(source) for name, source in {**shift.saved, **shift.one_way}.items()}
    return {"the folder": folder_size(machine, shift.data_folders), **packed}


def room(estimates: Estimates, machine: Machine) -> dict[str, tuple[int, int]]:
    """Return what each file system that could be measured needs and has free; places on one file system share it."""
    disk = machine.disk
    if disk is None:
        return {}
    needed: dict[str, dict[str, int]] = {}
    free = {disk.engine_device: disk.engine, disk.backup_device: disk.backup, disk.database_device: disk.database}
    # What an earlier run of this Dify left half goes before anything is written.
    folder = machine.install.folder if machine.install else ""
    free[disk.backup_device] += sum(each.size for each in machine.backups if not each.complete and each.of == folder)
    # The scratch server of the test restore holds all databases once more.
    scratch = machine.database.size if machine.database else 0
    for device, what, amount in (
        (disk.engine_device, "images", estimates.images + scratch),
        (disk.backup_device, "backups", estimates.backup),
        (disk.database_device, "the database", estimates.beside),
    ):
        if device and amount:  # else nobody could measure it
            needed.setdefault(device, {})[what] = amount
    return {
        f"{device} ({', '.join(amounts)})": (sum(amounts.values()) + _RESERVE, free[device])
        for device, amounts in needed.items()
    }


def sized(size: float) -> str:
    """Return a number of bytes as people read it."""
    for unit in ("bytes", "KiB", "MiB"):
        if size < _STEP:
            return f"{size:.0f} {unit}"
        size /= _STEP
    return f"{size:.1f} GiB"
