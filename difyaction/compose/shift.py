"""What exactly moves on one machine: every value that the steps name, decided over facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from difyaction.compose.blocks import RENAMED
from difyaction.compose.built import fetched
from difyaction.compose.bystanders import beside_upstreams, unnamed
from difyaction.compose.composed_facts import Composed, Service
from difyaction.compose.draft import Draft, mode_of
from difyaction.compose.facts import Container, Database, Machine
from difyaction.compose.folder import data_folders
from difyaction.compose.install import Install
from difyaction.compose.one_shot import ended_services, once_services
from difyaction.compose.roles import Role, role_of, roles_of
from difyaction.compose.stores import changing_stores, one_way, parts_of, saved_volumes, storage_of
from difyaction.compose.switched import WrittenFile, kept_files, written_file
from difyaction.compose.tables import counted_tables, summed_tables
from difyaction.compose.wishes import Wishes
from difyaction.releases.version import Version

_STOP_WAVES = (
    {Role.PROXY},
    {Role.BEAT, Role.SOCKET, Role.API, Role.WORKER},
    {Role.DAEMON, Role.SANDBOX, Role.WEB, Role.AGENT},  # what those still ask while they come to an end
    {Role.DATABASE, Role.OTHER},
)
_LIGHT_CELERY = Version.parse("1.14.0")  # from here on `celery_healthcheck` answers without loading the whole app


@dataclass(frozen=True, kw_only=True)
class Shift:
    """One upgrade of one machine. Services by name.

    ``stops`` are containers by id, in waves that stop one after the other; those of one wave stop side by side.
    """

    installed: Version
    wanted: Version
    head_before: str
    head_after: str  # empty: read from the pulled image
    folder: str
    project: str
    files: tuple[WrittenFile, ...]
    images: tuple[str, ...]
    before: Mapping[str, tuple[Role, str]]  # service -> role, container id
    images_before: Mapping[str, str]
    after: Mapping[str, Service]
    roles: Mapping[str, Role]
    untouched: tuple[str, ...]
    once: tuple[str, ...]  # services that run once and exit
    stops: tuple[tuple[str, ...], ...]
    database: Database
    database_service: str  # where it will be
    counted: tuple[str, ...]
    summed: tuple[str, ...]
    url: str
    tools: str  # an image with tar that is there
    storage: str  # the volume or folder in which the api keeps its files, keys among them; empty: elsewhere
    network: str  # one that the database can be reached from
    one_way: Mapping[str, str]  # volumes whose format changes: name of the copy -> source
    saved: Mapping[str, str]  # further volumes to save while the old release serves
    data_folders: tuple[str, ...]  # inside the folder, and no part of the copy of its configuration
    clone: bool
    install: Install = field(repr=False)
    wishes: Wishes
    unnamed: tuple[str, ...] = ()  # containers of ``before`` by id, whose services no file names as it stands now
    kept: tuple[str, ...] = ()  # files of theirs that a checkout of the release would replace or take away
    created: tuple[str, ...] = ()  # files that a backup's upgrade made anew; going back to it takes them away
    back_to: str = ""  # the folder of the backup that this goes back to; empty on the way forward
    copyless: tuple[str, ...] = ()  # those of ``one_way`` of which it has no copy: saved, and not read back
    restores: bool = False  # whether the databases are read back from there

    @property
    def data_change(self) -> bool:
        """Whether the old release may not read the data afterwards: a schema is another one, or a store's files.

        What is in the databases and what is in the stores belongs together: all of it goes back, or nothing.
        """
        if self.back_to:
            return self.restores or bool(self.one_way)
        return self.head_before != self.head_after or self.daemon_changes or bool(self.one_way)

    @property
    def daemon_changes(self) -> bool:
        """Whether the plugin daemon migrates its own database when it starts."""
        daemons = [name for name, role in self.roles.items() if role is Role.DAEMON]
        return any(self.images_before.get(name) != self.after[name].image for name in daemons)

    @property
    def switched(self) -> Mapping[str, int]:
        """The files that the switch writes, by path, each with its mode: upstream's, and theirs on top."""
        held = self.install.files
        return {path: mode_of(path, held[path]) for path in self.kept} | {file.path: file.mode for file in self.files}

    def named(self, *roles: Role) -> tuple[str, ...]:
        """Return the services of some roles, as they will be."""
        return tuple(name for name, role in self.roles.items() if role in roles)

    @property
    def api(self) -> str:
        """The service that answers for the API."""
        return next(iter(self.named(Role.API)), "api")

    @property
    def proxy(self) -> str:
        """The proxy's service, empty when the proxy is elsewhere."""
        return next(iter(self.named(Role.PROXY)), "")

    @property
    def started(self) -> tuple[str, ...]:
        """The services that start before the proxy opens."""
        late = {Role.PROXY, Role.DOOR, Role.BEAT}
        return tuple(
            name
            for name, role in self.roles.items()
            if role not in late
            and name not in self.untouched
            and name not in self.once
            and name != self.database_service
        )

    @property
    def late(self) -> tuple[str, ...]:
        """What starts after the proxy: nothing periodic shall work before the point of no return, nobody come in."""
        return self.named(Role.DOOR, Role.BEAT)

    @property
    def gone(self) -> tuple[str, ...]:
        """Services of the old release that the new one does not have."""
        return tuple(name for name in self.before if name not in self.after)

    @property
    def moves_database(self) -> bool:
        """Whether the database gets a container of another service, on the same files."""
        return bool(self.database.service) and self.database.service != self.database_service

    @property
    def celery(self) -> str:
        """The name by which celery finds the running release's application."""
        return celery_of(self.installed)


def celery_of(version: Version) -> str:
    """Return the celery application of a release that is cheapest to load."""
    return "celery_healthcheck.celery" if version.numbers >= _LIGHT_CELERY.numbers else "app.celery"


def shift_of(machine: Machine, drafted: Draft, composed: Composed, *, ends: Ends, wishes: Wishes) -> Shift:
    """Decide. The machine has an install, a database and an API; the caller saw to that."""
    install, database = machine.install, machine.database
    if install is None or database is None:
        raise ValueError("a shift needs an install and a database")
    roles = roles_of({name: (service.ref, service.environment) for name, service in composed.services.items()})
    ended = ended_services(machine, composed, roles)
    untouched = untouched_services(machine, drafted.written, composed, roles, ended=ended)
    stores = changing_stores(machine, composed, untouched)
    parts = parts_of(stores, composed)
    untouched = tuple(name for name in untouched if name not in parts)
    shipped = {*drafted.written, *drafted.upstream}
    return Shift(
        installed=ends.installed,
        wanted=ends.wanted,
        head_before=database.heads[0] if database.heads else "",
        head_after=ends.head,
        folder=install.folder,
        project=install.project,
        files=tuple(written_file(install.files, path) for path in drafted.written),
        images=tuple(sorted({*fetched(composed.services, untouched), database.client_image} - {""})),
        before=services_before(machine),
        images_before={c.service: c.image for c in machine.containers if not c.one_off},
        after=composed.services,
        roles=roles,
        untouched=untouched,
        once=once_services(machine, composed, roles),
        stops=stopping(machine, untouched, keeps=database.container, last=parts),
        database=database,
        database_service=_database_service(machine, database, composed, roles),
        counted=counted_tables(database),
        summed=summed_tables(database),
        url=users_url(machine),
        tools=tools_image(machine),
        storage=storage_of(machine),
        network=network_of(machine),
        one_way=one_way(machine, {*stores, *parts}, shipped),
        saved=saved_volumes(machine, composed, wishes.backup, shipped),
        data_folders=data_folders(machine, shipped),
        clone=clones(machine, wishes),
        install=install,
        wishes=wishes,
        unnamed=unnamed(machine, beside_upstreams(drafted, composed)),
        kept=kept_files(install, drafted),
    )


def services_before(machine: Machine) -> dict[str, tuple[Role, str]]:
    """Return the services that have containers: role, and the container's id."""
    held = {c.service: c for c in machine.containers if not c.one_off}
    roles = roles_of({name: (c.ref, c.environment) for name, c in held.items()})
    return {name: (roles[name], c.id) for name, c in held.items()}


@dataclass(frozen=True, kw_only=True)
class Ends:
    """The releases at both ends of the way, and the schema head of the wanted one, empty when it is not known."""

    installed: Version
    wanted: Version
    head: str


def untouched_services(
    machine: Machine, written: Sequence[str], composed: Composed, roles: Mapping[str, Role], *, ended: Sequence[str]
) -> tuple[str, ...]:
    """Return the services whose containers stay: not Dify's own, run or ``ended``, same image, no file is written."""
    found = (c for c in machine.containers if not c.one_off)
    there = {c.service: c for c in found if c.state == "running" or c.service in ended}
    own = {Role.OTHER, Role.DATABASE, Role.SANDBOX}
    return tuple(
        name
        for name, service in composed.services.items()
        if roles[name] in own
        and name in there
        and there[name].image == service.image
        and not _reads_written(there[name], machine, written)
    )


def _reads_written(container: Container, machine: Machine, written: Sequence[str]) -> bool:
    folder = machine.install.folder if machine.install else ""
    paths = [f"{folder}/{path}" for path in written]
    return any(path == m.source or path.startswith(f"{m.source}/") for m in container.mounts for path in paths)


def stopping(
    machine: Machine, untouched: Sequence[str], *, keeps: str, last: Sequence[str] = ()
) -> tuple[tuple[str, ...], ...]:
    """Return the containers that stop, in waves in the order of stopping; ``last`` are services that others use."""
    found = [c for c in machine.containers if c.service not in untouched and c.id != keeps and not c.one_off]
    going = [c for c in found if not c.is_stopped]
    first = [(c.id, role_of(c.ref, c.environment)) for c in going if c.service not in last]
    waves = [tuple(container for container, role in first if role in wave) for wave in _STOP_WAVES]
    waves.append(tuple(c.id for c in going if c.service in last))
    return tuple(wave for wave in waves if wave)


def _database_service(machine: Machine, database: Database, composed: Composed, roles: Mapping[str, Role]) -> str:
    """Return where the database will be: the same service, or the one that took over its files."""
    if database.service in {"", *composed.services, *(c.service for c in machine.bystanders)}:
        return database.service
    if RENAMED.get(database.service) in composed.services:
        return RENAMED[database.service]  # whatever image somebody gave it: pgvector, postgis
    kinds = {"postgresql": ("postgres", "pgvector"), "mysql": ("mysql", "mariadb")}[database.kind]
    candidates = [name for name, role in roles.items() if role is Role.DATABASE]
    images = {name: composed.services[name].ref.known_name.rpartition("/")[2] for name in candidates}
    fitting = [name for name, image in images.items() if image.startswith(kinds)]
    return next(iter(fitting), database.service)


def users_url(machine: Machine) -> str:
    """Return the address at which users meet the proxy, as the machine reaches it; empty when it is elsewhere."""
    proxies = [container for role, container in services_before(machine).values() if role is Role.PROXY]
    proxy = next((c for c in machine.containers if c.id in proxies), None)
    ports = {inner: (address, outer) for inner, address, outer in (proxy.ports if proxy else ()) if outer}
    if not ports:
        return ""
    secure = proxy is not None and proxy.env("NGINX_HTTPS_ENABLED").lower() == "true"
    inner = int(proxy.env("NGINX_SSL_PORT" if secure else "NGINX_PORT", "443" if secure else "80")) if proxy else 80
    address, outer = ports.get(inner) or next(iter(ports.values()), ("", 80))
    host = "127.0.0.1" if address in {"", "0.0.0.0", "::"} else f"[{address}]" if ":" in address else address  # noqa: S104 - compared, not bound
    return f"{'https' if secure else 'http'}://{host}:{outer}"


def network_of(machine: Machine) -> str:
    """Return a network from which the database can be reached; it outlives the api's container."""
    if machine.database and machine.database.network:
        return machine.database.network
    return next(iter(machine.api.networks), "bridge") if machine.api else "bridge"


def tools_image(machine: Machine) -> str:
    """Return an image with GNU tar that is there: that of the running API."""
    return machine.api.image_id if machine.api else ""


def clones(machine: Machine, wishes: Wishes) -> bool:
    """Whether the final backup is a copy inside the server: quick to make, and a rename to go back to."""
    database = machine.database
    if database is None or database.kind != "postgresql" or not database.creates or wishes.final_backup == "dump":
        return False
    known = all(name in database.sizes for name in database.names)
    room = machine.disk.database if machine.disk and known and not database.external else 0
    return wishes.final_backup == "clone" or room > 2 * database.size + 1024**3
