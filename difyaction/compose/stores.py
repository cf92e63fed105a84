"""The stores beside the database: whose data go one way, what belongs to whom, and where vectors are. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from difyaction.compose.composed_facts import Composed
from difyaction.compose.facts import Container, Machine, Mount
from difyaction.compose.roles import Role, role_of
from difyaction.releases.images import ImageRef, is_same

# Stores that keep data in services of their own, by image: Milvus its metadata in etcd, and its segments in MinIO.
# Source: https://milvus.io/docs/configure-docker.md
_PARTS = {"milvus": frozenset({"etcd", "minio"})}
VECTOR_STORES = frozenset(
    {
        "chroma", "elasticsearch", "matrixone", "milvus", "myscaledb", "oceanbase-ce", "opengauss", "opensearch",
        "pgvecto-rs", "pgvector", "qdrant", "seekdb", "vastbase-vector", "weaviate",
    }
)  # fmt: skip
_SYSTEM = re.compile(
    r"(?!/usr/local/.)/(bin|boot|dev|etc|lib|lib64|proc|run|sbin|sys|usr|var/run|var/lib/docker)(/.*)?|/"
)
_SETTINGS = re.compile(r".*\.[a-z]{1,10}")  # a target that is one file, or a folder such as conf.d
_VOLUMES = {"storage": "/app/api/storage", "plugins": "/app/storage", "redis": "/data"}


def changing_stores(machine: Machine, composed: Composed, untouched: Sequence[str]) -> tuple[str, ...]:
    """Return the services beside Dify that get another image. The databases are none: they have dumps instead."""
    database = machine.database.container if machine.database else ""
    return tuple(
        container.service
        for container in _stores(machine)
        if container.service not in untouched
        and container.id != database  # pgvector may hold Dify's own databases
        and container.service in composed.services
        and not is_same(composed.services[container.service].ref, container.ref)
    )


def parts_of(stores: Iterable[str], composed: Composed) -> tuple[str, ...]:
    """Return the services that hold data of these: they stop, and are saved and put back, with them."""
    return tuple(sorted({part for store in stores for part in _parts(store, composed)}))


def _parts(store: str, composed: Composed) -> Iterator[str]:
    service = composed.services.get(store)
    for name in service.depends if service else ():
        other = composed.services.get(name)
        if service and other and _image(other.ref) in _PARTS.get(_image(service.ref), ()):
            yield name


def parts_beside(machine: Machine, stores: Collection[str]) -> tuple[str, ...]:
    """Return the services that run and may hold data of these, where no file says who depends on whom."""
    asked = [_image(store.ref) for store in _stores(machine) if store.service in stores]
    images = {part for image in asked for part in _PARTS.get(image, ())}
    return tuple(sorted(part.service for part in _stores(machine) if _image(part.ref) in images))


def one_way(machine: Machine, stores: Collection[str], shipped: Iterable[str]) -> dict[str, str]:
    """Return the data of these services: name of the copy -> volume or folder.

    ``shipped`` are upstream's own files, by path in the folder: they are settings, and are merged.
    """
    paths = tuple(shipped)
    found: dict[str, str] = {}
    for container in _stores(machine):
        if container.service in stores:
            kept = enumerate(_data(container, machine, paths))
            found |= {f"{container.service}-{number}": mount.source for number, mount in kept}
    return found


def saved_volumes(
    machine: Machine, composed: Composed, wanted: Sequence[str], shipped: Iterable[str]
) -> dict[str, str]:
    """Return what somebody asked for: name of the copy -> volume or folder."""
    asked = {*_VOLUMES, "vectors"} if "all" in wanted else set(wanted)
    found = {
        name: mount.source
        for name, target in _VOLUMES.items()
        if name in asked
        for container in machine.containers
        for mount in container.mounts
        if mount.target == target
    }
    if "vectors" in asked:
        holders = [container.service for container in _stores(machine) if _image(container.ref) in VECTOR_STORES]
        copies = one_way(machine, {*holders, *parts_of(holders, composed)}, shipped)
        found |= {"vectors" if len(copies) == 1 else f"vectors-{name}": source for name, source in copies.items()}
    return found


def storage_of(machine: Machine) -> str:
    """Return the volume or folder in which the api keeps its files; empty when they are elsewhere."""
    mounts = machine.api.mounts if machine.api else ()
    return next((mount.source for mount in mounts if mount.target == _VOLUMES["storage"]), "")


def vectors_missing(wanted: Sequence[str], saved: Collection[str]) -> bool:
    """Whether somebody asked for vectors, and none would be saved."""
    return bool({"all", "vectors"} & set(wanted)) and not any(name.startswith("vectors") for name in saved)


def _stores(machine: Machine) -> Iterator[Container]:
    for container in machine.containers:
        if not container.one_off and role_of(container.ref, container.environment) is Role.OTHER:
            yield container


def _data(container: Container, machine: Machine, shipped: Sequence[str]) -> Iterator[Mount]:
    folder = machine.install.folder if machine.install else ""
    for mount in container.mounts:
        if not mount.writable or (mount.kind != "volume" and _is_settings(mount, folder, shipped)):
            continue
        yield mount


def _is_settings(mount: Mount, folder: str, shipped: Sequence[str]) -> bool:
    inside = (f"{folder}/{path}" for path in shipped)
    own = folder != "" and mount.source.startswith(f"{folder}/")  # wherever somebody put Dify: /usr/local, /etc
    return (
        (not own and _SYSTEM.fullmatch(mount.source) is not None)
        or _SETTINGS.fullmatch(mount.target.rpartition("/")[2]) is not None
        or any(path == mount.source or path.startswith(f"{mount.source}/") for path in inside)
    )


def _image(ref: ImageRef) -> str:
    return ref.known_name.rpartition("/")[2]
