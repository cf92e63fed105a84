"""The plan for going back to a backup: the same steps, with the backup in the place of the release. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from difyaction.compose.answers import mapping, string
from difyaction.compose.backup_steps import backup_steps
from difyaction.compose.bystanders import brought_since, parted, unnamed
from difyaction.compose.change_steps import change_steps
from difyaction.compose.composed_facts import Composed, Service
from difyaction.compose.estimates import estimate
from difyaction.compose.facts import Backup, Database, Machine
from difyaction.compose.folder import data_folders, is_apart
from difyaction.compose.install import Install
from difyaction.compose.judged_back import findings, objections
from difyaction.compose.mirrors import known_by
from difyaction.compose.roles import Role
from difyaction.compose.run_delivery import delivered, run_id, settings_for
from difyaction.compose.runbook import render
from difyaction.compose.server_documents import documents, runbook_documents
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
from difyaction.compose.stores import changing_stores, one_way, parts_beside, storage_of
from difyaction.compose.switched import WrittenFile, written_file
from difyaction.compose.tables import counted_tables, summed_tables
from difyaction.compose.verify_steps import verify_steps
from difyaction.compose.ways_back import files_back, is_its_own, was_brought, way_back
from difyaction.compose.wishes import Wishes
from difyaction.releases.images import is_same
from difyaction.releases.version import Version
from difyaction.target import Change


@dataclass(frozen=True, kw_only=True)
class RestoreFacts:
    """What a plan to go back is made from."""

    machine: Machine
    installed: Version
    backup: Backup
    wishes: Wishes
    owner: str = ""


def make_restore_plan(facts: RestoreFacts) -> ServerPlan:
    """Decide what is done."""
    facts = replace(facts, machine=_with_ours(facts))
    machine = facts.machine
    shift = _shift(facts)
    steps = (*backup_steps(shift), *change_steps(shift), *verify_steps(shift))
    settings = settings_for(shift, machine, run=run_id(shift, machine), owner=facts.owner)
    script = render(steps, settings)
    digest = hashlib.sha256("\0".join([facts.backup.id, *(step.do for step in steps)]).encode())
    return ServerPlan(
        from_version=str(shift.installed),
        to_version=str(shift.wanted),
        changes=tuple(_changes(shift)),
        objections=tuple(objections(machine, facts.backup, shift)),
        findings=tuple(findings(machine, shift)),
        documents=(*documents(machine, shift, None, estimate(shift, machine)), *runbook_documents(steps, script)),
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
    if machine.install and not string(manifest, "commit"):  # no checkout then: its files come back, git moves nothing
        machine = replace(machine, install=replace(machine.install, checkout=None))
    holder = machine.database.service if machine.database else ""
    moved = {holder} - {string(manifest, "database-service")}  # its place is taken
    return parted(machine, mapping(manifest, "services"), moved | brought_since(machine, facts.backup))


def _changes(shift: Shift) -> Iterator[Change]:
    for name, service in shift.after.items():
        before = shift.images_before.get(name, "(none)")
        if before != service.image:
            yield Change(shift.folder, f"service {name}", before, service.image, shift.project)
    for name in filter(None, shift.gone):
        yield Change(shift.folder, f"service {name}", shift.images_before.get(name, "(none)"), "(none)", shift.project)
    for file in shift.files:
        kept_in = (file.kept_in or shift.back_to).rpartition("/")[2]
        yield Change(shift.folder, file.path, "as it is", f"as in {kept_in}", shift.project)


def _shift(facts: RestoreFacts) -> Shift:
    machine, manifest, wishes = facts.machine, facts.backup.manifest, facts.wishes
    install, database = machine.install, machine.database
    if install is None or database is None:
        raise ValueError("going back needs an install and a database")
    after, roles = _services(manifest, wishes.image_map), _roles(manifest)
    files, created = _files(facts, install)
    written, composed, ended = [file.path for file in files], Composed(services=after), _marked(manifest, "ended")
    untouched = untouched_services(machine, written, composed, roles, ended=ended)
    copyless = _copyless(facts, composed, untouched, written)
    stores = {**_volumes(facts.backup), **copyless}  # they have to stand still, whatever their image
    parts = tuple(name for name in untouched if name in _services_of(stores))
    untouched = tuple(name for name in untouched if name not in parts)
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
        one_way=stores,
        saved={},
        data_folders=data_folders(machine, written),
        clone=clones(machine, wishes),
        install=install,
        wishes=wishes,
        unnamed=unnamed(machine, after),
        kept=_edited(install),
        created=created,
        back_to=facts.backup.folder,
        copyless=tuple(copyless),
        restores=_restores(facts, database, after, roles),
    )


def _restores(facts: RestoreFacts, database: Database, after: Mapping[str, Service], roles: Mapping[str, Role]) -> bool:
    """Whether the databases are read back: the upgrade could change them, or they are not what the backup knows.

    Others upgraded since, or emptied them. That of the plugin daemon is told by its image, as on the way forward.
    """
    manifest = facts.backup.manifest
    changed = manifest.get("schema-changes") is True or bool(_volumes(facts.backup))
    head = string(manifest, "head")
    daemons = [c for c in facts.machine.containers if not c.one_off and roles.get(c.service) is Role.DAEMON]
    other = any(not is_same(each.ref, after[each.service].ref) for each in daemons)
    return changed or other or (head != "" and list(database.heads) != [head])


def _copyless(
    facts: RestoreFacts, composed: Composed, untouched: Sequence[str], written: Sequence[str]
) -> dict[str, str]:
    """Return the data of stores that get an older image and of which the backup has no copy: name -> source.

    What belongs together has a copy as a whole, at the places where it is now, or none.
    """
    machine, held = facts.machine, _volumes(facts.backup)
    found: dict[str, str] = {}
    for store in changing_stores(machine, composed, untouched):
        data = one_way(machine, {store, *parts_beside(machine, [store])}, written)
        found |= {} if {*data.values()} <= {*held.values()} else data
    there = {container.service for container in machine.containers}
    gone = composed.services.keys() - there - _services_of(held)  # nothing runs them, and their data may lie there
    for later in way_back(machine, facts.backup, facts.installed)[:-1]:
        found |= {name: source for name, source in _volumes(later).items() if _services_of([name]) <= gone}
    return found


def _volumes(backup: Backup) -> dict[str, str]:
    """Return what a backup has of the stores: name of the copy -> volume or folder."""
    return {str(name): str(source) for name, source in mapping(backup.manifest, "volumes").items()}


def _services_of(copies: Iterable[str]) -> set[str]:
    return {name.rpartition("-")[0] for name in copies}


def _services(manifest: Mapping[str, Any], image_map: Mapping[str, str]) -> dict[str, Service]:
    records = mapping(manifest, "services")
    services = (Service(name=name, image=string(record, "image")) for name, record in records.items())
    return {service.name: service for service in known_by(services, image_map)}


def _marked(manifest: Mapping[str, Any], mark: str) -> tuple[str, ...]:
    return tuple(name for name, record in mapping(manifest, "services").items() if record.get(mark) is True)


def _roles(manifest: Mapping[str, Any]) -> dict[str, Role]:
    return {name: Role(string(record, "role")) for name, record in mapping(manifest, "services").items()}


def _files(facts: RestoreFacts, install: Install) -> tuple[tuple[WrittenFile, ...], tuple[str, ...]]:
    """Return the files that go back, and those of them that go away, for an upgrade brought them."""
    tracked = install.checkout.tracked if install.checkout else ()
    kept_in = files_back(facts.machine, facts.backup, facts.installed, tracked)
    unsure = {path for path, backup in kept_in.items() if not is_its_own(path, backup)}
    data = data_folders(facts.machine, kept_in.keys() - unsure)
    files = tuple(
        replace(
            written_file(install.files, path),
            kept_in="" if backup == facts.backup else backup.folder,
            perhaps=path in unsure,
        )
        for path, backup in kept_in.items()
        if path not in unsure or not is_apart(path, data)  # of these a backup only has those of its own upgrade
    )
    return files, tuple(path for path, backup in kept_in.items() if was_brought(path, backup))


def _edited(install: Install) -> tuple[str, ...]:
    """Return the files of theirs in a checkout that another commit of it would replace: an undo puts them back."""
    edited = install.checkout.edited if install.checkout else ()
    return tuple(sorted({*edited} & install.files.keys()))
