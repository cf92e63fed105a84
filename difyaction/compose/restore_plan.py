"""The plan for going back to a backup: the same steps, with the backup in the place of the release. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from difyaction.compose.answers import mapping, sequence, string
from difyaction.compose.backup_steps import backup_steps
from difyaction.compose.bystanders import brought_since, left_alone, parted, unnamed
from difyaction.compose.change_steps import change_steps
from difyaction.compose.composed_facts import Composed, Service
from difyaction.compose.estimates import estimate
from difyaction.compose.facts import Backup, Machine
from difyaction.compose.folder import data_folders
from difyaction.compose.install import Held
from difyaction.compose.roles import Role
from difyaction.compose.run_delivery import delivered, run_id, settings_for
from difyaction.compose.runbook import render
from difyaction.compose.server_documents import documents
from difyaction.compose.server_plan import ServerPlan
from difyaction.compose.shift import (
    Shift,
    clones,
    network_of,
    services_before,
    stopping,
    tools_image,
    untouched_services,
    users_url,
)
from difyaction.compose.stores import storage_of
from difyaction.compose.switched import WrittenFile, written_file
from difyaction.compose.tables import counted_tables, summed_tables
from difyaction.compose.verify_steps import verify_steps
from difyaction.compose.wishes import Wishes
from difyaction.errors import Failed
from difyaction.releases.version import Version
from difyaction.target import Change, Objection, Severity

_LOSE_WRITES = (
    "The backup {backup} holds the databases of {unit} as they were; what users wrote since is lost. It is saved once"
    " more first, as a backup of its own."
)
_LOCKED = "Somebody else is at {unit}: {owner}. Wait until that run has ended."


@dataclass(frozen=True, kw_only=True)
class RestoreFacts:
    """What a plan to go back is made from."""

    machine: Machine
    installed: Version
    backup: Backup
    wishes: Wishes
    owner: str = ""


def chosen(machine: Machine, name: str) -> Backup:
    """Return the backup of that id, or the last one when ``name`` is empty.

    :raises Failed: ``backup-unknown``, ``backup-incomplete`` or ``backup-elsewhere``.
    """
    folder = machine.install.folder if machine.install else ""
    whole = [backup for backup in machine.backups if backup.complete and backup.of == folder]
    found = next((b for b in machine.backups if b.id == name), None) if name else next(reversed(whole), None)
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
    if machine.install is None or found.of != folder:
        raise Failed(
            "backup-elsewhere",
            "The backup {name} is of {folder}, and another Dify is looked at.",
            next_step="Name that folder in dify-folder, or choose another backup.",
            name=found.id,
            folder=found.of or "nowhere",
        )
    return found


def make_restore_plan(facts: RestoreFacts) -> ServerPlan:
    """Decide what is done."""
    facts = replace(facts, machine=_with_ours(facts))
    machine = facts.machine
    shift = _shift(facts)
    steps = (*backup_steps(shift), *change_steps(shift), *verify_steps(shift))
    settings = settings_for(shift, machine, run=run_id(shift, machine), owner=facts.owner)
    script = render(steps, settings)
    found = tuple(_objections(facts, shift))
    digest = hashlib.sha256("\0".join([facts.backup.id, *(step.do for step in steps)]).encode())
    return ServerPlan(
        from_version=str(shift.installed),
        to_version=str(shift.wanted),
        changes=tuple(_changes(facts, shift)),
        objections=found,
        findings=tuple(left_alone(machine)),
        documents=tuple(documents(machine, shift, None, estimates=estimate(shift, machine), script=script)),
        plan_id=digest.hexdigest(),
        steps=steps,
        settings=settings,
        delivered=delivered(shift, {}, settings.run_id, machine.host.epoch),
        script=script,
        final_backup=shift.data_change,
    )


def _with_ours(facts: RestoreFacts) -> Machine:
    """Return the machine with Dify's containers alone: of what the backup knows, and of what came after it."""
    machine, manifest = facts.machine, facts.backup.manifest
    holder = machine.database.service if machine.database else ""
    moved = {holder} - {string(manifest, "database-service")}  # its place is taken
    return parted(machine, _services(manifest), moved | brought_since(machine, facts.backup))


def _objections(facts: RestoreFacts, shift: Shift) -> Iterator[Objection]:
    lock = facts.machine.lock
    if lock is not None and lock.live:
        told: Mapping[str, object] = {"unit": shift.folder, "owner": lock.owner}
        yield Objection("lock-held", str(shift.wanted), Severity.NEVER, _LOCKED, told)
    if shift.restores:
        consent = f"lose-writes@{facts.backup.id}"
        yield Objection(
            "lose-writes",
            facts.backup.id,
            Severity.ACKNOWLEDGE,
            _LOSE_WRITES,
            {"backup": facts.backup.id, "unit": shift.folder},
            acknowledged=consent in facts.wishes.acknowledge,
        )


def _changes(facts: RestoreFacts, shift: Shift) -> Iterator[Change]:
    for name, service in shift.after.items():
        before = shift.images_before.get(name, "(none)")
        if before != service.image:
            yield Change(shift.folder, f"service {name}", before, service.image, shift.project)
    for file in shift.files:
        yield Change(shift.folder, file.path, "as it is", f"as in {facts.backup.id}", shift.project)


def _shift(facts: RestoreFacts) -> Shift:
    machine, manifest, wishes = facts.machine, facts.backup.manifest, facts.wishes
    install, database = machine.install, machine.database
    if install is None or database is None:
        raise ValueError("going back needs an install and a database")
    after, roles = _services(manifest), _roles(manifest)
    files = _files(manifest, install.files)
    written, composed, ended = [file.path for file in files], Composed(services=after), _marked(manifest, "ended")
    untouched = untouched_services(machine, written, composed, roles, ended=ended)
    volumes = {str(name): str(source) for name, source in mapping(manifest, "volumes").items()}
    stores = {name.rpartition("-")[0] for name in volumes}  # what is read back has to stand still, whatever its image
    parts = tuple(name for name in untouched if name in stores)
    untouched = tuple(name for name in untouched if name not in stores)
    return Shift(
        installed=facts.installed,
        wanted=Version.parse(string(manifest, "from")),
        head_before=database.heads[0] if database.heads else "",
        head_after=string(manifest, "head"),
        folder=install.folder,
        project=install.project,
        files=files,
        images=tuple(sorted({*(service.image for service in after.values()), database.client_image} - {""})),
        before=services_before(machine),
        images_before={c.service: c.image for c in machine.containers if not c.one_off},
        after=after,
        roles=roles,
        untouched=untouched,
        once=_marked(manifest, "once"),
        stops=stopping(machine, untouched, keeps=database.container, last=parts),
        database=database,
        database_service=string(manifest, "database-service"),
        counted=counted_tables(database),
        summed=summed_tables(database),
        url=users_url(machine),
        tools=tools_image(machine),
        storage=storage_of(machine),
        network=network_of(machine),
        one_way=volumes,
        saved={},
        data_folders=data_folders(machine, written),
        clone=clones(machine, wishes),
        install=install,
        wishes=wishes,
        unnamed=unnamed(machine, after),
        created=_paths(sequence(manifest, "created")),
        back_to=facts.backup.folder,
        restores=manifest.get("schema-changes") is True,
    )


def _services(manifest: Mapping[str, Any]) -> dict[str, Service]:
    records = mapping(manifest, "services")
    return {
        name: Service(name=name, image=string(record, "image"))
        for name, record in records.items()
        if string(record, "image")
    }


def _marked(manifest: Mapping[str, Any], mark: str) -> tuple[str, ...]:
    return tuple(name for name, record in mapping(manifest, "services").items() if record.get(mark) is True)


def _roles(manifest: Mapping[str, Any]) -> dict[str, Role]:
    return {name: Role(string(record, "role")) for name, record in mapping(manifest, "services").items()}


def _paths(named: Sequence[Any]) -> tuple[str, ...]:
    return tuple(
        path for path in named if isinstance(path, str) and not path.startswith("/") and ".." not in path.split("/")
    )


def _files(manifest: Mapping[str, Any], there: Mapping[str, Held]) -> tuple[WrittenFile, ...]:
    return tuple(written_file(there, path) for path in _paths(sequence(manifest, "files")))
