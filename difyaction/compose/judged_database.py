"""The database as the rules see it: where it is, what it told, and whether the new release would find it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from difyaction.compose.composed_facts import Composed
from difyaction.compose.facts import Database, Machine
from difyaction.compose.roles import Role, role_of
from difyaction.compose.shift import Shift
from difyaction.releases.machine import MachineSituation


def of_database(machine: Machine, composed: Composed, shift: Shift, *, unknown: bool) -> MachineSituation:
    """Return what is known of it. ``unknown``: nobody can say yet which images would run."""
    database = shift.database
    return MachineSituation(
        database_head=database.heads[0] if database.heads else "",
        database_server=database.server,
        database_client=database.client,
        database_host=f"{database.host}:{database.port}",
        database_answers=bool(database.server),
        database_unread=tuple(_unread(database)) if database.server else (),
        database_refused=database.refused,
        plugins_unseen=_plugins_unseen(machine, database) if database.server else "",
        database_service=shift.database_service,
        database_images=_database_images(machine, composed, shift),
        database_lost="" if unknown or database.external else _database_lost(composed, shift),
        database_in_doubt=_database_in_doubt(machine, shift),
    )


def _database_images(machine: Machine, composed: Composed, shift: Shift) -> tuple[str, str]:
    """Return the image of the database's container, and of the service that will have its files."""
    before = next((c.image for c in machine.containers if c.id == shift.database.container != ""), "")
    service = composed.services.get(shift.database_service)
    return (before, service.image) if before and service else ("", "")


def _unread(database: Database) -> Iterator[str]:
    """Yield what the server did not tell, and nobody can do without: what rows are proven by, and what room is."""
    if not database.tables:
        yield "the list of its tables"
    if not database.heads:
        yield "the version of its schema"
    if database.main not in database.sizes:
        yield "its size"


def _plugins_unseen(machine: Machine, database: Database) -> str:
    """Return the plugin daemon's database if it has to be somewhere, and is not on the server that would be saved."""
    works = any(c.state == "running" for c in machine.running("dify-plugin-daemon"))
    return database.plugin if works and database.plugin not in database.names else ""


def _database_lost(composed: Composed, shift: Shift) -> str:
    """Return why the api would not find the database that runs now as a container; empty when it would."""
    if shift.database_service not in composed.services:
        return f"no service would run the database that {shift.database.service} holds now"
    api = next((composed.services[name] for name in shift.named(Role.API)), None)
    asked = api.environment.get("DB_HOST") if api else None
    host = asked.reveal() if asked else ""
    # a name of the container that runs now, or of its network's, is none of the service that takes its place
    if host in {"", shift.database_service} or (host == shift.database.host and not shift.moves_database):
        return ""
    return f"it would ask {host}, and the database runs as {shift.database_service}"


def _database_in_doubt(machine: Machine, shift: Shift) -> str:
    """Return the service that may be the database although it is called otherwise: it would stop, and has its port."""
    for container in machine.containers if shift.database.external else ():
        stops = container.service not in shift.untouched and not container.is_stopped
        ports = {outer for _, _, outer in container.ports}
        if stops and shift.database.port in ports and role_of(container.ref, container.environment) is Role.DATABASE:
            return container.service
    return ""
