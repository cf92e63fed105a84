"""The facts of a machine as a reader looks for them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from difyaction.compose.estimates import sized
from difyaction.compose.facts import Container, Machine
from difyaction.compose.queues import named_queues
from difyaction.compose.shift import Shift
from difyaction.compose.stores import VECTOR_STORES

_MOST = 12  # of a kind, in one line


def facts_text(machine: Machine, shift: Shift) -> str:
    """Return one line for each fact, what is most asked for first. No secret is among them."""
    return "\n".join(
        (
            *_place(machine, shift),
            *_data(machine, shift),
            *_services(machine, shift),
            *_past(machine),
        )
    )


def _place(machine: Machine, shift: Shift) -> Iterator[str]:
    engine, install, disk = machine.engine, shift.install, machine.disk
    kind = "a git checkout" if install.checkout else "no git checkout"
    yield f"folder: {install.folder}, {kind}, project {install.project}"
    if install.checkout:
        edited = _listed((*install.checkout.edited, *install.checkout.outside))
        yield f"checkout: {install.checkout.commit[:12]} on {install.checkout.branch or 'no branch'}, edited: {edited}"
    yield f"override files: {_listed(install.overrides)}"
    yield f"users meet it at {shift.url or 'a proxy elsewhere'}"
    how = f"{', rootless' if engine.rootless else ''}{', by sudo' if engine.sudo else ''}"
    yield f"engine: Docker {engine.version}{how}; {' '.join(engine.compose)} {engine.compose_version}"
    yield f"host: {machine.host.system}, {machine.host.platform}, user {machine.host.user}"
    yield f"memory: {sized(machine.host.memory)} to be had, {sized(machine.host.swap)} of swap"
    if disk:
        places = {
            "for images": (disk.engine, disk.engine_device),
            "in the folder": (disk.folder, disk.folder_device),
            "for backups": (disk.backup, disk.backup_device),
            "for the database": (disk.database, disk.database_device),
        }
        found = (f"{sized(free) if device else 'unknown'} {place}" for place, (free, device) in places.items())
        yield f"free: {', '.join(found)}"
    yield f"ports in use: {_listed(map(str, machine.listening))}"


def _data(machine: Machine, shift: Shift) -> Iterator[str]:
    database = shift.database
    place = f"service {database.service}" if database.service else f"{database.host}, no container of this project"
    yield f"database: {database.kind} {database.server or 'that does not answer'}, {place}"
    for name, size in sorted(database.sizes.items()):
        if name in database.names:
            yield f"database {name}: {sized(size)}"
    if database.refused:
        yield f"a question that it did not answer: {database.refused}"
    yield f"schema: {shift.head_before or 'unknown'} now, then {shift.head_after or 'what its image says'}"
    for container in machine.containers:
        name, tag = container.ref.known_name.rpartition("/")[2], container.ref.tag
        if name in VECTOR_STORES and not container.one_off:
            yield f"vector store: {name} {tag}, service {container.service}"
    if machine.api:
        if used := machine.api.env("VECTOR_STORE"):
            yield f"vector store in use: {used}"
        yield f"storage: {machine.api.env('STORAGE_TYPE', 'opendal')}"
    folder = f"{shift.folder}/"
    sizes = {
        mount.source: mount.size
        for container in machine.containers
        for mount in container.mounts
        if mount.size and (mount.source.startswith(f"{folder}volumes/") or not mount.source.startswith(folder))
    }
    for source, size in sorted(sizes.items(), key=lambda item: -item[1])[:_MOST]:
        yield f"volume {source.removeprefix(folder)}: {sized(size)}"


def _services(machine: Machine, shift: Shift) -> Iterator[str]:
    for container in machine.containers:
        if not container.one_off:
            yield f"service {container.service}: {container.image}{_digest(container)}, {_standing(container)}"
    for container in machine.bystanders:
        yield f"not Dify's: {container.service or container.name}: {container.image}, {_standing(container)}"
    yield f"left alone: {_listed(shift.untouched)}"
    if queues := named_queues(machine.containers):
        yield f"queues, named by hand: {', '.join(queues)}"


def _digest(container: Container) -> str:
    return f"@{container.digest[:19]}" if container.digest else ""


def _standing(container: Container) -> str:
    health = f" ({container.health})" if container.health and container.state == "running" else ""
    restarts = f", restarted {container.restarts} times" if container.restarts else ""
    return f"{container.state}{health}{restarts}"


def _past(machine: Machine) -> Iterator[str]:
    for backup in machine.backups[-_MOST:]:
        way = f"{backup.from_version or '?'} to {backup.to_version or '?'}"
        yield f"backup {backup.id}: {way}, {sized(backup.size)}{'' if backup.complete else ', never finished'}"
    if not machine.backups:
        yield f"backups: none in {machine.backup_folder}"
    for run in machine.runs:
        if not run.read:
            yield f"run {run.id}: {run.state}, followed by nobody yet"
    if machine.lock:
        yield f"lock: of {machine.lock.owner}{'' if machine.lock.live else ', who is gone'}"


def _listed(names: Iterable[str]) -> str:
    """Return names in one line, not too many of them."""
    every = tuple(names)
    more = f" and {len(every) - _MOST} more" if len(every) > _MOST else ""
    return ", ".join(every[:_MOST]) + more if every else "none"
