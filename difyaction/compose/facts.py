"""What is known of a machine that runs Dify, before anything is decided. Sizes are bytes, times are Unix seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from difyaction.compose.install import Install
from difyaction.releases.images import DIFY, ImageRef, split_image
from difyaction.secret import Secret

CONTROL = "postgres"  # the database of PostgreSQL that one is in to make or rename another


@dataclass(frozen=True, kw_only=True)
class Host:
    """The machine and who we are on it. ``epoch`` is its own clock."""

    system: str
    machine: str
    user: str
    uid: int
    home: str
    boot_id: str
    epoch: int
    memory: int
    swap: int
    lacking: tuple[str, ...] = ()  # programs that the runbook needs and that are not there
    nonce: str = ""  # another one at each look: what tells apart two looks within one second

    @property
    def platform(self) -> str:
        """The platform as registries name it, such as ``linux/amd64``."""
        known = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
        return f"linux/{known.get(self.machine, self.machine)}"


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Docker there, and how we reach it. ``sudo``: only by way of ``sudo -n``. ``compose`` is the command, in words."""

    version: str
    root: str
    rootless: bool
    sudo: bool
    docker_host: str
    docker_config: str
    compose: tuple[str, ...]
    compose_version: str
    why_not: str = ""  # what Docker said when it did not answer


@dataclass(frozen=True, kw_only=True)
class Mount:
    """One mount of a container. ``kind`` is ``bind`` or ``volume``; ``size`` None: nobody could measure it."""

    kind: str
    source: str
    target: str
    size: int | None = None
    writable: bool = True


@dataclass(frozen=True, kw_only=True)
class Container:
    """One container of the project, running or not."""

    id: str
    name: str
    service: str
    image: str
    image_id: str
    digest: str = ""
    state: str = "running"
    health: str = ""
    exit_code: int = 0
    restarts: int = 0
    started: str = ""
    one_off: bool = False
    networks: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    ports: tuple[tuple[int, str, int], ...] = ()  # container's port, host's address, host's port
    command: tuple[str, ...] = ()
    environment: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    stands_for: str = ""  # upstream's name of its image, where `image-map` says that it is a mirror's

    @property
    def ref(self) -> ImageRef:
        """Its image, taken apart."""
        return ref_of(self.image, self.stands_for)

    @property
    def is_stopped(self) -> bool:
        """Whether nothing of it runs, nor is about to."""
        return self.state in {"exited", "created", "dead"}

    def env(self, key: str, default: str = "") -> str:
        """Return a variable that is no secret."""
        found = self.environment.get(key)
        return found.reveal() if found is not None else default


@dataclass(frozen=True, kw_only=True)
class Database:
    """The database server of Dify, and the two databases in it. ``container`` is empty when it is elsewhere.

    ``server`` is its version number as it prints it, empty when it did not answer. ``sizes`` are by database.
    """

    kind: str  # postgresql | mysql
    container: str
    service: str
    host: str
    port: int
    user: str
    password: Secret = field(repr=False)
    main: str = "dify"
    plugin: str = ""
    server: str = ""
    client: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    seen: tuple[str, ...] = ()  # databases that the user may enter, be their size known or not
    tables: Mapping[str, int] = field(default_factory=dict)  # the server's own estimate of rows in `main`
    heads: tuple[str, ...] = ()
    client_image: str = ""
    network: str = ""  # of Docker, from which it can be reached; empty: whichever the API is in
    creates: bool = True  # whether the user may make databases, and name ours anew
    refused: str = ""  # what the server said to the first question that it did not answer

    @property
    def external(self) -> bool:
        """Whether it is no container of this project."""
        return not self.container

    @property
    def names(self) -> tuple[str, ...]:
        """The databases of Dify that are there."""
        there = {self.main, *self.seen, *self.sizes}
        return tuple(name for name in (self.main, self.plugin) if name and name in there)

    @property
    def size(self) -> int:
        """Bytes of all of Dify's databases."""
        return sum(self.sizes.get(name, 0) for name in self.names)


@dataclass(frozen=True, kw_only=True)
class Disk:
    """Free bytes at some places, and the file systems that they are on; without one, nobody could measure it.

    ``database`` is where the server's data are, when it is a container of the project.
    """

    engine: int
    engine_device: str
    folder: int
    folder_device: str
    backup: int
    backup_device: str
    database: int = 0
    database_device: str = ""


@dataclass(frozen=True, kw_only=True)
class Backup:
    """A backup of an earlier run. ``complete``: its checksums were written, so that it may be restored."""

    id: str
    folder: str
    from_version: str = ""
    to_version: str = ""
    epoch: int = 0
    size: int = 0
    complete: bool = False
    manifest: Mapping[str, object] = field(default_factory=dict, repr=False)

    @property
    def of(self) -> str:
        """The folder of the Dify that it is of: others on the host may keep theirs at the same place."""
        return str(self.manifest.get("folder", ""))


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run's folder that is still there. ``state``: ``going``, ``dead`` (broken off) or how it ended.

    ``read``: somebody has followed it to its end.
    """

    id: str
    folder: str
    state: str = ""
    read: bool = False


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A held lock. ``live``: its owner lives and it has not expired."""

    owner: str
    run: str
    until: int
    live: bool


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Everything that the probe read. ``bystanders`` are containers of the project that a plan told from Dify's."""

    host: Host
    engine: Engine
    install: Install | None
    containers: tuple[Container, ...]
    images: Mapping[str, int] = field(default_factory=dict)  # local references -> bytes
    database: Database | None = None
    disk: Disk | None = None
    backups: tuple[Backup, ...] = ()
    runs: tuple[Run, ...] = ()
    lock: Lock | None = None
    listening: tuple[int, ...] = ()
    state: str = ""  # where runs and locks are kept
    backup_folder: str = ""
    sought: str = ""  # the folder that was named, or that the containers name, be it there or not
    started: tuple[str, ...] = ()  # the folders that containers of the api were started in, by their labels
    bystanders: tuple[Container, ...] = ()

    def running(self, image: str) -> tuple[Container, ...]:
        """Return the containers of one image of Dify (``dify-api``), wherever it is mirrored to."""
        return tuple(c for c in self.containers if is_image(c.ref, image) and not c.one_off)

    @property
    def api(self) -> Container | None:
        """The container that answers for the API, running if there is one."""
        found = [c for c in self.running("dify-api") if c.env("MODE", "api") == "api"]
        return next((c for c in found if c.state == "running"), found[0] if found else None)


def ref_of(image: str, stands_for: str) -> ImageRef:
    """Take an image apart; one that cannot be has only a name."""
    try:
        return replace(split_image(image), stands_for=stands_for)
    except ValueError:
        return ImageRef("", image, "", None, stands_for)


def is_image(ref: ImageRef, image: str) -> bool:
    """Whether a reference is an image of Dify, such as ``dify-api``, mirrored or not."""
    return (ref.dify_name or ref.name).rpartition("/")[2] == image or ref.dify_name == f"{DIFY}{image}"
